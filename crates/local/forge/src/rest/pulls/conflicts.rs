//! `…/pullRequests/{id}/conflicts`: what stands in the way of the merge, file by file.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::Method;
use serde_json::{Value, json};

use super::show::pull_url;
use super::{At, list};
use crate::error::ApiError;
use crate::event::api;
use crate::pull::conflict::{self, Conflict};
use crate::pull::{Outcome, PullRequest, merge};

/// Lists the conflicts of the last test merge, or shows one.
pub(super) async fn serve(at: &At<'_>, id: &str, rest: &[&str]) -> Result<Response, ApiError> {
    let pull = at.pull(id).await?;
    if at.call.method != Method::GET {
        return Err(ApiError::bad_request(format!(
            "Conflicts are not resolved by REST here: merge or rebase {} onto {}, resolve them there and push.",
            pull.source, pull.target
        )));
    }
    let (source, target) = (&pull.merge.source, &pull.merge.target);
    let git = at.repository.git();
    let (found, base) = if pull.merge.outcome == Outcome::Conflicts {
        let found = conflict::find(&git, target, source).await?;
        (found, merge::common(&git, target, source).await?)
    } else {
        (Vec::new(), None)
    };
    let shown =
        |(index, conflict): (usize, &Conflict)| shown(at, &pull, base.as_deref(), index + 1, conflict);
    let mut all = found.iter().enumerate().map(shown);
    match rest {
        [] if at.call.query.get(&["onlyResolved"]) == Some("true") => Ok(list([])),
        [] => {
            let (skip, top) = (
                at.call.query.number("$skip", 0),
                at.call.query.number("$top", usize::MAX),
            );
            Ok(list(all.skip(skip).take(top)))
        }
        [wanted] => {
            let number: Option<u64> = wanted.parse().ok();
            let found = all.find(|it| number.is_some() && it["conflictId"].as_u64() == number);
            let missing = || ApiError::not_found(&format!("conflict {wanted} of pull request {id}"));
            Ok(Json(found.ok_or_else(missing)?).into_response())
        }
        _ => Err(ApiError::not_found("part of a conflict")),
    }
}

fn shown(at: &At<'_>, pull: &PullRequest, base: Option<&str>, id: usize, conflict: &Conflict) -> Value {
    let url = |tail: &[&str]| api(at.forge.base_url(), at.repository, tail);
    let commit = |id: &str| json!({ "commitId": id, "url": url(&["commits", id]) });
    let link = pull_url(
        at.forge.base_url(),
        at.repository,
        pull,
        &["conflicts", &id.to_string()],
    );
    let mut value = json!({
        "conflictId": id, "conflictType": conflict.kind, "conflictPath": format!("/{}", conflict.path),
        "mergeOrigin": { "pullRequestId": pull.id },
        "mergeSourceCommit": commit(&pull.merge.source), "mergeTargetCommit": commit(&pull.merge.target),
        "resolutionStatus": "unresolved", "resolutionError": "none", "url": link,
        "_links": { "self": { "href": link } },
    });
    if let Some(base) = base {
        value["mergeBaseCommit"] = commit(base);
    }
    let objects = [
        ("baseBlob", &conflict.base),
        ("sourceBlob", &conflict.source),
        ("targetBlob", &conflict.target),
    ];
    for (name, object) in objects.into_iter().filter(|(_, object)| !object.is_empty()) {
        value[name] = json!({ "objectId": object, "url": url(&["blobs", object]) });
    }
    for (name, path) in [
        ("sourceNewPath", &conflict.source_path),
        ("targetNewPath", &conflict.target_path),
    ] {
        if let Some(path) = path {
            value[name] = json!(format!("/{path}"));
        }
    }
    value
}
