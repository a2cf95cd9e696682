//! Which repository of which host a step means.

use pave_hosts::RepositoryLocation;
use pave_hosts::devops::{DevOps, DevOpsError};
use url::Url;

use super::super::publishing::credential;
use crate::action::{ActionContext, ActionError};
use crate::workspace::Checkout;

/// The host that is meant when nothing says otherwise.
const CLOUD: &str = "dev.azure.com";

/// A repository, and the client for its organization.
pub(super) struct Target {
    pub(super) client: DevOps,
    pub(super) project: String,
    /// Name or id.
    pub(super) repository: String,
}

impl From<DevOpsError> for ActionError {
    fn from(error: DevOpsError) -> Self {
        Self::new(error.backstage_name(), error.to_string())
    }
}

impl From<pave_hosts::HostsError> for ActionError {
    fn from(error: pave_hosts::HostsError) -> Self {
        Self::new(error.backstage_name(), error.to_string())
    }
}

/// The repository that `repository`, `organization`, `project` and `server` of the input name.
///
/// What is not written comes from what this task has cloned: upstream falls back to `dev.azure.com`, which would send
/// the pull request elsewhere than the push when the repository lies on another host.
pub(super) async fn named(
    context: &ActionContext<'_>,
    repository: &str,
    server: Option<&str>,
) -> Result<Target, ActionError> {
    let cloned = cloned(context, repository);
    let part = |key: &str, known: Option<&str>| {
        context.text(key).or(known).map(str::to_owned).ok_or_else(|| {
            ActionError::input(format!(
                "`{key}` is required: no repository of that name was cloned in this task"
            ))
        })
    };
    let known = cloned.as_ref();
    let organization = part("organization", known.map(|it| it.organization.as_str()))?;
    let project = part("project", known.map(|it| it.project.as_str()))?;
    let host = server.or(known.map(|it| it.host.as_str())).unwrap_or(CLOUD);
    let http = context.http.clone();
    let plain = DevOps::new(http.clone(), host, &organization, None)?;
    let mut url = plain.base().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.extend([project.as_str(), "_git", repository]);
    }
    // A test's host speaks http; what was cloned says which scheme its host speaks.
    let client = match known.filter(|it| it.host == host && it.organization == organization) {
        Some(location) => DevOps::of(http, location, credential(context, &location.clone_url).await?)?,
        None => DevOps::new(http, host, &organization, credential(context, &url).await?)?,
    };
    Ok(Target {
        client,
        project,
        repository: repository.to_owned(),
    })
}

/// The repository that a clone or repository URL names.
pub(super) async fn at(context: &ActionContext<'_>, url: &Url) -> Result<Target, ActionError> {
    let location = RepositoryLocation::azure(url)?;
    let credential = credential(context, &location.clone_url).await?;
    Ok(Target {
        client: DevOps::of(context.http.clone(), &location, credential)?,
        project: location.project,
        repository: location.repository,
    })
}

/// What this task has cloned that fits: by name, organization and project; one that is named by its id fits the only
/// clone of its project.
fn cloned(context: &ActionContext<'_>, repository: &str) -> Option<RepositoryLocation> {
    let fits = |key: &str, value: &str| {
        context
            .text(key)
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let all: Vec<RepositoryLocation> = context
        .workspace
        .checkouts()
        .iter()
        .filter_map(location)
        .filter(|it| fits("organization", &it.organization) && fits("project", &it.project))
        .collect();
    let by_name = all
        .iter()
        .rev()
        .find(|it| it.repository.eq_ignore_ascii_case(repository));
    let by_id = || match all.as_slice() {
        [only] if uuid::Uuid::try_parse(repository).is_ok() => Some(only),
        _ => None,
    };
    by_name.or_else(by_id).cloned()
}

fn location(checkout: &Checkout) -> Option<RepositoryLocation> {
    let url = Url::parse(&checkout.remote).ok()?;
    RepositoryLocation::azure(&url).ok()
}
