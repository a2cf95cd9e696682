//! Entities that no file holds: what an entity provider found.

use std::collections::BTreeMap;

use pave_entity::reference;
use pave_store::Database;
use serde_json::Value;

use crate::CatalogError;
use crate::tree::{Emitted, Tree};

/// The entities of a provider, in the form of a location's.
pub(crate) fn tree(entities: Vec<Value>) -> Tree {
    let emitted = entities.into_iter().filter_map(|entity| {
        Some(Emitted {
            reference: reference(&entity)?,
            entity,
            parent: None,
            errors: Vec::new(),
        })
    });
    Tree {
        emitted: emitted.collect(),
        ..Tree::default()
    }
}

/// Whether two hold the same entities.
pub(crate) fn is_same(left: &Tree, right: &Tree) -> bool {
    let entities = |tree: &Tree| {
        tree.emitted
            .iter()
            .map(|it| it.entity.clone())
            .collect::<Vec<_>>()
    };
    entities(left) == entities(right)
}

/// What providers gave before an earlier end, so that a start shows it at once.
pub(crate) async fn kept(database: &Database) -> Result<BTreeMap<String, Tree>, CatalogError> {
    let rows = database
        .read(|db| {
            db.prepare("SELECT provider, tree FROM provided")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<Vec<(String, String)>, _>>()
        })
        .await?;
    // What cannot be read back is found anew.
    let restored = rows
        .into_iter()
        .filter_map(|(provider, text)| Some((provider, serde_json::from_str(&text).ok()?)));
    Ok(restored.collect())
}

/// Keeps what a provider gave.
pub(crate) async fn keep(database: &Database, provider: &str, tree: &Tree) -> Result<(), CatalogError> {
    let (provider, text) = (
        provider.to_owned(),
        serde_json::to_string(tree).unwrap_or_default(),
    );
    database
        .write(move |tx| {
            tx.execute(
                "INSERT INTO provided (provider, tree) VALUES (?1, ?2) ON CONFLICT (provider) DO UPDATE SET tree = ?2",
                (provider, text),
            )
        })
        .await?;
    Ok(())
}
