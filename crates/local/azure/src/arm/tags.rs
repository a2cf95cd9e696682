//! `{scope}/providers/Microsoft.Resources/tags/default`: the tags of any resource or group.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Arm;
use super::plain::refuse_deleting;
use super::reply::Reply;
use super::request::Call;
use crate::error::ArmError;
use crate::store::Resource;

/// The parts of the path that follow the scope.
pub(crate) const TAIL: [&str; 4] = ["providers", "microsoft.resources", "tags", "default"];

impl Arm {
    pub(crate) async fn tags(&self, call: &Call) -> Result<Reply, ArmError> {
        let key = call.key(TAIL.len());
        let resource = self.required(call, &key).await?;
        let change = match call.method {
            Method::GET => return Ok(Reply::ok(document(&resource))),
            Method::PUT => Change::Replace(tags_of(call)?),
            Method::PATCH => Change::read(call)?,
            Method::DELETE => Change::Replace(Map::new()),
            _ => return Err(call.method_not_allowed()),
        };
        let written = self.engine.store.write(move |transaction| {
            let Some(mut resource) = Resource::find(transaction, &key)? else {
                let message = "The resource is gone.";
                return Ok(Err(ArmError::not_found("ResourceNotFound", message)));
            };
            if let Err(error) = refuse_deleting(Some(&resource)) {
                return Ok(Err(error));
            }
            let before = resource.body["tags"].as_object().cloned().unwrap_or_default();
            resource.body["tags"] = Value::Object(change.apply(before));
            resource.put(transaction)?;
            Ok(Ok(resource))
        });
        let resource = written.await??;
        if call.method == Method::DELETE {
            return Ok(Reply::empty(StatusCode::OK));
        }
        Ok(Reply::ok(document(&resource)))
    }
}

impl Arm {
    /// `GET /subscriptions/{id}/tagNames`: the tags in use, with their values, on what the caller may see.
    pub(crate) async fn tag_names(&self, call: &Call) -> Result<Reply, ArmError> {
        if call.method != Method::GET {
            return Err(call.method_not_allowed());
        }
        let read = self.engine.store.read(|connection| {
            let mut all = Resource::of_kind(connection, super::groups::GROUPS)?;
            all.extend(Resource::in_groups(connection)?);
            Ok(all)
        });
        let mut used: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
        for resource in read.await? {
            if !self.may_see(&call.caller, &resource.id).await {
                continue;
            }
            for (name, value) in resource.body["tags"].as_object().into_iter().flatten() {
                let value = value.as_str().unwrap_or_default().to_owned();
                *used.entry(name.clone()).or_default().entry(value).or_default() += 1;
            }
        }
        let base = format!("/subscriptions/{}/tagNames", self.options.subscription);
        let listed: Vec<Value> = used
            .iter()
            .map(|(name, values)| tag_name(&base, name, values))
            .collect();
        Ok(Reply::list(&listed))
    }
}

fn tag_name(base: &str, name: &str, values: &BTreeMap<String, u32>) -> Value {
    let count = |number: u32| json!({ "type": "Total", "value": number });
    let id = format!("{base}/{name}");
    let listed = values.iter().map(|(value, number)| {
        json!({ "id": format!("{id}/tagValues/{value}"), "tagValue": value, "count": count(*number) })
    });
    let listed: Vec<Value> = listed.collect();
    json!({ "id": id, "tagName": name, "count": count(values.values().sum()), "values": listed })
}

/// What is done to the tags of a resource.
enum Change {
    Replace(Map<String, Value>),
    Merge(Map<String, Value>),
    Delete(Map<String, Value>),
}

impl Change {
    fn read(call: &Call) -> Result<Self, ArmError> {
        let tags = tags_of(call)?;
        match call.body["operation"].as_str().unwrap_or_default() {
            "Replace" => Ok(Self::Replace(tags)),
            "Merge" => Ok(Self::Merge(tags)),
            "Delete" => Ok(Self::Delete(tags)),
            other => {
                let message = format!("The operation '{other}' is not 'Merge', 'Replace' or 'Delete'.");
                Err(ArmError::bad_request("InvalidTagsOperation", message))
            }
        }
    }

    fn apply(self, mut before: Map<String, Value>) -> Map<String, Value> {
        match self {
            Self::Replace(tags) => tags,
            Self::Merge(tags) => {
                before.extend(tags);
                before
            }
            // A value that is given has to be the one that is there.
            Self::Delete(tags) => {
                before.retain(|name, value| {
                    tags.get(name)
                        .is_none_or(|given| given != value && given != "" && !given.is_null())
                });
                before
            }
        }
    }
}

fn tags_of(call: &Call) -> Result<Map<String, Value>, ArmError> {
    let tags = call.object()?["properties"]["tags"].as_object().cloned();
    let tags = tags.unwrap_or_default();
    if tags.len() > 50 {
        let message = format!("A resource has at most 50 tags; {} were given.", tags.len());
        return Err(ArmError::bad_request("TooManyTags", message));
    }
    Ok(tags)
}

fn document(resource: &Resource) -> Value {
    let tags = resource.body["tags"].as_object().cloned().unwrap_or_default();
    json!({
        "id": format!("{}/providers/Microsoft.Resources/tags/default", resource.canonical),
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": { "tags": tags },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_change_as_asked() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let before = || map(json!({ "a": "1", "b": "2" }));
        let check = |change: Change, expected: Value| assert_eq!(change.apply(before()), map(expected));
        check(Change::Replace(map(json!({ "c": "3" }))), json!({ "c": "3" }));
        check(
            Change::Merge(map(json!({ "b": "9", "c": "3" }))),
            json!({ "a": "1", "b": "9", "c": "3" }),
        );
        check(
            Change::Delete(map(json!({ "a": "1", "b": "other" }))),
            json!({ "b": "2" }),
        );
    }
}
