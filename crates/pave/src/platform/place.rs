//! Where everything lies below the data directory.

use std::path::{Path, PathBuf};

/// The data directory, absolute.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    root: PathBuf,
}

impl Place {
    pub(crate) fn new(data: &Path) -> anyhow::Result<Self> {
        let root = std::path::absolute(data)
            .map_err(|error| anyhow::anyhow!("cannot resolve `{}`: {error}", data.display()))?;
        Ok(Self { root })
    }

    /// Makes the directory, for its owner only.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.root)
            .map_err(|error| anyhow::anyhow!("cannot make the data directory `{}`: {error}", self.root.display()))
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    pub(crate) fn identities(&self) -> PathBuf {
        self.keys().join("identities.db")
    }

    /// Token of the person who runs the platform, for this command line only.
    pub(crate) fn token(&self) -> PathBuf {
        self.keys().join("portal.token")
    }

    /// Secret of the service principal by which the platform works in the local cloud.
    pub(crate) fn cloud_secret(&self) -> PathBuf {
        self.keys().join("azure.secret")
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.root.join("kubeconfig")
    }

    pub(crate) fn portal_database(&self) -> PathBuf {
        self.root.join("portal.db")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal.db")
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.root.join("catalog.db")
    }

    pub(crate) fn scaffolder(&self) -> PathBuf {
        self.root.join("scaffolder")
    }

    pub(crate) fn checkouts(&self) -> PathBuf {
        self.root.join("checkouts")
    }

    pub(crate) fn cluster(&self) -> PathBuf {
        self.root.join("cluster")
    }

    pub(crate) fn forge(&self) -> PathBuf {
        self.root.join("forge")
    }

    pub(crate) fn azure(&self) -> PathBuf {
        self.root.join("azure")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn instance(&self) -> PathBuf {
        self.root.join("instance.json")
    }
}
