//! `POST …/refs` and annotated tags: references made, moved and deleted without a push.

use axum::Json;
use axum::response::{IntoResponse, Response};
use pave_git::{Commit, GitError, RefName};
use serde_json::{Value, json};

use super::{Call, list};
use crate::ForgeError;
use crate::changes::ZERO;
use crate::error::ApiError;
use crate::event::{api, identity_json};
use crate::forge::Forge;
use crate::pull::merge;
use crate::repository::Repository;
use crate::store::Update;

/// Makes, moves and deletes references, each by itself; the answer says of each what became of it.
pub(super) async fn update(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
) -> Result<Response, ApiError> {
    let body = call.json()?;
    let wanted = match &body {
        Value::Array(all) => all.clone(),
        // The Python client wraps lists, as other services want it.
        Value::Object(fields) => fields
            .get("value")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    if wanted.is_empty() {
        return Err(ApiError::bad_request(
            "Give a list of {name, oldObjectId, newObjectId}; forty zeros mean absent.",
        ));
    }
    let _turn = forge.turn(repository).await;
    let mut results = Vec::new();
    for wanted in &wanted {
        let text = |key: &str| {
            wanted
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let update = Update {
            name: text("name"),
            old: text("oldObjectId").to_lowercase(),
            new: text("newObjectId").to_lowercase(),
        };
        let (status, message) = one(forge, call, repository, &update).await?;
        let mut result = json!({
            "repositoryId": repository.id, "name": update.name, "oldObjectId": update.old,
            "newObjectId": update.new, "isLocked": status == "locked", "updateStatus": status,
            "success": status == "succeeded",
        });
        if !message.is_empty() {
            result["customMessage"] = json!(message);
        }
        results.push(result);
    }
    Ok(list(results))
}

async fn one(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    update: &Update,
) -> Result<(&'static str, String), ApiError> {
    let is_id = |id: &str| id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if RefName::parse(&update.name).is_err()
        || !(update.name.starts_with("refs/heads/") || update.name.starts_with("refs/tags/"))
    {
        return Ok((
            "invalidRefName",
            "A reference is refs/heads/… or refs/tags/….".to_owned(),
        ));
    }
    if !is_id(&update.old) || !is_id(&update.new) {
        return Ok((
            "unresolvableToCommit",
            "Object ids have forty hexadecimal digits.".to_owned(),
        ));
    }
    let now = repository.current(&[&update.name]).await?;
    let now = now
        .iter()
        .find(|(name, _)| *name == update.name)
        .map_or(ZERO, |(_, object)| object);
    if now != update.old {
        let message = format!("{} is at {now}, not at {}.", update.name, update.old);
        return Ok(("staleOldObjectId", message));
    }
    if update.old == update.new {
        return Ok(("succeeded", String::new()));
    }
    if update.new != ZERO {
        let found = repository
            .objects()
            .first_commit(std::slice::from_ref(&update.new))
            .await?;
        if found.is_none() {
            return Ok((
                "unresolvableToCommit",
                format!("There is no commit {}.", update.new),
            ));
        }
    }
    match forge
        .update(&call.principal, repository, std::slice::from_ref(update))
        .await
    {
        Ok(_) => Ok(("succeeded", String::new())),
        Err(ForgeError::Guarded(lines)) => Ok(("rejectedByPolicy", lines.join("\n"))),
        Err(ForgeError::Locked(lines)) => Ok(("locked", lines.join("\n"))),
        Err(ForgeError::Refused(lines)) => Ok((permission(repository, update).await?, lines.join("\n"))),
        Err(ForgeError::Stale(name)) => Ok(("staleOldObjectId", format!("{name} has moved."))),
        Err(ForgeError::Git(GitError::Failed { message, .. })) => Ok(("refNameConflict", message)),
        Err(error) => Err(error.into()),
    }
}

/// Upstream's word for the permission that is missing.
async fn permission(repository: &Repository, update: &Update) -> Result<&'static str, ApiError> {
    let is_tag = update.name.starts_with("refs/tags/");
    if update.new == ZERO || update.old == ZERO {
        return Ok(if update.old != ZERO {
            "forcePushRequired"
        } else if is_tag {
            "createTagPermissionRequired"
        } else {
            "createBranchPermissionRequired"
        });
    }
    if merge::contains(&repository.git(), &update.new, &update.old).await? {
        Ok("writePermissionRequired")
    } else {
        Ok("forcePushRequired")
    }
}

/// `POST …/annotatedTags`: makes a tag object and the reference to it.
pub(super) async fn tag(forge: &Forge, call: &Call, repository: &Repository) -> Result<Response, ApiError> {
    let body = call.json()?;
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (name, target) = (
        text("/name").trim_start_matches("refs/tags/"),
        text("/taggedObject/objectId"),
    );
    let reference = RefName::parse(&format!("refs/tags/{name}"))
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let commit = Commit::parse(target)
        .map_err(|_| ApiError::bad_request("taggedObject.objectId is not a full commit id."))?;
    if !repository.objects().has_commit(&commit).await {
        return Err(ApiError::no_version(target));
    }
    let _turn = forge.turn(repository).await;
    if repository.tip(reference.as_str()).await?.is_some() {
        return Err(ApiError::new(
            http::StatusCode::CONFLICT,
            "TagAlreadyExistsException",
            format!(
                "TF401229: The tag {name} exists already in {}.",
                repository.full_name()
            ),
        ));
    }
    let who = &call.principal;
    let clean = |text: &str| text.replace(['<', '>', '\n', '\0'], "");
    let object = format!(
        "object {commit}\ntype commit\ntag {name}\ntagger {} <{}> {} +0000\n\n{}\n",
        clean(&who.display_name),
        clean(&who.email),
        pave_runtime::clock::unix_seconds(),
        text("/message").trim_end()
    );
    let printed = repository.git().run(&["mktag"], object.as_bytes()).await?;
    let id = String::from_utf8_lossy(&printed).trim().to_owned();
    let update = Update {
        name: reference.as_str().to_owned(),
        old: ZERO.to_owned(),
        new: id.clone(),
    };
    forge
        .update(who, repository, std::slice::from_ref(&update))
        .await?;
    let shown = json!({
        "name": name, "objectId": id, "message": text("/message"),
        "taggedObject": { "objectId": commit.as_str(), "objectType": "commit" },
        "taggedBy": { "name": who.display_name, "email": who.email, "date": pave_runtime::clock::rfc3339() },
        "url": api(forge.base_url(), repository, &["annotatedTags", &id]),
    });
    Ok((http::StatusCode::CREATED, Json(shown)).into_response())
}

/// `GET …/annotatedTags/{id}`.
pub(super) async fn read_tag(forge: &Forge, repository: &Repository, id: &str) -> Result<Response, ApiError> {
    let missing = || ApiError::no_version(id);
    Commit::parse(id).map_err(|_| missing())?;
    let printed = repository
        .git()
        .run(&["cat-file", "tag", id], b"")
        .await
        .map_err(|_| missing())?;
    let text = String::from_utf8_lossy(&printed).into_owned();
    let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let field = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name).map(str::trim))
            .unwrap_or_default()
    };
    let tagger = field("tagger ");
    let (name, rest) = tagger.split_once(" <").unwrap_or((tagger, ""));
    let (email, time) = rest.split_once("> ").unwrap_or((rest, ""));
    let seconds = time
        .split(' ')
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or_default();
    let date = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    Ok(Json(json!({
        "name": field("tag "), "objectId": id, "message": message.trim_end(),
        "taggedObject": { "objectId": field("object "), "objectType": field("type ") },
        "taggedBy": { "name": name, "email": email, "date": date.to_string() },
        "url": api(forge.base_url(), repository, &["annotatedTags", id]),
    }))
    .into_response())
}

