//! `POST …/pushes`: commits made through REST.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use pave_git::{Change, Commit, EntryKind, RefName, Signature, build_commit, check_path};
use serde_json::{Value, json};

use super::Call;
use super::repositories::describe;
use crate::ForgeError;
use crate::changes::ZERO;
use crate::error::ApiError;
use crate::event::{commit_json, identity_json, update_json};
use crate::forge::Forge;
use crate::repository::Repository;
use crate::store::Update;

/// Makes the commits of the body on top of one branch and moves it, if it is where the body says.
pub(crate) async fn create(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
) -> Result<Response, ApiError> {
    let body = call.json()?;
    let name =
        text(&body, "/refUpdates/0/name").ok_or_else(|| ApiError::bad_request("refUpdates has no name."))?;
    let name = RefName::parse(name)
        .map_err(|error| ApiError::bad_request(error.to_string()))?
        .branch();
    let old = text(&body, "/refUpdates/0/oldObjectId")
        .unwrap_or(ZERO)
        .to_lowercase();
    let commits = body
        .get("commits")
        .and_then(Value::as_array)
        .filter(|commits| !commits.is_empty());
    let commits = commits.ok_or_else(|| ApiError::bad_request("The push has no commits."))?;

    let _turn = forge.turn(repository).await;
    let now = repository.tip(&name).await?;
    let (mut tip, old) = match now {
        // A branch that is not there yet begins at the commit that is given as the old one.
        None if old != ZERO => match Commit::parse(&old) {
            Ok(base) if repository.objects().has_commit(&base).await => (Some(base), ZERO.to_owned()),
            _ => return Err(ForgeError::Stale(name).into()),
        },
        now if now.as_ref().map_or(ZERO, Commit::as_str) == old => (now, old),
        _ => return Err(ForgeError::Stale(name).into()),
    };
    for commit in commits {
        tip = Some(build(call, repository, tip.as_ref(), commit).await?);
    }
    let Some(tip) = tip else {
        return Err(ApiError::bad_request("The push has no commits."));
    };
    let update = Update {
        name,
        old,
        new: tip.to_string(),
    };
    let id = forge
        .update(&call.principal, repository, std::slice::from_ref(&update))
        .await?;
    let made = repository.objects().log(&tip, None, commits.len()).await?;
    let made: Vec<Value> = made
        .iter()
        .map(|commit| commit_json(forge.base_url(), repository, commit))
        .collect();
    let mut moved = update_json(&update);
    moved["repositoryId"] = json!(repository.id);
    let answer = json!({
        "pushId": id,
        "date": pave_runtime::clock::rfc3339(),
        "commits": made,
        "refUpdates": [moved],
        "repository": describe(forge, repository).await?,
        "pushedBy": identity_json(forge.base_url(), &call.organization, &call.principal),
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn build(
    call: &Call,
    repository: &Repository,
    parent: Option<&Commit>,
    commit: &Value,
) -> Result<Commit, ApiError> {
    let mut changes = Vec::new();
    for change in commit
        .get("changes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        changes.extend(read_change(repository, parent, change).await?);
    }
    if changes.is_empty() {
        return Err(ApiError::bad_request("A commit has no changes."));
    }
    let person = |field: &str, own: &str| {
        text(commit, &format!("/author/{field}"))
            .unwrap_or(own)
            .to_owned()
    };
    let mut author = Signature::new(
        person("name", &call.principal.display_name),
        person("email", &call.principal.email),
    );
    author.time = text(commit, "/author/date").and_then(|time| time.parse().ok());
    let comment = text(commit, "/comment").unwrap_or("Update");
    Ok(build_commit(&repository.git(), parent, &author, comment, &changes).await?)
}

/// One change of the body as changes of files; a rename is two.
async fn read_change(
    repository: &Repository,
    parent: Option<&Commit>,
    change: &Value,
) -> Result<Vec<Change>, ApiError> {
    let path =
        text(change, "/item/path").ok_or_else(|| ApiError::bad_request("A change has no item path."))?;
    let path = relative(path)?;
    let there = existing(repository, parent, &path).await?;
    let missing = |path: &str| ApiError::no_item(&format!("/{path}"), &repository.name, "the branch");
    match kind(change)? {
        Kind::Add if there.is_some() => {
            let message =
                format!("TF402465: The path '/{path}' specified in the add operation already exists.");
            Err(ApiError::new(
                StatusCode::CONFLICT,
                "GitItemAlreadyExistsException",
                message,
            ))
        }
        Kind::Edit | Kind::Delete if there.is_none() => Err(missing(&path)),
        Kind::Delete => Ok(vec![Change::delete(path)]),
        Kind::Add => Ok(vec![Change::write(path, content(change)?)]),
        Kind::Edit => {
            let executable = there.is_some_and(|mode| mode == 0o100_755);
            Ok(vec![Change {
                path,
                content: Some(content(change)?),
                executable,
            }])
        }
        Kind::Rename => {
            let from = text(change, "/sourceServerItem")
                .ok_or_else(|| ApiError::bad_request("A rename has no sourceServerItem."))?;
            let from = relative(from)?;
            let mode = existing(repository, parent, &from)
                .await?
                .ok_or_else(|| missing(&from))?;
            let bytes = match (change.get("newContent"), parent) {
                (Some(_), _) => content(change)?,
                (None, Some(parent)) => repository
                    .objects()
                    .read(parent, &from)
                    .await?
                    .ok_or_else(|| missing(&from))?,
                (None, None) => return Err(missing(&from)),
            };
            let written = Change {
                path,
                content: Some(bytes),
                executable: mode == 0o100_755,
            };
            Ok(vec![Change::delete(from), written])
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Add,
    Edit,
    Rename,
    Delete,
}

/// Names from most clients, numbers from the node client.
fn kind(change: &Value) -> Result<Kind, ApiError> {
    let value = change.get("changeType").cloned().unwrap_or_default();
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_lowercase);
    match text.as_str() {
        "add" | "1" => Ok(Kind::Add),
        "edit" | "2" => Ok(Kind::Edit),
        "rename" | "8" | "edit, rename" | "10" => Ok(Kind::Rename),
        "delete" | "16" => Ok(Kind::Delete),
        other => Err(ApiError::bad_request(format!(
            "The change type '{other}' is not one of add, edit, rename, delete."
        ))),
    }
}

fn content(change: &Value) -> Result<Vec<u8>, ApiError> {
    let content = text(change, "/newContent/content").unwrap_or_default();
    let kind = change
        .pointer("/newContent/contentType")
        .cloned()
        .unwrap_or_default();
    let is_base64 = kind
        .as_str()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("base64encoded"))
        || kind == json!(1);
    if is_base64 {
        STANDARD
            .decode(content)
            .map_err(|_| ApiError::bad_request("newContent is not base64."))
    } else {
        Ok(content.as_bytes().to_vec())
    }
}

/// The mode of a file that the branch has.
async fn existing(
    repository: &Repository,
    parent: Option<&Commit>,
    path: &str,
) -> Result<Option<u32>, ApiError> {
    let Some(parent) = parent else { return Ok(None) };
    let entry = repository.objects().entry(parent, path).await?;
    Ok(entry
        .filter(|entry| entry.kind != EntryKind::Submodule)
        .map(|entry| entry.mode))
}

fn relative(path: &str) -> Result<String, ApiError> {
    check_path(path.trim_start_matches('/')).map_err(|error| ApiError::bad_request(error.to_string()))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}
