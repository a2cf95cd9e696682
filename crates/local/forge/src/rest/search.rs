//! `_apis/search/codesearchresults`: files by path and content, on default branches.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Call;
use crate::error::ApiError;
use crate::forge::Forge;
use crate::repository::Repository;

/// The most results of one answer.
const LISTED: usize = 1000;

/// What is looked for: filters by name, the rest is text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    path: Vec<String>,
    file: Vec<String>,
    extension: Vec<String>,
    repository: Vec<String>,
    project: Vec<String>,
    terms: Vec<String>,
}

impl Wanted {
    fn parse(text: &str) -> Self {
        let mut wanted = Self::default();
        for word in text.split_whitespace() {
            let (key, value) = word.split_once(':').unwrap_or(("", word));
            let value = value.trim_matches('"').to_lowercase();
            let list = match key.to_lowercase().as_str() {
                "path" => &mut wanted.path,
                "file" => &mut wanted.file,
                "ext" => &mut wanted.extension,
                "repo" => &mut wanted.repository,
                "proj" => &mut wanted.project,
                _ => {
                    wanted.terms.push(word.trim_matches('"').to_owned());
                    continue;
                }
            };
            list.push(value);
        }
        wanted
    }

    fn takes_repository(&self, repository: &Repository) -> bool {
        any(&self.repository, &repository.name) && any(&self.project, &repository.project.name)
    }

    fn takes_file(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let here = |wanted: &String| {
            let wanted = wanted.trim_start_matches('/');
            glob(wanted, &path.to_lowercase()) || path.to_lowercase().starts_with(&format!("{wanted}/"))
        };
        (self.path.is_empty() || self.path.iter().any(here))
            && any(&self.file, name)
            && any(&self.extension, extension)
    }
}

fn any(patterns: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, &text))
}

/// `*` is any text, `?` one character.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern.get(1..).unwrap_or_default();
            (0..=text.len()).any(|at| text.get(at..).is_some_and(|tail| glob(rest, tail)))
        }
        Some(first) => {
            let mut rest = text.chars();
            rest.next().is_some_and(|c| first == '?' || c == first)
                && glob(pattern.get(first.len_utf8()..).unwrap_or_default(), rest.as_str())
        }
    }
}

/// Answers a search in what the caller may read.
pub(super) async fn serve(forge: &Forge, call: &Call) -> Result<Response, ApiError> {
    let body = call.json()?;
    let text = body.get("searchText").and_then(Value::as_str).unwrap_or_default();
    let mut wanted = Wanted::parse(text);
    let filters = |name: &str| {
        let list = body
            .pointer(&format!("/filters/{name}"))
            .and_then(Value::as_array);
        let words = list.into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_lowercase).collect::<Vec<_>>()
    };
    wanted.repository.extend(filters("Repository"));
    wanted.project.extend(filters("Project"));
    wanted
        .project
        .extend(call.project.iter().map(|it| it.to_lowercase()));
    let number = |name: &str, otherwise: usize| {
        let given = body.get(name).and_then(Value::as_u64);
        given.and_then(|it| usize::try_from(it).ok()).unwrap_or(otherwise)
    };
    let mut found = Vec::new();
    for repository in forge.store().repositories().await? {
        let here = repository
            .project
            .organization
            .eq_ignore_ascii_case(&call.organization);
        if here
            && wanted.takes_repository(&repository)
            && forge.check_read(&call.principal, &repository).await.is_ok()
        {
            found.extend(matches(&repository, &wanted).await?);
        }
    }
    let count = found.len();
    let page: Vec<Value> = found
        .into_iter()
        .skip(number("$skip", 0))
        .take(number("$top", 100).min(LISTED))
        .collect();
    Ok(Json(json!({ "count": count, "results": page, "infoCode": 0, "facets": {} })).into_response())
}

async fn matches(repository: &Repository, wanted: &Wanted) -> Result<Vec<Value>, ApiError> {
    let branch = repository.default_branch().await;
    let Some(tip) = repository.tip(&branch).await? else {
        return Ok(Vec::new());
    };
    let mut files = repository.objects().list(&tip, "", true).await?;
    files.retain(|entry| wanted.takes_file(&entry.path));
    if !wanted.terms.is_empty() && !files.is_empty() {
        let mut arguments = vec!["grep", "-l", "-z", "-i", "-F", "--all-match"];
        for term in &wanted.terms {
            arguments.extend(["-e", term]);
        }
        arguments.push(tip.as_str());
        let printed = match repository.git().run(&arguments, b"").await {
            Ok(printed) => printed,
            // Nothing found.
            Err(pave_git::GitError::Failed { status: Some(1), .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let text = String::from_utf8_lossy(&printed).into_owned();
        let prefix = format!("{tip}:");
        let hits: std::collections::BTreeSet<&str> = text
            .split('\0')
            .filter_map(|name| name.strip_prefix(&prefix))
            .collect();
        files.retain(|entry| hits.contains(entry.path.as_str()));
    }
    let project = &repository.project;
    let shown = files.iter().map(|entry| {
        json!({
            "fileName": entry.path.rsplit('/').next(),
            "path": format!("/{}", entry.path),
            "repository": { "id": repository.id, "name": repository.name, "type": "git" },
            "project": { "id": project.id, "name": project.name },
            "collection": { "name": project.organization },
            "versions": [{ "branchName": crate::pull::short(&branch), "changeId": tip }],
            "matches": { "content": [], "fileName": [] },
            "contentId": entry.object,
        })
    });
    Ok(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::{Wanted, glob};

    #[test]
    fn searches_read_as_upstream_writes_them() {
        let wanted = Wanted::parse("path:/catalog-info.yaml repo:* proj:platform kind");
        assert_eq!(wanted.path, ["/catalog-info.yaml"]);
        assert_eq!(wanted.terms, ["kind"]);
        assert!(wanted.takes_file("catalog-info.yaml") && !wanted.takes_file("a/catalog-info.yaml"));
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a?c", "ac", false),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
