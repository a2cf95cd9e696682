//! GitHub URLs.

use url::Url;

use crate::azure::bare;
use crate::location::{host_of, segments};
use crate::{HostsError, Provider, RepositoryLocation, Version};

/// Reads `/{owner}/{repository}[/(blob|tree|raw|edit)/{ref}/{path}]`.
pub(crate) fn parse(url: &Url) -> Result<RepositoryLocation, HostsError> {
    let segments = segments(url);
    let [owner, repository, rest @ ..] = segments.as_slice() else {
        return Err(HostsError::malformed(
            url.as_str(),
            "no owner and repository; write https://github.com/{owner}/{repository}/blob/{ref}/{path}",
        ));
    };
    let (version, path) = match rest {
        [] => (None, String::new()),
        [kind, reference, path @ ..] if matches!(kind.as_str(), "blob" | "tree" | "raw" | "edit") => {
            (Some(Version::Any(reference.clone())), path.join("/"))
        }
        _ => {
            return Err(HostsError::malformed(
                url.as_str(),
                "only blob, tree, raw and edit URLs name files",
            ));
        }
    };
    if path.split('/').any(|part| part == "..") {
        return Err(HostsError::malformed(
            url.as_str(),
            "the path leads out of the repository",
        ));
    }
    let repository = repository.strip_suffix(".git").unwrap_or(repository).to_owned();
    let mut clone_url = url.clone();
    bare(&mut clone_url);
    clone_url.set_path(&format!("{owner}/{repository}.git"));
    Ok(RepositoryLocation {
        provider: Provider::Github,
        host: host_of(url),
        organization: owner.clone(),
        project: String::new(),
        repository,
        clone_url,
        path,
        version,
    })
}

/// Goes on from `base`; `/x` means the root of the repository, a file becomes a tree, the query stays.
pub(crate) fn resolve(base: &Url, relative: &str) -> Result<Url, HostsError> {
    let wrong = |reason: url::ParseError| HostsError::NotAUrl {
        url: relative.to_owned(),
        reason: reason.to_string(),
    };
    let segments: Vec<String> = base
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    let [owner, repository, kind, reference, ..] = segments.as_slice() else {
        return base.join(relative).map_err(wrong);
    };
    let root = format!("/{owner}/{repository}/{kind}/{reference}/");
    let mut joined = match relative.strip_prefix('/') {
        Some(rest) => {
            let mut start = base.clone();
            start.set_path(&root);
            start.join(rest).map_err(wrong)?
        }
        None => base.join(relative).map_err(wrong)?,
    };
    if !joined.path().starts_with(&root) {
        return Err(HostsError::malformed(relative, "it leads out of the repository"));
    }
    if kind == "blob" {
        let path = joined.path().replacen("/blob/", "/tree/", 1);
        joined.set_path(&path);
    }
    if joined.query().is_none() {
        joined.set_query(base.query());
    }
    Ok(joined)
}

/// The same place, to be edited.
pub(crate) fn edit(url: &Url) -> Url {
    let mut parts: Vec<String> = url
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(kind) = parts
        .get_mut(2)
        .filter(|kind| matches!(kind.as_str(), "blob" | "tree" | "raw"))
    {
        "edit".clone_into(kind);
    }
    let mut edit = url.clone();
    edit.set_path(&parts.join("/"));
    edit
}
