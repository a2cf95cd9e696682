//! `POST …/pullRequestQuery`: from commits to the pull requests that brought them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{At, enumerated};
use crate::changes::ZERO;
use crate::error::ApiError;
use crate::pull::PullRequest;
use crate::store::Wanted;

/// The most commits of one request.
const ASKED: usize = 100;
/// How many pull requests back a commit is looked for.
const LOOKED: usize = 500;

/// Answers each query with a map from its commits to pull requests, those without any left out.
pub(super) async fn serve(at: &At<'_>) -> Result<Response, ApiError> {
    let body = at.call.json()?;
    let queries = body
        .get("queries")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let wanted = Wanted {
        repository: Some(at.repository.id),
        status: None,
    };
    let mut pulls = at.forge.store().pulls(wanted).await?;
    pulls.truncate(LOOKED);
    let mut results = Vec::new();
    for query in &queries {
        results.push(Value::Object(answer(at, query, &pulls).await?));
    }
    Ok(Json(json!({ "queries": queries, "results": results })).into_response())
}

async fn answer(at: &At<'_>, query: &Value, pulls: &[PullRequest]) -> Result<Map<String, Value>, ApiError> {
    let kind = enumerated(
        query.get("type"),
        &[("notSet", 0), ("lastMergeCommit", 1), ("commit", 2)],
    );
    let items = query.get("items").and_then(Value::as_array);
    let items: Vec<&str> = items.into_iter().flatten().filter_map(Value::as_str).collect();
    if items.len() > ASKED {
        return Err(ApiError::bad_request(format!(
            "At most {ASKED} commits in one query."
        )));
    }
    let mut found: Map<String, Value> = Map::new();
    for pull in pulls {
        let brought = match kind {
            Some("lastMergeCommit") => vec![pull.merge.commit.clone()],
            Some("commit") => brought(at, pull).await?,
            _ => {
                return Err(ApiError::bad_request(
                    "The type of a query is lastMergeCommit or commit.",
                ));
            }
        };
        for item in &items {
            if brought.iter().any(|commit| commit.eq_ignore_ascii_case(item)) {
                let here = found.entry((*item).to_owned()).or_insert_with(|| json!([]));
                if let Some(here) = here.as_array_mut() {
                    here.push(at.shown(pull).await);
                }
            }
        }
    }
    Ok(found)
}

/// The commits of a pull request, and that of its merge.
async fn brought(at: &At<'_>, pull: &PullRequest) -> Result<Vec<String>, ApiError> {
    let mut commits = vec![pull.merge.commit.clone()];
    if let Some(last) = pull.iterations.last() {
        let mut arguments = vec![
            "rev-list".to_owned(),
            "--max-count=1000".to_owned(),
            last.source.clone(),
        ];
        if last.target != ZERO {
            arguments.push(format!("^{}", last.target));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let printed = at.repository.git().run(&arguments, b"").await?;
        commits.extend(String::from_utf8_lossy(&printed).lines().map(str::to_owned));
    }
    Ok(commits)
}
