use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pave_entity::{Relation, SearchIndex, relations};
use pave_names::EntityRef;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tree::{Emitted, Tree, sha1};

/// Namespace of the UUIDs of entities: an entity keeps its id as long as it keeps its reference.
const ENTITIES: Uuid = Uuid::from_u128(0x7061_7665_0000_4000_8000_656e_7469_7479);

/// One entity in its final form.
#[derive(Debug)]
pub(crate) struct Stitched {
    pub(crate) entity: Value,
    pub(crate) search: SearchIndex,
    pub(crate) parent: Option<EntityRef>,
}

/// All entities at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    pub(crate) entities: BTreeMap<EntityRef, Arc<Stitched>>,
}

impl Index {
    /// Merges what the locations gave. The first location that gives a reference owns it.
    pub(crate) fn stitch<'a>(trees: impl Iterator<Item = &'a Tree>) -> Self {
        let mut owned: BTreeMap<EntityRef, &Emitted> = BTreeMap::new();
        for emitted in trees.flat_map(|tree| &tree.emitted) {
            owned.entry(emitted.reference.clone()).or_insert(emitted);
        }
        let mut by_source: BTreeMap<EntityRef, BTreeSet<Relation>> = BTreeMap::new();
        for relation in owned.values().flat_map(|emitted| relations(&emitted.entity)) {
            by_source
                .entry(relation.source.clone())
                .or_default()
                .insert(relation);
        }
        let entities = owned
            .into_iter()
            .map(|(reference, emitted)| {
                let related = by_source.remove(&reference).unwrap_or_default();
                (reference, Arc::new(finish(emitted, &related)))
            })
            .collect();
        Self { entities }
    }
}

fn finish(emitted: &Emitted, related: &BTreeSet<Relation>) -> Stitched {
    let mut entity = emitted.entity.clone();
    entity["relations"] = related
        .iter()
        .map(|relation| json!({ "type": relation.kind, "targetRef": relation.target.to_string() }))
        .collect();
    if !emitted.errors.is_empty() {
        entity["status"] = json!({ "items": emitted.errors.iter().map(|message| {
            let name = message.split(':').next().unwrap_or("Error");
            json!({
                "type": "backstage.io/catalog-processing", "level": "error", "message": message,
                "error": { "name": name, "message": message },
            })
        }).collect::<Vec<_>>() });
    }
    entity["metadata"]["etag"] = json!(sha1(&entity.to_string()));
    entity["metadata"]["uid"] =
        json!(Uuid::new_v5(&ENTITIES, emitted.reference.to_string().as_bytes()).to_string());
    Stitched {
        search: SearchIndex::of(&entity),
        entity,
        parent: emitted.parent.clone(),
    }
}
