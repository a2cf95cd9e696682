use std::collections::BTreeMap;

use super::schema::{Attribute, Block, Nested, Nesting};
use super::value::Value;
use super::wire::Wire;

/// A step on the way to an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An attribute or block, by name.
    Name(&'static str),
    /// An entry of a list of blocks.
    Index(usize),
}

/// What a change would lead to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planned {
    /// The state afterwards, with what is not known yet.
    pub value: Value,
    /// Attributes whose change needs another resource.
    pub replace: Vec<Vec<Step>>,
}

/// Plans what a configuration makes of a prior state, null where there is none.
pub(super) fn plan(block: &Block, prior: &Value, configuration: &Value) -> Planned {
    let mut replace = Vec::new();
    let value = plan_block(
        block,
        prior.as_map(),
        configuration,
        &mut Vec::new(),
        &mut replace,
    );
    Planned { value, replace }
}

fn plan_block(
    block: &Block,
    prior: Option<&BTreeMap<String, Value>>,
    configuration: &Value,
    path: &mut Vec<Step>,
    replace: &mut Vec<Vec<Step>>,
) -> Value {
    let mut planned = BTreeMap::new();
    let changed = prior.is_none_or(|prior| {
        block
            .attributes
            .iter()
            .any(|it| is_changed(it, prior, configuration))
    });
    for attribute in &block.attributes {
        let before = prior.and_then(|prior| prior.get(attribute.name));
        let value = plan_attribute(attribute, before, configuration, changed && !path.is_empty());
        let needs_another = |before: &Value| {
            (attribute.replace && *before != value) || (attribute.grows_only && shrinks(before, &value))
        };
        if before.is_some_and(needs_another) {
            replace.push(extended(path, attribute.name));
        }
        planned.insert(attribute.name.to_owned(), value);
    }
    for nested in &block.blocks {
        let before = prior.and_then(|prior| prior.get(nested.name));
        let value = plan_nested(nested, before, configuration.get(nested.name), path, replace);
        planned.insert(nested.name.to_owned(), value);
    }
    Value::Map(planned)
}

fn is_changed(attribute: &Attribute, prior: &BTreeMap<String, Value>, configuration: &Value) -> bool {
    let said = configuration.get(attribute.name);
    !said.is_null() && prior.get(attribute.name).is_some_and(|before| before != said)
}

/// In a block of which something changes, what Azure sets may change too.
fn plan_attribute(
    attribute: &Attribute,
    before: Option<&Value>,
    configuration: &Value,
    unsettled: bool,
) -> Value {
    let said = configuration.get(attribute.name);
    if *said == Value::Unknown {
        return Value::Unknown;
    }
    if !said.is_null() {
        let Wire::At { form, .. } = attribute.wire else {
            return said.clone();
        };
        let kept = before.filter(|before| !before.is_null() && form.agrees(said, before));
        return kept.cloned().unwrap_or_else(|| form.normalized(said));
    }
    if let Some(default) = &attribute.default {
        return default.clone();
    }
    if !attribute.is_computed() {
        // As upstream: saying nothing and saying no are the same.
        return before
            .filter(|before| before.is_empty())
            .cloned()
            .unwrap_or_default();
    }
    match before {
        Some(before) if !unsettled => before.clone(),
        Some(before) if !before.is_null() && attribute.presence == super::Presence::OptionalComputed => {
            before.clone()
        }
        _ => Value::Unknown,
    }
}

fn plan_nested(
    nested: &Nested,
    before: Option<&Value>,
    said: &Value,
    path: &mut Vec<Step>,
    replace: &mut Vec<Vec<Step>>,
) -> Value {
    path.push(Step::Name(nested.name));
    let value = match (nested.nesting, said) {
        (_, Value::Unknown) => Value::Unknown,
        (Nesting::Single, Value::Null) => Value::Null,
        (Nesting::Single, _) => {
            plan_block(&nested.block, before.and_then(Value::as_map), said, path, replace)
        }
        (Nesting::List, _) => {
            let entries = said.as_list().unwrap_or_default();
            if entries.is_empty() && nested.computed {
                before.cloned().unwrap_or(Value::Unknown)
            } else {
                let prior = before.and_then(Value::as_list);
                let plan_entry = |(index, entry): (usize, &Value)| {
                    path.push(Step::Index(index));
                    let prior = prior.and_then(|prior| prior.get(index)).and_then(Value::as_map);
                    let planned = plan_block(&nested.block, prior, entry, path, replace);
                    path.pop();
                    planned
                };
                Value::List(entries.iter().enumerate().map(plan_entry).collect())
            }
        }
    };
    let count = |value: &Value| value.as_list().map(<[Value]>::len);
    if nested.replace && before.is_some_and(|before| count(before) != count(&value)) {
        replace.push(path.clone());
    }
    path.pop();
    value
}

fn shrinks(before: &Value, after: &Value) -> bool {
    if before.as_bool() == Some(true) {
        return after.as_bool() == Some(false);
    }
    let number = |value: &Value| value.as_number().or_else(|| value.as_text()?.parse().ok());
    number(before)
        .zip(number(after))
        .is_some_and(|(before, after)| after < before)
}

fn extended(path: &[Step], name: &'static str) -> Vec<Step> {
    path.iter().cloned().chain([Step::Name(name)]).collect()
}
