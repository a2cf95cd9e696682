//! Azure Repos URLs.

use url::Url;

use crate::location::{host_of, query, segments};
use crate::{HostsError, Provider, RepositoryLocation, Version};

/// Reads a URL of any of Azure's forms.
pub(crate) fn parse(url: &Url) -> Result<RepositoryLocation, HostsError> {
    let segments = segments(url);
    let host = host_of(url);
    let git = segments.iter().position(|part| part == "_git");
    let git = git.ok_or_else(|| {
        HostsError::malformed(
            url.as_str(),
            "Azure URL must point to a git repository: …/{organization}/{project}/_git/{repository}",
        )
    })?;
    let repository = segments.get(git + 1).cloned();
    let repository =
        repository.ok_or_else(|| HostsError::malformed(url.as_str(), "no repository after `_git`"))?;
    let before = segments.get(..git).unwrap_or_default();
    let legacy = host.strip_suffix(".visualstudio.com").map(str::to_owned);
    let (organization, project) = match (legacy, before) {
        (Some(organization), []) => (organization, repository.clone()),
        // `DefaultCollection` stood in front of the project once.
        (Some(organization), [project] | [_, project]) => (organization, project.clone()),
        (None, [organization]) => (organization.clone(), repository.clone()),
        (None, [organization, project] | [_, organization, project]) => {
            (organization.clone(), project.clone())
        }
        _ => {
            return Err(HostsError::malformed(
                url.as_str(),
                "no organization and project before `_git`",
            ));
        }
    };
    let path = query(url, "path")
        .unwrap_or_default()
        .trim_matches('/')
        .to_owned();
    let version = query(url, "version")
        .map(|version| parse_version(url, &version))
        .transpose()?;
    let clone_url = clone_url(url, git);
    Ok(RepositoryLocation {
        provider: Provider::Azure,
        host,
        organization,
        project,
        repository,
        clone_url,
        path,
        version,
    })
}

fn parse_version(url: &Url, version: &str) -> Result<Version, HostsError> {
    let refused = || {
        let reason = format!("version `{version}` is neither a branch (`GBmain`) nor a tag (`GTv1`)");
        HostsError::malformed(url.as_str(), reason)
    };
    let (kind, name) = version.split_at_checked(2).ok_or_else(refused)?;
    match (kind, name) {
        (_, "") => Err(refused()),
        ("GB", name) => Ok(Version::Branch(name.to_owned())),
        ("GT", name) => Ok(Version::Tag(name.to_owned())),
        _ => Err(refused()),
    }
}

/// The URL up to the repository, as it was written.
fn clone_url(url: &Url, git: usize) -> Url {
    let kept: Vec<String> = url
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .take(git + 2)
        .map(str::to_owned)
        .collect();
    let mut clone = url.clone();
    clone.set_path(&kept.join("/"));
    bare(&mut clone);
    clone
}

/// Takes user information, query and fragment off.
pub(crate) fn bare(url: &mut Url) {
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for URLs that cannot have user information.
    url.set_username("").ok();
    url.set_password(None).ok();
}

/// Goes on from `base`: inside its `path` parameter, all other parameters kept.
pub(crate) fn resolve(base: &Url, relative: &str) -> Result<Url, HostsError> {
    let path = query(base, "path").unwrap_or_default();
    let inside = inside(&path, relative)?;
    let others: Vec<(String, String)> = base
        .query_pairs()
        .filter(|(key, _)| key != "path")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut url = base.clone();
    url.set_query(None);
    url.query_pairs_mut()
        .append_pair("path", &inside)
        .extend_pairs(others);
    Ok(url)
}

/// Resolves a relative reference in a path, which it cannot leave.
fn inside(path: &str, relative: &str) -> Result<String, HostsError> {
    let wrong = |reason: url::ParseError| HostsError::NotAUrl {
        url: relative.to_owned(),
        reason: reason.to_string(),
    };
    let mut root = Url::parse("https://repository.invalid/").map_err(wrong)?;
    root.set_path(path);
    let joined = root.join(relative).map_err(wrong)?;
    Ok(format!("/{}", segments(&joined).join("/")))
}

/// The organization's address: what is before the project.
pub(crate) fn organization_url(location: &RepositoryLocation) -> Url {
    let mut url = location.clone_url.clone();
    let before = segments(&url).len().saturating_sub(2);
    let is_legacy = location.host.ends_with(".visualstudio.com");
    let project_left_out = before == usize::from(!is_legacy);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop().pop();
        if !project_left_out {
            path.pop();
        }
    }
    url
}

/// The REST address of something in the repository.
pub(crate) fn api(location: &RepositoryLocation, tail: &str, parameters: &[(&str, &str)]) -> Url {
    let mut url = location.clone_url.clone();
    let before = segments(&url).len().saturating_sub(2);
    let is_legacy = location.host.ends_with(".visualstudio.com");
    let project_left_out = before == usize::from(!is_legacy);
    if let Ok(mut path) = url.path_segments_mut() {
        // Takes `_git` and the repository off.
        path.pop().pop();
        if project_left_out {
            path.push(&location.project);
        }
        path.extend(["_apis", "git", "repositories", &location.repository, tail]);
    }
    url.query_pairs_mut()
        .extend_pairs(parameters)
        .append_pair("api-version", "6.0");
    url
}
