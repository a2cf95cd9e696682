//! The embedded forge: bare Git repositories behind Azure DevOps' URLs.
//!
//! What it is for: `git clone` and `git push` over smart HTTP, the Git part of the Azure DevOps REST API with pull
//! requests and branch policies, and service hooks that tell others about them. What a person may read and push is
//! decided by the authorizer it is given, path by path. Other areas of the API (`build`, `pipelines`, …) are
//! answered by its neighbours, behind the same listener.
//!
//! What it must not do: know who listens to its hooks, look into what is pushed, or let any change of a
//! reference pass by `receive`: smart HTTP and REST meet there, so that every push is authorized before it is
//! visible, on disk before it is acknowledged, and announced at least once, whatever happens in between.
//!
//! Start at [`Forge`], then `receive`, then `pull`.

mod access;
mod changes;
mod error;
mod event;
mod forge;
mod hook;
mod job;
mod neighbours;
mod outbox;
mod page;
mod pull;
mod receive;
mod repository;
mod rest;
mod route;
mod smart;
mod store;

pub use error::ForgeError;
pub use forge::{Forge, Options};
pub use pave_git::Change;
pub use repository::Repository;

#[cfg(test)]
mod tests;
