//! What is registered, as the database keeps it, and what follows for files of this machine.

use std::path::{Path, PathBuf};

use pave_hosts::folder_of;
use pave_store::Database;
use uuid::Uuid;

use crate::tree::Tree;
use crate::{Address, AddressKind, CatalogError};

/// The folders that the configuration's file locations open.
pub(crate) fn folders(locations: &[Address]) -> Vec<PathBuf> {
    let files = locations.iter().filter(|it| it.kind == AddressKind::File);
    files.map(|it| folder_of(Path::new(&it.target))).collect()
}

/// The files of this machine from which templates came.
pub(crate) fn templates(tree: &Tree) -> impl Iterator<Item = PathBuf> {
    let templates = tree.emitted.iter().filter(|emitted| {
        let kind = emitted.entity["kind"].as_str();
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Template"))
    });
    templates
        .filter_map(|emitted| Address::of_annotation(&emitted.entity, "backstage.io/managed-by-location"))
        .filter(|address| address.kind == AddressKind::File)
        .map(|address| PathBuf::from(address.target))
}

/// All registered locations with what they last gave, after adding what is wanted from the start.
pub(crate) async fn known(
    database: &Database,
    wanted: Vec<Address>,
) -> Result<Vec<(Address, Option<String>)>, CatalogError> {
    let known = database
        .write(move |tx| {
            let of_files = tx
                .prepare("SELECT target FROM location WHERE type = 'file'")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()?;
            // Nobody but the configuration has a say about files of this machine.
            for gone in of_files.into_iter().map(Address::file) {
                if !wanted.contains(&gone) {
                    tx.execute("DELETE FROM location WHERE target = ?1", [gone.target])?;
                }
            }
            for address in &wanted {
                let id = Uuid::new_v4().to_string();
                tx.execute(
                    "INSERT OR IGNORE INTO location (id, type, target) VALUES (?1, ?2, ?3)",
                    [id.as_str(), address.kind.as_str(), &address.target],
                )?;
            }
            tx.prepare("SELECT type, target, tree FROM location ORDER BY rowid")?
                .query_map([], |row| {
                    let (kind, target): (String, String) = (row.get(0)?, row.get(1)?);
                    let kind = AddressKind::of(&kind);
                    Ok((Address { kind, target }, row.get(2)?))
                })?
                .collect::<Result<Vec<(Address, Option<String>)>, _>>()
        })
        .await?;
    Ok(known)
}