/// A list of pushes, or one.
pub(super) async fn pushes(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    id: Option<&str>,
) -> Result<Response, ApiError> {
    let shown = |push: &crate::store::Push| {
        let updates: Vec<Value> = push.updates.iter().map(crate::event::update_json).collect();
        json!({
            "pushId": push.id,
            "date": push.created_at,
            "pushedBy": identity_json(forge.base_url(), &repository.project.organization, &push.pusher),
            "refUpdates": updates,
            "url": api(forge.base_url(), repository, &["pushes", &push.id.to_string()]),
        })
    };
    let Some(id) = id else {
        let branch = call.query.get(&["searchCriteria.refName"]);
        let pusher = call.query.get(&["searchCriteria.pusherId"]);
        let all = forge.store().pushes(repository.id, 1000).await?;
        let asked = |push: &&crate::store::Push| {
            branch.is_none_or(|name| push.updates.iter().any(|it| it.name == name))
                && pusher.is_none_or(|id| push.pusher.id.to_string().eq_ignore_ascii_case(id))
        };
        let found = all.iter().filter(asked);
        let page = found
            .skip(call.query.number("$skip", 0))
            .take(call.query.number("$top", 100));
        return Ok(list(page.map(shown)));
    };
    let missing = || ApiError::not_found(&format!("push {id}"));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let push = forge.store().push(number).await?;
    let push = push
        .filter(|it| it.repository == repository.id)
        .ok_or_else(missing)?;
    let mut value = shown(&push);
    value["commits"] = json!(crate::event::commits_json(forge.base_url(), repository, &push).await?);
    value["repository"] = super::repositories::describe(forge, repository).await?;
    Ok(Json(value).into_response())
}
