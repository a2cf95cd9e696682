//! What was cloned into a workspace, and from where.
//!
//! A clone leaves no `.git` behind: a skeleton could write into one and have Git run what it likes. What a later
//! push has to know lies in a file beside the workspace, where no step can reach.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Workspace;

/// What the file's name adds to the workspace's.
pub(crate) const CHECKOUTS: &str = ".checkouts";

/// A repository that was cloned into a directory of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkout {
    /// Directory below the workspace, with `/`; empty for the workspace itself.
    pub(crate) path: String,
    /// Clone URL, without user information.
    pub(crate) remote: String,
    /// Branch that was cloned.
    pub(crate) branch: String,
    /// Commit that the files are of.
    pub(crate) commit: String,
}

impl Workspace {
    fn checkouts_file(&self) -> PathBuf {
        let name = self.root.file_name().unwrap_or_default().to_string_lossy();
        self.root.with_file_name(format!("{name}{CHECKOUTS}"))
    }

    /// What was cloned into the workspace, in the order of cloning.
    pub(crate) fn checkouts(&self) -> Vec<Checkout> {
        std::fs::read(self.checkouts_file())
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Notes a clone; an earlier one of the same directory is forgotten.
    pub(crate) fn record(&self, checkout: Checkout) -> Result<(), String> {
        let mut all = self.checkouts();
        all.retain(|known| known.path != checkout.path);
        all.push(checkout);
        let failed = |error: &dyn std::fmt::Display| format!("the clone cannot be noted: {error}");
        let bytes = serde_json::to_vec(&all).map_err(|error| failed(&error))?;
        let draft = self.checkouts_file().with_extension("new");
        std::fs::write(&draft, bytes).map_err(|error| failed(&error))?;
        std::fs::rename(&draft, self.checkouts_file()).map_err(|error| failed(&error))
    }

    /// Removes the directory and what was noted about it.
    pub(crate) fn remove(&self) -> std::io::Result<()> {
        std::fs::remove_dir_all(&self.root)?;
        match std::fs::remove_file(self.checkouts_file()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
