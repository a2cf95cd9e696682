//! Source hosts, as Backstage's integrations see them: which host a URL belongs to, what repository, version and
//! path it names, with which credential it is read, and how a relative URL goes on from it.
//!
//! What it must not do: know which host is ours. The embedded forge is an `integrations.azure` entry like any
//! other, told apart by host and port.
//!
//! Files of this machine, which a configuration may name in place of a repository, are [`LocalFiles`]' alone: no URL leads
//! to them.
//!
//! Start at [`Integrations`] for what is pure, [`Reader`] with [`HostReader`] for reading over the wire, and
//! [`devops::DevOps`] for everything else that Azure DevOps' REST API is asked for.

mod azure;
mod config;
pub mod devops;
mod error;
mod files;
mod github;
mod glob;
mod location;
mod reader;
mod repository;
mod tips;
mod trust;

pub use config::{Integrations, Provider};
pub use error::HostsError;
pub use files::{FilesError, LocalFile, LocalFiles, absolute, folder_of};
pub use location::{RepositoryLocation, Version};
pub use reader::{HostReader, ReadFile, ReadTree, Reader, TreeFile};
pub use trust::{git_authorities, http_client};

#[cfg(test)]
mod tests;
