//! What a pull request consists of: iterations, their changes, commits.

use axum::Json;
use axum::response::{IntoResponse, Response};
use pave_git::{Commit, GitError};
use serde_json::{Value, json};

use super::show::iteration_json;
use super::{At, list};
use crate::changes::{EMPTY_TREE, ZERO};
use crate::error::ApiError;
use crate::event::{api, commit_json};
use crate::pull::{Iteration, PullRequest};
use crate::repository::Repository;

/// The most commits and changes in one answer.
const LISTED: usize = 2000;

/// Answers reads below a pull request.
pub(super) async fn serve(at: &At<'_>, id: &str, rest: &[&str]) -> Result<Response, ApiError> {
    let pull = at.pull(id).await?;
    let base = at.forge.base_url();
    match rest {
        ["commits"] => match pull.iterations.last() {
            Some(last) => commits(at, last).await,
            None => Ok(list(Vec::new())),
        },
        ["iterations"] => Ok(list(
            pull.iterations
                .iter()
                .map(|it| iteration_json(base, at.repository, it)),
        )),
        ["iterations", n] => Ok(Json(iteration_json(base, at.repository, find(&pull, n)?)).into_response()),
        ["iterations", n, "commits"] => commits(at, find(&pull, n)?).await,
        ["iterations", n, "changes"] => changes(at, &pull, find(&pull, n)?).await,
        // Work items and attachments are not kept; that there are none is the answer.
        ["workitems" | "attachments"] => Ok(list(Vec::new())),
        _ => Err(ApiError::not_found(&format!(
            "part of pull request {id}: {}",
            rest.join("/")
        ))),
    }
}

fn find<'a>(pull: &'a PullRequest, id: &str) -> Result<&'a Iteration, ApiError> {
    let found = pull.iterations.iter().find(|it| it.id.to_string() == id);
    found.ok_or_else(|| ApiError::not_found(&format!("iteration {id}")))
}

async fn commits(at: &At<'_>, iteration: &Iteration) -> Result<Response, ApiError> {
    let objects = at.repository.objects();
    let mut arguments = vec![
        "rev-list".to_owned(),
        format!("--max-count={LISTED}"),
        iteration.source.clone(),
    ];
    if iteration.target != ZERO {
        arguments.push(format!("^{}", iteration.target));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = at.repository.git().run(&arguments, b"").await?;
    let count = printed
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count();
    let ids = String::from_utf8_lossy(&printed).into_owned();
    let ids: Vec<&str> = ids.lines().collect();
    let head = Commit::parse(&iteration.source)?;
    // The whole log once instead of a process for each; what belongs to the target is left out.
    let log = objects.log(&head, None, LISTED.max(count)).await?;
    let top = at.call.query.number("$top", LISTED);
    let skip = at.call.query.number("$skip", 0);
    let here = log.iter().filter(|it| ids.contains(&it.commit.as_str()));
    let shown = here.map(|it| commit_json(at.forge.base_url(), at.repository, it));
    Ok(list(shown.skip(skip).take(top)))
}

async fn changes(at: &At<'_>, pull: &PullRequest, iteration: &Iteration) -> Result<Response, ApiError> {
    let compared = at.call.query.number("$compareTo", 0);
    let from = match compared {
        0 => iteration.common.clone(),
        n => find(pull, &n.to_string())?.source.clone(),
    };
    let found = difference(at.repository, &from, &iteration.source).await?;
    let (top, skip) = (
        at.call.query.number("$top", LISTED).min(LISTED),
        at.call.query.number("$skip", 0),
    );
    let total = found.len();
    let entries: Vec<Value> = found
        .iter()
        .enumerate()
        .skip(skip)
        .take(top)
        .map(|(index, change)| {
            let mut entry = json!({
                "changeTrackingId": index + 1, "changeId": index + 1,
                "item": change.item(at), "changeType": change.kind,
            });
            if let Some(before) = &change.before {
                entry["originalPath"] = json!(format!("/{before}"));
            }
            entry
        })
        .collect();
    let more = total.saturating_sub(skip + entries.len());
    Ok(Json(json!({
        "changeEntries": entries,
        "nextSkip": if more > 0 { skip + top } else { 0 },
        "nextTop": more.min(top),
    }))
    .into_response())
}

/// One changed file.
pub(crate) struct Changed {
    pub(crate) path: String,
    pub(crate) before: Option<String>,
    /// Upstream's word: add, edit, delete, rename, or `edit, rename`.
    pub(crate) kind: &'static str,
    pub(crate) old: String,
    pub(crate) new: String,
}

impl Changed {
    fn item(&self, at: &At<'_>) -> Value {
        self.item_json(at.forge.base_url(), at.repository)
    }

    /// The file as it is afterwards, or was before it was deleted.
    pub(crate) fn item_json(&self, base: &url::Url, repository: &Repository) -> Value {
        let mut url = api(base, repository, &["items"]);
        let path = format!("/{}", self.path);
        url.query_pairs_mut().append_pair("path", &path);
        let gone = self.new == ZERO;
        let mut item = json!({
            "objectId": if gone { &self.old } else { &self.new },
            "path": path, "gitObjectType": "blob", "url": url,
        });
        if self.old != ZERO {
            item["originalObjectId"] = json!(self.old);
        }
        item
    }
}

/// What differs between two commits, renames found; an absent `from` gives every file.
pub(crate) async fn difference(
    repository: &Repository,
    from: &str,
    to: &str,
) -> Result<Vec<Changed>, GitError> {
    let from = if from.is_empty() || from == ZERO {
        EMPTY_TREE
    } else {
        from
    };
    let arguments = ["diff-tree", "-r", "-z", "-M", "--raw", "--no-abbrev", from, to];
    let printed = repository.git().run(&arguments, b"").await?;
    let text = String::from_utf8_lossy(&printed).into_owned();
    let mut tokens = text.split('\0').filter(|token| !token.is_empty());
    let mut found = Vec::new();
    while let Some(head) = tokens.next() {
        let fields: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        let &[_, _, old, new, status] = fields.as_slice() else {
            continue;
        };
        let Some(first) = tokens.next() else { break };
        let renamed = status.starts_with('R');
        let (before, path) = if renamed || status.starts_with('C') {
            let Some(second) = tokens.next() else { break };
            (renamed.then(|| first.to_owned()), second)
        } else {
            (None, first)
        };
        let kind = match status.chars().next() {
            Some('A' | 'C') => "add",
            Some('D') => "delete",
            Some('R') if old == new => "rename",
            Some('R') => "edit, rename",
            _ => "edit",
        };
        found.push(Changed {
            path: path.to_owned(),
            before,
            kind,
            old: old.to_owned(),
            new: new.to_owned(),
        });
    }
    Ok(found)
}
