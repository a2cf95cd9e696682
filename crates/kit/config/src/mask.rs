//! What may be shown: every value with its origin, secrets masked.

use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::item::{Item, Kind, Origin, at, below};
use crate::known::Known;

/// What stands where a secret stood.
pub const MASK: &str = "******";

/// Below these keys, what comes from the environment is taken for a credential.
const CREDENTIALS: [&str; 8] = [
    "integrations",
    "auth",
    "backend",
    "proxy",
    "catalog",
    "scaffolder",
    "techdocs",
    "kubernetes",
];
/// Names that say themselves that they hold a secret, in lower case.
const TELLING: [&str; 10] = [
    "token",
    "secret",
    "password",
    "passwd",
    "apikey",
    "privatekey",
    "accesskey",
    "signingkey",
    "authorization",
    "credential",
];
/// A secret shorter than this may stand in another text by chance.
const LONG_ENOUGH: usize = 8;

/// A value as it may be shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Path of the key, such as `integrations.azure[0].host`.
    pub path: String,
    /// The value, or [`MASK`].
    pub value: Value,
    /// Whether the value is masked.
    pub secret: bool,
    /// Where it comes from.
    pub origin: Origin,
}

struct Leaf<'a> {
    path: String,
    item: &'a Item,
    secret: bool,
}

/// Every value of a tree, in its order.
pub(crate) fn entries(root: &Item) -> Vec<Entry> {
    let mut leaves = Vec::new();
    collect(root, String::new(), Some(Known::root()), false, &mut leaves);
    let secrets: Vec<String> = leaves
        .iter()
        .filter(|leaf| leaf.secret)
        .filter_map(|leaf| leaf.item.value().as_str().map(ToOwned::to_owned))
        .filter(|text| text.len() >= LONG_ENOUGH)
        .collect();
    leaves
        .into_iter()
        .map(|leaf| {
            let value = leaf.item.value();
            let repeats = value
                .as_str()
                .is_some_and(|text| has_password(text) || secrets.iter().any(|secret| text.contains(secret)));
            let secret = leaf.secret || repeats;
            // An empty secret is none, and to see that it is empty may be just what somebody needs.
            let shown = if secret && !matches!(value.as_str(), Some("")) {
                MASK.into()
            } else {
                value
            };
            Entry {
                path: leaf.path,
                value: shown,
                secret,
                origin: leaf.item.origin.clone(),
            }
        })
        .collect()
}

fn collect<'a>(
    item: &'a Item,
    path: String,
    known: Option<&'static Known>,
    secret: bool,
    leaves: &mut Vec<Leaf<'a>>,
) {
    let facts = known.map(|known| known.facts).unwrap_or_default();
    let secret = (secret || facts.secret) && !facts.plain;
    match &item.kind {
        Kind::Map(fields) if !fields.is_empty() => {
            for field in fields {
                let next = known.and_then(|known| known.step(&field.key));
                let telling = next.is_none_or(|next| !next.facts.plain) && tells(&field.key, &field.item);
                collect(
                    &field.item,
                    below(&path, &field.key),
                    next,
                    secret || telling,
                    leaves,
                );
            }
        }
        Kind::List(items) if !items.is_empty() => {
            let next = known.and_then(|known| known.step("[]"));
            for (index, item) in items.iter().enumerate() {
                // What a list says of itself holds for its items.
                let plain = next.is_none() && facts.plain;
                let from = leaves.len();
                collect(item, at(&path, index), next, secret, leaves);
                if plain {
                    leaves[from..].iter_mut().for_each(|leaf| leaf.secret = false);
                }
            }
        }
        Kind::Scalar(Value::String(_)) => {
            let among = CREDENTIALS
                .iter()
                .any(|root| path.starts_with(&format!("{root}.")));
            let used = known.is_some_and(|known| known.is_used() && !facts.secret);
            let brought = among && !facts.plain && !used && item.origin.is_brought();
            leaves.push(Leaf {
                path,
                item,
                secret: secret || brought,
            });
        }
        Kind::Scalar(Value::Number(_)) => leaves.push(Leaf { path, item, secret }),
        _ => leaves.push(Leaf {
            path,
            item,
            secret: false,
        }),
    }
}

/// Whether the name of a key says that text below it is secret.
fn tells(key: &str, item: &Item) -> bool {
    let flat: String = key
        .to_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let text = matches!(item.kind, Kind::Scalar(Value::String(_)));
    text && TELLING.iter().any(|word| flat.ends_with(word))
}

/// `https://user:password@host`
fn has_password(text: &str) -> bool {
    text.contains("://") && Url::parse(text).is_ok_and(|url| url.password().is_some())
}
