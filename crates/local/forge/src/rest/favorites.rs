//! `_apis/git/favorites/refs`: the branches that a person marked.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Call, list};
use crate::error::ApiError;
use crate::event::api;
use crate::forge::Forge;
use crate::repository::below;
use crate::store::Favorite;

/// The longest name.
const LONGEST: usize = 1024;

/// Everybody sees and changes their own.
pub(super) async fn serve(forge: &Forge, call: &Call, id: Option<&str>) -> Result<Response, ApiError> {
    let person = call.principal.id;
    if (&call.method, id) == (&Method::POST, None) {
        return create(forge, call).await;
    }
    let all = forge.store().favorites(person).await?;
    let Some(id) = id else {
        let wanted = call.query.get(&["repositoryId"]);
        let here = |it: &&Favorite| {
            wanted.is_none_or(|wanted| it.repository.to_string().eq_ignore_ascii_case(wanted))
        };
        return Ok(list(all.iter().filter(here).map(|it| shown(forge, call, it))));
    };
    let found = all.iter().find(|it| it.id.to_string() == id);
    let found = found.ok_or_else(|| ApiError::not_found(&format!("favorite {id}")))?;
    match call.method {
        Method::GET => Ok(Json(shown(forge, call, found)).into_response()),
        Method::DELETE => {
            forge.store().delete_favorite(person, found.id).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(ApiError::not_found("method for favorites")),
    }
}

async fn create(forge: &Forge, call: &Call) -> Result<Response, ApiError> {
    let body = call.json()?;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let (name, wanted) = (text("name"), text("repositoryId"));
    if !name.starts_with("refs/") || name.len() > LONGEST {
        return Err(ApiError::bad_request(
            "The name of a favorite is that of a reference: refs/heads/….",
        ));
    }
    let repository = call.repository(forge, wanted).await?;
    let who = &call.principal;
    let added = forge.store().add_favorite(who.id, repository.id, name).await?;
    let added = added.ok_or_else(|| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "GitRefFavoriteAlreadyExistsException",
            format!("{name} is already a favorite for user {}.", who.display_name),
        )
    })?;
    let mut value = shown(forge, call, &added);
    value["_links"] = json!({ "repository": { "href": api(forge.base_url(), &repository, &[]) } });
    Ok(Json(value).into_response())
}

fn shown(forge: &Forge, call: &Call, it: &Favorite) -> Value {
    let id = it.id.to_string();
    let mut path = vec![call.organization.as_str()];
    path.extend(call.project.as_deref());
    path.extend(["_apis", "git", "favorites", "refs", &id]);
    json!({
        "id": it.id,
        "identityId": call.principal.id,
        "name": it.name,
        "repositoryId": it.repository,
        "type": "ref",
        "url": below(forge.base_url(), &path),
    })
}
