//! Where everything lies below the data directory.

use std::path::{Path, PathBuf};

/// The data directory, absolute.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    root: PathBuf,
    named: bool,
}

/// The data directory when none is named.
const DEFAULT: &str = ".pave";

impl Place {
    pub(crate) fn new(data: Option<&Path>) -> anyhow::Result<Self> {
        let named = data.is_some();
        let data = data.unwrap_or(Path::new(DEFAULT));
        let root = std::path::absolute(data)
            .map_err(|error| anyhow::anyhow!("cannot resolve `{}`: {error}", data.display()))?;
        Ok(Self { root, named })
    }

    /// Whether somebody named the directory, rather than take the default.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// Makes the directory. Others may pass through to what they own, the database servers, and see nothing.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(&self.root)
            .and_then(|()| std::fs::set_permissions(&self.root, std::fs::Permissions::from_mode(0o711)))
            .map_err(|error| {
                anyhow::anyhow!(
                    "cannot make the data directory `{}`: {error}",
                    self.root.display()
                )
            })
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

    /// Token by which the platform itself reads repositories.
    pub(crate) fn reader_token(&self) -> PathBuf {
        self.keys().join("reader.token")
    }

    /// Password that the forge shows to the portal's webhook.
    pub(crate) fn webhook_secret(&self) -> PathBuf {
        self.keys().join("webhook.secret")
    }

    /// Definitions, runs and logs of the pipelines.
    pub(crate) fn pipelines(&self) -> PathBuf {
        self.root.join("pipelines")
    }

    /// Private copies of repositories that templates read from.
    pub(crate) fn mirrors(&self) -> PathBuf {
        self.root.join("mirrors")
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
