use std::collections::BTreeMap;

use super::value::Value;
use super::wire::{Part, Wire, snake};
use super::{Resource, Type};
use crate::mapping::Place;

/// Why an id given to `terraform import` is not one of this type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{id}` is not the id of a {title}; expected {expected}")]
pub struct ImportError {
    /// What was given.
    pub id: String,
    /// What it should be of.
    pub title: &'static str,
    /// How such an id looks.
    pub expected: String,
}

impl Resource {
    /// The ARM id that a state or a plan describes; none while a part of it is missing.
    #[must_use]
    pub fn arm_id(&self, subscription: &str, value: &Value) -> Option<String> {
        let text = |name: &str| value.text_at(name).filter(|text| !text.is_empty());
        let name = text("name")?;
        let groups = format!("/subscriptions/{subscription}/resourceGroups");
        match self.place? {
            Place::ResourceGroup => Some(format!("{groups}/{name}")),
            Place::InGroup { resource_type } => {
                let group = text("resource_group_name")?;
                Some(format!("{groups}/{group}/providers/{resource_type}/{name}"))
            }
            Place::Below { parent, child } => {
                let parent = text(&snake(parent))?;
                let sound = parent.starts_with("/subscriptions/") && !parent.contains(['?', '#', '%']);
                (sound && !parent.contains(".."))
                    .then(|| format!("{}/{child}/{name}", parent.trim_end_matches('/')))
            }
        }
    }

    /// How an id of this type looks.
    #[must_use]
    pub fn id_form(&self) -> String {
        let groups = "/subscriptions/{subscription}/resourceGroups";
        match self.place {
            None => String::new(),
            Some(Place::ResourceGroup) => format!("{groups}/{{name}}"),
            Some(Place::InGroup { resource_type }) => {
                format!("{groups}/{{resource group}}/providers/{resource_type}/{{name}}")
            }
            Some(Place::Below { parent, child }) => {
                format!("{{id of the {}}}/{child}/{{name}}", title_of(parent))
            }
        }
    }

    /// The state that `terraform import` begins with: the id and what it says, the rest null.
    pub fn imported(&self, id: &str) -> Result<Value, ImportError> {
        let refuse = || ImportError {
            id: id.to_owned(),
            title: self.title,
            expected: self.id_form(),
        };
        let parts = self.parts(id).ok_or_else(refuse)?;
        let Type::Object(fields) = self.block.kind() else {
            return Err(refuse());
        };
        let mut state: BTreeMap<String, Value> = fields
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), empty(self, name, kind)))
            .collect();
        for attribute in &self.block.attributes {
            if let Wire::Id(part) = attribute.wire {
                state.insert(attribute.name.to_owned(), Value::text(parts.of(part)));
            }
        }
        Ok(Value::Map(state))
    }

    /// What an id of this type says.
    pub(super) fn parts<'a>(&self, id: &'a str) -> Option<Parts<'a>> {
        if id.contains(['?', '#', '%']) || id.contains("..") {
            return None;
        }
        let words: Vec<&str> = id.strip_prefix('/')?.split('/').collect();
        let [subscriptions, _, groups, group, rest @ ..] = words.as_slice() else {
            return None;
        };
        let same = |left: &str, right: &str| left.eq_ignore_ascii_case(right);
        if !same(subscriptions, "subscriptions") || !same(groups, "resourceGroups") || words.contains(&"") {
            return None;
        }
        let tail: Vec<&str> = match self.place? {
            Place::ResourceGroup => Vec::new(),
            Place::InGroup { resource_type } => resource_type.split('/').collect(),
            Place::Below { child, .. } => vec!["Microsoft.DBforPostgreSQL", "flexibleServers", child],
        };
        let (parent, name) = id.rsplit_once('/')?;
        let fits = match (tail.as_slice(), rest) {
            ([], []) => true,
            ([space, kind], [providers, a, b, _]) => {
                same(providers, "providers") && same(space, a) && same(kind, b)
            }
            ([space, kind, child], [providers, a, b, _, c, _]) => {
                same(providers, "providers") && same(space, a) && same(kind, b) && same(child, c)
            }
            _ => false,
        };
        let parent = parent.rsplit_once('/').map_or(parent, |(above, _)| above);
        fits.then_some(Parts {
            whole: id,
            name,
            group,
            parent,
        })
    }
}

/// The words of an id.
pub(super) struct Parts<'a> {
    whole: &'a str,
    name: &'a str,
    group: &'a str,
    parent: &'a str,
}

impl Parts<'_> {
    pub(super) fn of(&self, part: Part) -> &str {
        match part {
            Part::Whole => self.whole,
            Part::Name => self.name,
            Part::Group => self.group,
            Part::Parent => self.parent,
        }
    }
}

fn empty(resource: &Resource, name: &str, kind: &Type) -> Value {
    let is_list_of_blocks = resource.block.nested(name).is_some() && matches!(kind, Type::List(_));
    if is_list_of_blocks {
        Value::List(Vec::new())
    } else {
        Value::Null
    }
}

fn title_of(parameter: &str) -> String {
    snake(parameter).trim_end_matches("_id").replace('_', " ")
}
