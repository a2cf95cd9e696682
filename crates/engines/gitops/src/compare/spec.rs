use pave_manifest::application::{Application, IN_CLUSTER, Source};
use pave_manifest::project::Project;

use crate::engine::Engine;

/// Whether an Application may be acted on at all; the project it belongs to.
pub(super) fn check_spec(
    engine: &Engine,
    application: &Application,
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
    if !destination.is_in_cluster() {
        let cluster = if destination.server.is_empty() {
            &destination.name
        } else {
            &destination.server
        };
        return Err(format!(
            "there are no clusters with this name or URL: {cluster}; only `https://kubernetes.default.svc` is served"
        ));
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
    if !permits_namespace(&project, &destination.namespace) {
        let (server, namespace) = (&destination.server, &destination.namespace);
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

/// Whether a project permits a namespace of the cluster the engine runs in.
pub(crate) fn permits_namespace(project: &Project, namespace: &str) -> bool {
    project.permits_destination(IN_CLUSTER, "in-cluster", namespace)
}
