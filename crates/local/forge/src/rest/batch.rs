//! Several questions in one request: `itemsBatch`, `commitsBatch`.

use axum::response::Response;
use serde_json::Value;

use super::query::Query;
use super::{Call, commits, items, list};
use crate::error::ApiError;
use crate::forge::Forge;
use crate::repository::Repository;

/// The most descriptors of one request.
const ASKED: usize = 1000;

/// A scalar as a query would carry it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// `POST …/itemsBatch`: a list of items for each descriptor.
pub(super) async fn items(forge: &Forge, call: &Call, repository: &Repository) -> Result<Response, ApiError> {
    let body = call.json()?;
    let given = body.get("itemDescriptors").and_then(Value::as_array);
    let given = given
        .filter(|it| !it.is_empty() && it.len() <= ASKED)
        .ok_or_else(|| {
            ApiError::bad_request(format!(
                "Give 1 to {ASKED} itemDescriptors: {{path, version, versionType, recursionLevel}}."
            ))
        })?;
    let mut found = Vec::with_capacity(given.len());
    for descriptor in given {
        let field = |name: &str| descriptor.get(name).and_then(text);
        let pairs = [
            ("version", field("version")),
            ("versiontype", field("versionType")),
            ("path", field("path").or(Some("/".to_owned()))),
            ("recursionlevel", field("recursionLevel")),
        ];
        let query = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let query = Query::of(query.collect());
        found.push(Value::Array(items::found(forge, repository, &query).await?));
    }
    Ok(list(found))
}

/// `POST …/commitsBatch`: search criteria that are too long for a URL, ids among them.
pub(super) async fn commits(
    forge: &Forge,
    call: &Call,
    repository: &Repository,
) -> Result<Response, ApiError> {
    let body = call.json()?;
    let ids = body.get("ids").and_then(Value::as_array);
    if let Some(ids) = ids.filter(|ids| !ids.is_empty()) {
        if ids.len() > ASKED {
            return Err(ApiError::bad_request(format!("At most {ASKED} ids at once.")));
        }
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let id = id.as_str().unwrap_or_default();
            found.push(commits::one(forge, repository, id).await?);
        }
        return Ok(list(found));
    }
    let mut pairs = call.query.pairs().to_vec();
    for (key, value) in body.as_object().into_iter().flatten() {
        match value {
            Value::Object(fields) => {
                for (field, value) in fields {
                    let key = format!("searchcriteria.{key}.{field}").to_lowercase();
                    pairs.extend(text(value).map(|value| (key, value)));
                }
            }
            value => {
                let key = format!("searchcriteria.{key}").to_lowercase();
                pairs.extend(text(value).map(|value| (key, value)));
            }
        }
    }
    commits::list(forge, &Query::of(pairs), repository).await
}
