//! Lists over all types, and whether something exists.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Arm;
use super::groups::group_not_found;
use super::reply::Reply;
use super::request::Call;
use crate::error::ArmError;
use crate::store::Resource;

impl Arm {
    /// All resources, or those of one group; `$filter` and `$top` are understood.
    pub(crate) async fn list_resources(&self, call: &Call, group: Option<&str>) -> Result<Reply, ArmError> {
        if call.method != Method::GET {
            return Err(call.method_not_allowed());
        }
        let text = call.query.get("$filter").map(String::as_str).unwrap_or_default();
        let filter = Filter::read(text);
        if let Some(group) = group.or(filter.group.as_deref()) {
            let key = group_key(&self.options.subscription.to_string(), group);
            if self.find(key).await?.is_none() {
                return Err(group_not_found(group));
            }
        }
        let most = call.query.get("$top").and_then(|top| top.parse().ok());
        let resources = self.engine.store.read(Resource::in_groups).await?;
        let mut listed = Vec::new();
        for resource in resources {
            if listed.len() >= most.unwrap_or(usize::MAX) {
                break;
            }
            let inside = group.is_none_or(|group| resource.parent.ends_with(&format!("/{group}")));
            if inside && filter.fits(&resource) && self.may_see(&call.caller, &resource.id).await {
                listed.push(render_entry(&resource));
            }
        }
        Ok(Reply::list(&listed))
    }

    /// `HEAD` of any resource.
    pub(crate) async fn exists(&self, call: &Call) -> Result<Reply, ArmError> {
        let found = self.find(call.key(0)).await?.is_some_and(|it| it.visible);
        Ok(Reply::empty(if found {
            StatusCode::NO_CONTENT
        } else {
            StatusCode::NOT_FOUND
        }))
    }
}

fn group_key(subscription: &str, group: &str) -> String {
    format!("/subscriptions/{subscription}/resourcegroups/{group}")
}

/// A resource in a list over all types: without its properties.
fn render_entry(resource: &Resource) -> Value {
    let mut entry = super::plain::render(resource);
    if let Value::Object(fields) = &mut entry {
        fields.shift_remove("properties");
        fields.insert("provisioningState".into(), json!(resource.state));
        fields.insert("createdTime".into(), json!(resource.stamp.created_at));
        fields.insert("changedTime".into(), json!(resource.stamp.last_modified_at));
    }
    entry
}

/// What a `$filter` over resources asks for; everything in lower case.
#[derive(Debug, Default)]
struct Filter {
    group: Option<String>,
    kind: Option<String>,
    not_kind: Option<String>,
    name: Option<String>,
    part_of_name: Option<String>,
    location: Option<String>,
    tag: Option<String>,
    tag_value: Option<String>,
}

impl Filter {
    fn read(text: &str) -> Self {
        let value = |field: &str, operator: &str| filter_value(text, field, operator);
        let part = text.to_lowercase();
        let part = part.split_once("substringof('").and_then(|(_, rest)| {
            let (part, rest) = rest.split_once('\'')?;
            rest.trim_start_matches([',', ' '])
                .starts_with("name")
                .then(|| part.to_owned())
        });
        Self {
            group: value("resourcegroup", "eq"),
            kind: value("resourcetype", "eq"),
            not_kind: value("resourcetype", "ne"),
            name: value("name", "eq"),
            part_of_name: part,
            location: value("location", "eq"),
            tag: value("tagname", "eq"),
            tag_value: value("tagvalue", "eq"),
        }
    }

    fn fits(&self, resource: &Resource) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let tag_fits = self.tag.as_ref().is_none_or(|tag| {
            let tags = resource.body["tags"].as_object();
            tags.into_iter().flatten().any(|(name, value)| {
                name.eq_ignore_ascii_case(tag) && same(&self.tag_value, value.as_str().unwrap_or_default())
            })
        });
        let name = resource.name().to_lowercase();
        tag_fits
            && same(
                &self.group,
                resource.parent.rsplit('/').next().unwrap_or_default(),
            )
            && same(&self.kind, &resource.kind)
            && self.not_kind.as_ref().is_none_or(|kind| *kind != resource.kind)
            && same(&self.name, &name)
            && self.part_of_name.as_ref().is_none_or(|part| name.contains(part))
            && same(
                &self.location,
                resource.body["location"].as_str().unwrap_or_default(),
            )
    }
}

/// The value that a filter compares a field with: `resourceGroup eq 'g'`.
fn filter_value(filter: &str, field: &str, operator: &str) -> Option<String> {
    let lower = filter.to_lowercase();
    let wanted = format!("{field} {operator} '");
    // `name eq` is not to be found in `tagname eq`.
    let at = lower.match_indices(&wanted).find(|(at, _)| {
        let before = lower[..*at].chars().next_back();
        !before.is_some_and(char::is_alphanumeric)
    })?;
    Some(lower[at.0 + wanted.len()..].split('\'').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_filters() {
        let filter = "resourceGroup eq 'Team-A' and resourceType eq 'Microsoft.Storage/storageAccounts'";
        let read = Filter::read(filter);
        assert_eq!(read.group.as_deref(), Some("team-a"));
        assert_eq!(read.kind.as_deref(), Some("microsoft.storage/storageaccounts"));
        let read = Filter::read("tagName eq 'Team' and tagValue eq 'a'");
        assert_eq!((read.tag.as_deref(), read.name), (Some("team"), None));
        assert_eq!(read.tag_value.as_deref(), Some("a"));
        assert_eq!(
            Filter::read("substringof('Ord', name)").part_of_name.as_deref(),
            Some("ord")
        );
        assert!(Filter::read("").group.is_none());
    }
}
