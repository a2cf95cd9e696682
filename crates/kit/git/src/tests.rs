//! Against bare repositories on disk, through the `file` transport.

mod names;
mod publishing;
mod reading;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use url::Url;

use crate::{Change, Program, Pushed, Remote, Signature, commit_and_push};

/// A remote repository and a place to work, both gone when it is dropped.
struct Scene {
    root: TempDir,
    remote: Remote,
}

impl Scene {
    async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let bare = root.path().join("remote.git");
        crate::program::init_bare(&bare).await.unwrap();
        let remote = Remote::new(Url::from_file_path(&bare).unwrap());
        Self { root, remote }
    }

    fn bare(&self) -> PathBuf {
        self.root.path().join("remote.git")
    }

    fn work(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    async fn push(&self, work: &str, message: &str, changes: &[Change], step: Option<&str>) -> Pushed {
        commit_and_push(
            &self.work(work),
            &self.remote,
            "main",
            &alice(),
            message,
            changes,
            step,
        )
        .await
        .unwrap()
    }

    async fn remote_git(&self, arguments: &[&str]) -> String {
        git(&self.bare(), arguments).await
    }
}

async fn git(directory: &Path, arguments: &[&str]) -> String {
    let printed = Program::new(directory).run(arguments, b"").await.unwrap();
    String::from_utf8(printed).unwrap().trim().to_owned()
}

fn alice() -> Signature {
    Signature::new("Alice", "alice@example.com")
}
