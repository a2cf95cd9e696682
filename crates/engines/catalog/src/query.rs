use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pave_entity::{Filter, project};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CatalogError;
use crate::index::{Index, Stitched};

/// Entities that a page holds when the request does not say.
const PAGE: usize = 200;

/// A question for a page of entities.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Query {
    /// `filter` parameters, as given.
    pub filter: Vec<String>,
    /// Fields to sort by; the first one counts, as upstream.
    pub order: Vec<Order>,
    /// Fields to keep; all when empty. Not part of a cursor.
    #[serde(skip)]
    pub fields: Vec<String>,
    /// Text to look for.
    pub term: String,
    /// Where to look for it: by default the sort field, else the uid.
    pub term_fields: Vec<String>,
    /// Entities on the page.
    pub limit: Option<usize>,
    /// Entities to leave out at the beginning.
    pub offset: usize,
}

/// A sort field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Path, such as `metadata.name`.
    pub field: String,
    /// Whether the last comes first.
    pub descending: bool,
}

/// One page of entities.
#[derive(Clone, Debug)]
pub struct Page {
    /// The entities, with the fields asked for.
    pub items: Vec<Value>,
    /// How many match in all.
    pub total: usize,
    /// Cursor of the page after this one.
    pub next: Option<String>,
    /// Cursor of the page before this one.
    pub previous: Option<String>,
}

/// One value of a facet, in its original case, with how many entities have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facet {
    /// Value.
    pub value: String,
    /// Entities that have it.
    pub count: usize,
}

impl Query {
    /// The query that a cursor stands for.
    pub fn from_cursor(cursor: &str) -> Result<Self, CatalogError> {
        STANDARD
            .decode(cursor)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| CatalogError::Input("Malformed cursor, could not be parsed".into()))
    }

    fn cursor(&self, offset: usize) -> String {
        let query = Self {
            offset,
            ..self.clone()
        };
        // A struct of strings and numbers always serializes.
        STANDARD.encode(serde_json::to_vec(&query).unwrap_or_default())
    }

    pub(crate) fn run(&self, index: &Index) -> Result<Page, CatalogError> {
        let filter = self.filter()?;
        let order = self.order.first();
        let fallback = order.map_or("metadata.uid", |order| order.field.as_str());
        let paths: Vec<&str> = if self.term_fields.is_empty() {
            vec![fallback]
        } else {
            self.term_fields.iter().map(String::as_str).collect()
        };
        let mut matching: Vec<&Arc<Stitched>> = index
            .entities
            .values()
            .filter(|it| filter.matches(&it.search))
            .filter(|it| self.term.is_empty() || it.search.contains_text(&self.term, paths.iter().copied()))
            // As upstream: with a sort field, entities without it are left out.
            .filter(|it| {
                order.is_none_or(|order| it.search.values(&order.field).is_some_and(|it| !it.is_empty()))
            })
            .collect();
        if let Some(order) = order {
            matching.sort_by(|left, right| compare(left, right, order));
        }
        let total = matching.len();
        let limit = self.limit.unwrap_or(PAGE);
        let items = matching
            .iter()
            .skip(self.offset)
            .take(limit)
            .map(|it| project(&it.entity, &self.fields))
            .collect();
        let end = self.offset + limit;
        Ok(Page {
            items,
            total,
            next: (limit > 0 && end < total).then(|| self.cursor(end)),
            previous: (limit > 0 && self.offset > 0).then(|| self.cursor(self.offset.saturating_sub(limit))),
        })
    }

    fn filter(&self) -> Result<Filter, CatalogError> {
        Filter::parse(self.filter.iter().map(String::as_str)).map_err(|error| CatalogError::Input(error.0))
    }
}

fn compare(left: &Stitched, right: &Stitched, order: &Order) -> Ordering {
    let value = |it: &Stitched| {
        it.search
            .values(&order.field)
            .and_then(|values| values.first().cloned())
    };
    let by_value = value(left).cmp(&value(right));
    let by_value = if order.descending {
        by_value.reverse()
    } else {
        by_value
    };
    let id = |it: &Stitched| {
        it.entity["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    by_value.then_with(|| id(left).cmp(&id(right)))
}

/// Counts the values of some paths among the entities that match.
pub(crate) fn facets(
    index: &Index,
    filter: &[String],
    paths: &[String],
) -> Result<BTreeMap<String, Vec<Facet>>, CatalogError> {
    let filter = Query {
        filter: filter.to_vec(),
        ..Query::default()
    }
    .filter()?;
    let matching: Vec<&Arc<Stitched>> = index
        .entities
        .values()
        .filter(|it| filter.matches(&it.search))
        .collect();
    let count = |path: &String| {
        let mut counts: BTreeMap<String, Facet> = BTreeMap::new();
        for stitched in &matching {
            for value in originals(&stitched.entity, path) {
                counts
                    .entry(value.to_lowercase())
                    .or_insert_with(|| Facet { value, count: 0 })
                    .count += 1;
            }
        }
        (path.clone(), counts.into_values().collect())
    };
    Ok(paths.iter().map(count).collect())
}

/// The values at a path in their original case; for relations, their targets.
fn originals(entity: &Value, path: &str) -> Vec<String> {
    if let Some(kind) = path.strip_prefix("relations.") {
        let relations = entity["relations"].as_array().into_iter().flatten();
        return relations
            .filter(|relation| {
                relation["type"]
                    .as_str()
                    .is_some_and(|it| it.eq_ignore_ascii_case(kind))
            })
            .filter_map(|relation| Some(relation["targetRef"].as_str()?.to_owned()))
            .collect();
    }
    let projected = project(entity, &[path.to_owned()]);
    let mut leaf = &projected;
    while let Some(inner) = leaf.as_object().and_then(|map| map.values().next()) {
        leaf = inner;
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match leaf {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}
