//! Git, by the installed `git` program.
//!
//! What it is for: keeping a private copy of a remote repository ([`Mirror`]), reading files, history and
//! differences out of it without a checkout, and adding a commit to a remote branch without a checkout
//! ([`commit_and_push`]), exactly once.
//!
//! What it must not do: show a credential in an argument, URL, log line or error; read the configuration of
//! the person or the machine it runs on; know which host (Azure DevOps, GitHub, our own forge) is at the other
//! end.
//!
//! Start at [`Mirror`] for reading (or [`Objects`] for a repository that is at home here), [`commit_and_push`] for writing, and `program` for how a process is run.

mod build;
mod error;
mod history;
mod mirror;
mod name;
mod objects;
mod program;
mod publish;
mod remote;
mod stderr;
mod tidy;
mod tree;

pub use build::{Change, Signature, build_commit};
pub use error::GitError;
pub use history::{ChangeKind, CommitInfo, PathChange, trailers};
pub use mirror::Mirror;
pub use name::{Commit, RefName, check_path};
pub use objects::Objects;
pub use program::{Program, init_bare, installed_version};
pub use publish::{Pushed, STEP_TRAILER, commit_and_push};
pub use remote::{Credential, Remote};
pub use tree::{EntryKind, TreeEntry};

#[cfg(test)]
mod tests;
