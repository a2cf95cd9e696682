//! `APP_CONFIG_*` variables: the name is the key, with `_` between its parts, and the value is JSON where it can be.

use pave_diagnostic::{Diagnostic, Diagnostics};
use serde_json::Value;

use crate::item::{Field, Item, Kind, Origin, Source};

const PREFIX: &str = "APP_CONFIG_";

/// The layer that the environment's variables make, if there are any.
pub(crate) fn layer(
    variables: impl IntoIterator<Item = (String, String)>,
    findings: &mut Diagnostics,
) -> Option<Item> {
    let mut variables: Vec<(String, String)> = variables
        .into_iter()
        .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty())
        .collect();
    variables.sort();
    let mut root = Item::map(Vec::new(), Origin::of(Source::Default));
    for (name, value) in &variables {
        if let Err(reason) = put(&mut root, name, value) {
            let finding =
                Diagnostic::error("PV2405", format!("environment variable `{name}` {reason}")).with_help(
                    "write the key with `_` between its parts, e.g. `APP_CONFIG_app_baseUrl=http://localhost:7007`",
                );
            findings.push(finding);
        }
    }
    (!root.fields().is_empty()).then_some(root)
}

fn put(root: &mut Item, name: &str, value: &str) -> Result<(), String> {
    let key = &name[PREFIX.len()..];
    let parts: Vec<&str> = key.split('_').collect();
    if let Some(part) = parts.iter().find(|part| !is_part(part)) {
        return Err(format!("names no key: `{part}` cannot be a part of one"));
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    if value.is_null() {
        return Err("is `null`, which says nothing".to_owned());
    }
    let origin = Origin::of(Source::Variable(name.to_owned()));
    let mut item = root;
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let Kind::Map(fields) = &mut item.kind else {
            let above = parts[..index].join("_");
            return Err(format!("goes below `{PREFIX}{above}`, which is no map"));
        };
        let found = fields.iter().position(|field| field.key == *part);
        if last {
            if found.is_some() {
                return Err("says a key for the second time".to_owned());
            }
            fields.push(field(part, Item::plain(value, &origin), &origin));
            return Ok(());
        }
        let at = found.unwrap_or_else(|| {
            fields.push(field(part, Item::map(Vec::new(), origin.clone()), &origin));
            fields.len() - 1
        });
        item = &mut fields[at].item;
    }
    Ok(())
}

fn field(key: &str, item: Item, place: &Origin) -> Field {
    Field {
        key: key.to_owned(),
        place: place.clone(),
        item,
    }
}

/// A letter first, then letters and digits, with single `-` or `:` between.
fn is_part(part: &str) -> bool {
    let words: Vec<&str> = part.split(['-', ':']).collect();
    part.starts_with(|first: char| first.is_ascii_alphabetic())
        && words
            .iter()
            .all(|word| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric()))
}
