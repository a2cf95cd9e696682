//! Version descriptors: which commit a request is about.

use pave_git::Commit;

use super::query::Query;
use crate::error::ApiError;
use crate::repository::Repository;

/// The commit that a query's version descriptor names, and how it was named. `prefixes` are tried in order.
pub(crate) async fn resolve(
    repository: &Repository,
    query: &Query,
    prefixes: &[&str],
) -> Result<(Commit, String), ApiError> {
    let named = |tail: &str| {
        let names: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}{tail}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        query.get(&names).map(str::to_owned)
    };
    let version = named("version");
    let kind = named("versionType").map(|kind| kind.to_lowercase());
    let candidates = match (&version, kind.as_deref()) {
        (None, _) => vec![repository.default_branch().await],
        (Some(version), Some("commit" | "2")) => vec![commit_id(version)?],
        (Some(version), Some("tag" | "1")) => vec![format!("refs/tags/{version}")],
        (Some(version), Some("branch" | "0")) => vec![branch(version)],
        // Without a type a branch is meant; Backstage names tags and commits so too.
        (Some(version), _) => {
            let mut all = vec![branch(version), format!("refs/tags/{version}")];
            all.extend(commit_id(version).ok());
            all
        }
    };
    let label = version.unwrap_or_else(|| "default branch".to_owned());
    if candidates
        .iter()
        .any(|name| name.chars().any(char::is_whitespace) || name.contains(".."))
    {
        return Err(ApiError::no_version(&label));
    }
    let found = repository.objects().first_commit(&candidates).await?;
    Ok((found.ok_or_else(|| ApiError::no_version(&label))?, label))
}

fn branch(version: &str) -> String {
    if version.starts_with("refs/") {
        version.to_owned()
    } else {
        format!("refs/heads/{version}")
    }
}

/// A full or shortened commit id.
pub(crate) fn commit_id(text: &str) -> Result<String, ApiError> {
    let good = (4..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good {
        Ok(text.to_owned())
    } else {
        Err(ApiError::no_version(text))
    }
}
