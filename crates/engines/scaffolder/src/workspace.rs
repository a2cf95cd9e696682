//! The directory of a task, and what is known of its files.

mod checkout;

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pave_template::provenance::Piece;

pub(crate) use checkout::{CHECKOUTS, Checkout};

/// The directory that the steps of a task share.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    pieces: Mutex<HashMap<String, Vec<Piece>>>,
}

/// A file of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceFile {
    /// Path below the workspace, with `/`.
    pub path: String,
    /// Content; of a symbolic link its target.
    pub content: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
    /// Whether it is a symbolic link.
    pub symlink: bool,
}

impl Workspace {
    /// Makes the directory if it is not there.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(root)?;
        Ok(Self {
            root: root.canonicalize()?,
            pieces: Mutex::default(),
        })
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path within the workspace; one that leaves it, by dots or by a symbolic link, is refused.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        let outside =
            || format!("Relative path is not allowed to refer to a directory outside its parent: `{path}`");
        let mut resolved = self.root.clone();
        for component in Path::new(path).components() {
            match component {
                Component::Normal(part) => resolved.push(part),
                Component::CurDir => {}
                Component::ParentDir if resolved != self.root => {
                    resolved.pop();
                }
                _ => return Err(outside()),
            }
        }
        // The deepest part that exists must really lie inside.
        let mut existing = resolved.as_path();
        while existing != self.root {
            if let Ok(real) = existing.canonicalize() {
                return if real.starts_with(&self.root) {
                    Ok(resolved)
                } else {
                    Err(outside())
                };
            }
            match existing.parent() {
                Some(parent) => existing = parent,
                None => break,
            }
        }
        Ok(resolved)
    }

    /// A path relative to the workspace, with `/`.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect::<Vec<_>>()
            .join("/")
    }

    /// Writes a file, with where the stretches of its text came from.
    pub fn write(
        &self,
        path: &str,
        content: &[u8],
        executable: bool,
        pieces: Vec<Piece>,
    ) -> Result<(), String> {
        let target = self.resolve(path)?;
        let failed = |error: std::io::Error| format!("cannot write `{path}`: {error}");
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        if target.is_symlink() {
            std::fs::remove_file(&target).map_err(failed)?;
        }
        std::fs::write(&target, content).map_err(failed)?;
        set_executable(&target, executable).map_err(failed)?;
        let mut known = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(self.relative(&target), pieces);
        Ok(())
    }

    /// Makes a symbolic link that stays inside the workspace.
    pub(crate) fn link(&self, path: &str, target: &str) -> Result<(), String> {
        let place = self.resolve(path)?;
        let parent = Path::new(path)
            .parent()
            .map(|parent| parent.to_string_lossy().into_owned())
            .unwrap_or_default();
        self.resolve(format!("{parent}/{target}").trim_start_matches('/'))?;
        let failed = |error: std::io::Error| format!("cannot link `{path}`: {error}");
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::os::unix::fs::symlink(target, &place).map_err(failed)
    }

    /// Where the stretches of a file's text came from.
    pub(crate) fn pieces(&self, path: &str) -> Vec<Piece> {
        let known = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(path).cloned().unwrap_or_default()
    }

    /// All files below a path, sorted. Directories of symbolic links are not followed.
    pub fn files(&self, path: &str) -> Result<Vec<WorkspaceFile>, String> {
        let start = self.resolve(path)?;
        let mut files = Vec::new();
        self.collect(&start, &mut files)
            .map_err(|error| format!("cannot read `{path}`: {error}"))?;
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(files)
    }

    fn collect(&self, path: &Path, files: &mut Vec<WorkspaceFile>) -> std::io::Result<()> {
        let metadata = std::fs::symlink_metadata(path)?;
        if metadata.is_dir() {
            for entry in std::fs::read_dir(path)? {
                let entry = entry?;
                if entry.file_name() != ".git" {
                    self.collect(&entry.path(), files)?;
                }
            }
            return Ok(());
        }
        let symlink = metadata.is_symlink();
        let content = if symlink {
            std::fs::read_link(path)?
                .to_string_lossy()
                .into_owned()
                .into_bytes()
        } else {
            std::fs::read(path)?
        };
        let executable = !symlink && is_executable(&metadata);
        files.push(WorkspaceFile {
            path: self.relative(path),
            content,
            executable,
            symlink,
        });
        Ok(())
    }
}

fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

fn set_executable(path: &Path, executable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = if executable { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_workspace() {
        let directory = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(&directory.path().join("w")).unwrap();
        std::os::unix::fs::symlink("/etc", workspace.root().join("out")).unwrap();
        for (path, allowed) in [
            ("a/b", true),
            ("./a/../b", true),
            ("../x", false),
            ("a/../../x", false),
            ("/etc/passwd", false),
            ("out/passwd", false),
        ] {
            assert_eq!(workspace.resolve(path).is_ok(), allowed, "{path}");
        }
    }
}
