use pave_store::StoreError;

/// Why the scaffolder could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ScaffolderError {
    /// There is no such task.
    #[error("No task with id '{0}' found")]
    NoTask(String),
    /// The task is not in a state in which that can be done.
    #[error("task {id} is {status}; {why}")]
    WrongState {
        /// Task.
        id: String,
        /// How it stands.
        status: String,
        /// What would have to be so.
        why: &'static str,
    },
    /// The entity is not a template that can be run.
    #[error(transparent)]
    Template(#[from] pave_template::template::TemplateError),
    /// A reference does not name an entity.
    #[error(transparent)]
    Reference(#[from] pave_names::EntityRefError),
    /// The database failed.
    #[error("the scaffolder's database failed")]
    Store(#[from] StoreError),
    /// The journal failed.
    #[error("the road journal failed")]
    Journal(#[from] pave_journal::JournalError),
    /// Sealing or opening secrets failed.
    #[error("secrets of the task cannot be sealed or opened")]
    Keys(#[from] pave_keys::KeysError),
    /// The client for hosts cannot be made.
    #[error("hosts cannot be called")]
    Hosts(#[from] pave_hosts::HostsError),
    /// A stored value cannot be read.
    #[error("a stored {what} cannot be read")]
    Stored {
        /// What it is.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The workspace cannot be made or read.
    #[error("the workspace cannot be used: {action}")]
    Workspace {
        /// What was attempted.
        action: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl ScaffolderError {
    /// Whether the disk is full: nothing is lost, and the same call may go through later.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_full())
    }
}
