//! Contents of blobs on disk: one file each, sealed, never changed once it is written.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use pave_keys::Keys;

use super::error::BlobError;
use crate::arm::Arm;
use crate::store::Blob;

/// The directory of all contents.
#[derive(Clone)]
struct Files {
    root: PathBuf,
    keys: Keys,
}

impl Files {
    fn of(arm: &Arm) -> Self {
        Self {
            root: directory(&arm.options.data),
            keys: arm.options.keys.clone(),
        }
    }

    /// Writes a content; it is on disk when this returns.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), BlobError> {
        let sealed = self.keys.sealer().seal(content);
        let sealed = sealed.map_err(|error| BlobError::internal(&error))?;
        self.write_sealed(name, &sealed).map_err(|error| {
            drop(fs::remove_file(self.root.join(name)));
            from_system(&error)
        })
    }

    fn write_sealed(&self, name: &str, sealed: &[u8]) -> std::io::Result<()> {
        make(&self.root)?;
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(self.root.join(name))?;
        file.write_all(sealed)?;
        file.sync_all()?;
        File::open(&self.root)?.sync_all()
    }

    /// Nothing, when somebody replaced the blob and the file is gone.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BlobError> {
        let sealed = match fs::read(self.root.join(name)) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(from_system(&error)),
        };
        let opened = self.keys.sealer().open_sealed(&sealed);
        opened.map(Some).map_err(|error| BlobError::internal(&error))
    }
}

fn from_system(error: &std::io::Error) -> BlobError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        let message = "the disk is full, so nothing could be stored (help: free some space, then ask again)";
        return BlobError::new(
            axum::http::StatusCode::INSUFFICIENT_STORAGE,
            "StorageFull",
            message,
        );
    }
    BlobError::internal(error)
}

fn directory(data: &Path) -> PathBuf {
    data.join("blobs")
}

fn make(root: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(root)
}

/// Writes a content under a new name, which is given back.
pub(super) async fn write(arm: &Arm, content: axum::body::Bytes) -> Result<String, BlobError> {
    let files = Files::of(arm);
    let name = uuid::Uuid::new_v4().simple().to_string();
    let written = name.clone();
    blocking(move || files.write(&written, &content)).await?;
    Ok(name)
}

/// Reads a content.
pub(super) async fn read(arm: &Arm, name: &str) -> Result<Option<Vec<u8>>, BlobError> {
    let (files, name) = (Files::of(arm), name.to_owned());
    blocking(move || files.read(&name)).await
}

/// Removes a content that no blob got.
pub(super) async fn discard(arm: &Arm, name: &str) {
    let path = directory(&arm.options.data).join(name);
    drop(tokio::task::spawn_blocking(move || fs::remove_file(path)).await);
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| BlobError::internal(&error))?
}

/// Removes the files of blobs that are gone: after a change, and of everything that went with an account or a group.
pub(crate) async fn sweep(store: &pave_store::Database, data: &Path) -> Result<(), pave_store::StoreError> {
    let unused = store.read(Blob::unused_files).await?;
    if unused.is_empty() {
        return Ok(());
    }
    let root = directory(data);
    let gone = tokio::task::spawn_blocking(move || remove(&root, unused)).await;
    let gone = gone.unwrap_or_default();
    store
        .write(move |transaction| {
            for file in &gone {
                Blob::forget_file(transaction, file)?;
            }
            Ok(())
        })
        .await
}

/// Removes what a crash left: files that were written for a blob that then never was.
pub(crate) async fn remove_strays(
    store: &pave_store::Database,
    data: &Path,
) -> Result<(), pave_store::StoreError> {
    sweep(store, data).await?;
    let used = store.read(Blob::files).await?;
    let root = directory(data);
    let work = move || {
        let entries = fs::read_dir(&root).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let used: std::collections::HashSet<String> = used.into_iter().collect();
        remove(&root, names.filter(|name| !used.contains(name)).collect())
    };
    drop(tokio::task::spawn_blocking(work).await);
    Ok(())
}

/// Removes files; gives the names of those that are gone.
fn remove(root: &Path, names: Vec<String>) -> Vec<String> {
    let is_gone = |name: &String| match fs::remove_file(root.join(name)) {
        Ok(()) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => {
            tracing::warn!(%error, name, "the content of a deleted blob could not be removed");
            false
        }
    };
    names.into_iter().filter(is_gone).collect()
}
