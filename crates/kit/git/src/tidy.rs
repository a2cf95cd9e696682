//! Keeping the number of packs small. Every push leaves one, and looking an object up in hundreds is slow.

use crate::{GitError, Program};

/// How many packs are left alone.
const PACKS: usize = 50;

impl Program {
    /// Packs everything into one file when many have gathered, and tells whether it did. Otherwise it only looks
    /// into one directory. Safe beside readers and writers: Git keeps young objects that nothing refers to yet.
    pub async fn tidy(&self) -> Result<bool, GitError> {
        let folder = self.directory().join("objects/pack");
        let mut packs = 0;
        if let Ok(mut entries) = tokio::fs::read_dir(&folder).await {
            while let Ok(Some(entry)) = entries.next_entry().await {
                packs += usize::from(
                    entry
                        .path()
                        .extension()
                        .is_some_and(|extension| extension == "pack"),
                );
            }
        }
        if packs <= PACKS {
            return Ok(false);
        }
        let program = self
            .clone()
            .config("gc.auto", "6700")
            .config("gc.autoPackLimit", "50");
        program
            .config("gc.autoDetach", "false")
            .run(&["gc", "--auto", "--quiet"], b"")
            .await?;
        Ok(true)
    }
}
