//! `PATCH …/refs?filter=heads/x`: references locked and unlocked, and how a reference is shown.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use crate::ForgeError;
use crate::error::ApiError;
use crate::event::{api, identity_json};
use crate::forge::Forge;
use crate::repository::Repository;
use crate::store::Lock;

/// A reference as lists show it.
pub(super) fn reference(
    forge: &Forge,
    repository: &Repository,
    (name, object): (&str, &str),
    lock: Option<&Lock>,
) -> Value {
    let url = api(forge.base_url(), repository, &["refs"]);
    let mut value = json!({
        "name": name,
        "objectId": object,
        // Who made a reference is not kept; clients only want the field to be there.
        "creator": { "id": Uuid::nil(), "displayName": "", "uniqueName": "" },
        "url": format!("{url}?filter={}", name.trim_start_matches("refs/")),
    });
    if let Some(lock) = lock {
        value["isLocked"] = json!(true);
        let organization = &repository.project.organization;
        value["isLockedBy"] = identity_json(forge.base_url(), organization, &lock.holder);
    }
    value
}

/// Locks a reference for whoever asks, or unlocks it.
pub(super) async fn change(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    path: &str,
) -> Result<Response, ApiError> {
    let filter = call.query.get(&["filter"]).unwrap_or(path);
    let name = format!(
        "refs/{}",
        filter.trim_start_matches('/').trim_start_matches("refs/")
    );
    let body = call.json()?;
    let locked = body
        .get("isLocked")
        .and_then(Value::as_bool)
        .ok_or_else(|| ApiError::bad_request("Give {isLocked: true} or {isLocked: false}."))?;
    let _turn = forge.turn(repository).await;
    let object = repository
        .references(&["refs/heads", "refs/tags"])
        .await?
        .into_iter()
        .find_map(|(found, object)| (found == name).then_some(object))
        .ok_or_else(|| ApiError::no_version(&name))?;
    let before = lock_of(forge, repository, &name).await?;
    if locked {
        lock(forge, call, repository, &name, before).await?;
    } else if let Some(before) = before {
        if before.holder.id != call.principal.id {
            let what = format!("unlock {name}, which {} locked,", before.holder.display_name);
            forge
                .check_verb(&call.principal, repository, "manage", &what)
                .await?;
        }
        forge.store().delete_lock(repository.id, &name).await?;
    }
    let now = lock_of(forge, repository, &name).await?;
    let mut shown = reference(forge, repository, (&name, &object), now.as_ref());
    shown["isLocked"] = json!(now.is_some());
    Ok(Json(shown).into_response())
}

async fn lock_of(forge: &Forge, repository: &Repository, name: &str) -> Result<Option<Lock>, ApiError> {
    let all = forge.store().locks(repository.id).await?;
    Ok(all.into_iter().find(|it| it.name == name))
}

async fn lock(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
    name: &str,
    before: Option<Lock>,
) -> Result<(), ApiError> {
    let who = &call.principal;
    if let Some(before) = before.filter(|it| it.stops(name, who)) {
        return Err(ForgeError::Locked(vec![before.refusal()]).into());
    }
    // The same right as for making or deleting the reference.
    let path = format!("{}/{name}", repository.access_path());
    forge.allows(who, "push", path.clone()).await.map_err(|reason| {
        ApiError::forbidden(format!(
            "{} may not lock {name} in {}: verb push on nonResourceURL {path} is missing. {reason}",
            who.user,
            repository.full_name()
        ))
    })?;
    let lock = Lock {
        name: name.to_owned(),
        holder: who.clone(),
    };
    Ok(forge.store().add_lock(repository.id, lock).await?)
}
