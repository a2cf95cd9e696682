use pave_manifest::application::{Application, Source};
use pave_manifest::project::Project;

use crate::engine::Engine;
use crate::sites::{DestinationError, Site};

/// Whether an Application may be acted on at all; the project it belongs to.
pub(super) fn check_spec(
    engine: &Engine,
    application: &Application,
    site: Result<&Site, &DestinationError>,
    source: &Source,
) -> Result<Project, String> {
    let name = application.project();
    let project = engine
        .project(name)
        .ok_or_else(|| format!("Application referencing project {name} which does not exist"))?;
    let destination = &application.spec.destination;
    if destination.server.is_empty() && destination.name.is_empty() {
        return Err(
            "Destination server missing from app spec: set `spec.destination.server` or `.name`".to_owned(),
        );
    }
    if !destination.server.is_empty() && !destination.name.is_empty() {
        return Err("application destination can't have both name and server defined".to_owned());
    }
    if source.repo_url.is_empty() {
        return Err("spec.source.repoURL is required".to_owned());
    }
    if !project.permits_source(&source.repo_url) {
        let url = &source.repo_url;
        return Err(format!(
            "application repo {url} is not permitted in project '{name}'"
        ));
    }
    let site = site.map_err(ToString::to_string)?;
    if !site.is_permitted(&project, &destination.namespace) {
        let (server, namespace) = (&site.server, &destination.namespace);
        return Err(format!(
            "application destination server '{server}' and namespace '{namespace}' do not match any of the allowed \
             destinations in project '{name}'"
        ));
    }
    if application.spec.sources.len() > 1 {
        return Err("several sources are not rendered yet; keep one of `spec.sources`".to_owned());
    }
    Ok(project)
}
