//! What the scaffolder needs of the world.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use pave_auth::Principal;
use pave_diagnostic::Diagnostic;
use pave_git::Credential;
use pave_journal::Journal;
use pave_keys::Sealer;
use pave_names::EntityRef;
use serde_json::Value;
use url::Url;

use crate::action::Action;
use crate::model::PlannedFile;

/// What the scaffolder needs.
#[derive(Clone)]
pub struct Context {
    /// Directory of `scaffolder.db` and of private copies of repositories.
    pub data: PathBuf,
    /// Directory of the tasks' workspaces.
    pub workspaces: PathBuf,
    /// Reads files and trees from hosts.
    pub reader: Arc<dyn SourceReader>,
    /// Credentials for Git.
    pub credentials: Arc<dyn Credentials>,
    /// The catalog.
    pub catalog: Arc<dyn CatalogLookup>,
    /// Asked before anything is committed.
    pub gate: Arc<dyn PublishGate>,
    /// The journal of roads.
    pub journal: Journal,
    /// Seals secrets and step outputs at rest.
    pub sealer: Sealer,
    /// A PEM file with an authority that is trusted besides the system's.
    pub authority: Option<PathBuf>,
    /// Actions besides the built-in ones.
    pub actions: Vec<Arc<dyn Action>>,
    /// Settings.
    pub defaults: Defaults,
    /// Asked at named points of a run; true stops the run there as a crash would. For tests of recovery.
    pub interrupt: Option<Interrupt>,
}

/// Asked with the name of a point of a run, such as `began <step>`; true stops there.
pub type Interrupt = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Settings, as `scaffolder:` in the configuration has them.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// `defaultAuthor`: name and mail address for commits of those who have none.
    pub author: (String, String),
    /// `defaultCommitMessage`.
    pub commit_message: String,
    /// `defaultEnvironment`: `{parameters, secrets}`.
    pub environment: Value,
    /// `concurrentTasksLimit`.
    pub concurrency: usize,
    /// `taskTimeout`: a task whose worker has not been heard of for that long is not taken up again.
    pub task_timeout: Duration,
    /// Refuses unknown inputs as newer Backstage does, instead of dropping them with a warning.
    pub strict_inputs: bool,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            author: ("Scaffolder".to_owned(), "scaffolder@backstage.io".to_owned()),
            commit_message: "Initial commit".to_owned(),
            environment: serde_json::json!({ "parameters": {}, "secrets": {} }),
            concurrency: 10,
            task_timeout: Duration::from_secs(24 * 60 * 60),
            strict_inputs: false,
        }
    }
}

/// A file as a host has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// Path below the URL that was read, with `/`.
    pub path: String,
    /// Content; of a symbolic link its target.
    pub content: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
    /// Whether it is a symbolic link.
    pub symlink: bool,
}

/// Reads from hosts. Errors are sentences for people.
pub trait SourceReader: Send + Sync {
    /// All files below a URL.
    fn read_tree<'a>(
        &'a self,
        principal: &'a Principal,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SourceFile>, String>>;

    /// One file.
    fn read_file<'a>(
        &'a self,
        principal: &'a Principal,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, String>>;

    /// A URL that may be relative, against the URL of a file.
    fn resolve(&self, base: &str, url: &str) -> Result<String, String>;
}

/// Knows what to show to a Git host on a person's behalf.
pub trait Credentials: Send + Sync {
    /// The credential for a remote; `None` to go without.
    fn credential<'a>(
        &'a self,
        principal: &'a Principal,
        remote: &'a Url,
    ) -> BoxFuture<'a, Result<Option<Credential>, String>>;
}

/// What a registration brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// The entity to show: the first component, else the first entity that was not generated.
    pub entity_ref: Option<String>,
}

/// What the scaffolder asks of the catalog.
pub trait CatalogLookup: Send + Sync {
    /// An entity by its reference.
    fn entity<'a>(&'a self, reference: &'a EntityRef) -> BoxFuture<'a, Result<Option<Value>, String>>;

    /// Registers a location; one that exists already is no error.
    fn register<'a>(
        &'a self,
        principal: &'a Principal,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Registered, String>>;
}

/// Says whether a person may publish files, before they are committed.
pub trait PublishGate: Send + Sync {
    /// Refuses with the reasons.
    fn check<'a>(
        &'a self,
        principal: &'a Principal,
        repository: &'a str,
        branch: &'a str,
        files: &'a [PlannedFile],
    ) -> BoxFuture<'a, Result<(), Vec<Diagnostic>>>;
}
