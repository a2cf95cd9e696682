//! The small azurerm: Terraform's plugin protocol on one side, Azure Resource Manager on the other, and what makes
//! `terraform init` find it on this machine.
//!
//! The provider keeps no state and invents nothing: what a resource is stands in `pave_azure::azurerm`, and every
//! change is a REST call to the endpoint that the configuration names. It must not know that this endpoint is ours.
//! Start at [`serve_provider`] for the process that Terraform starts, and at [`write_mirror`] for how it finds it.

mod cli;
mod error;
mod handshake;
mod mirror;
mod msgpack;
mod protocol;
mod provider;
mod serve;

pub use cli::cli_config;
pub use error::TerraformError;
pub use mirror::{BINARY, Mirror, write_mirror};
pub use pave_azure::azurerm::{SWITCH, VERSIONS, check_lock_file, unsupported};
pub use serve::serve_provider;
