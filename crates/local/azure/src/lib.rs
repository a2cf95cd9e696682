//! The local cloud: Azure Resource Manager and Entra ID on this machine, with real PostgreSQL servers behind them.
//!
//! It speaks to unmodified clients (azurerm, the Azure SDKs, az) and keeps ARM's habits: exact status codes,
//! long-running operations, error bodies. Everything accepted is durable before it is acknowledged and is completed
//! after any crash; servers outlive this process and are adopted again. It must not know who calls it from inside
//! Pave, and no secret ever stands in its tables in clear, in an answer or in a log.
//!
//! Start at [`Azure::open`] and [`Azure::router`]. `arm` turns requests into rows, `engine` turns rows into servers,
//! `postgresql` knows how a server is run, `blob` is the
//! data plane of storage accounts, `documents` how everything looks to a client.

mod arm;
mod azure;
mod blob;
mod caller;
mod documents;
mod engine;
mod entra;
mod error;
mod kinds;
mod metadata;
mod options;
mod postgresql;
mod store;

pub use azure::{Azure, ServerStatus, stop_servers_below};
pub use blob::STORAGE_NAMES;
pub use error::AzureError;
pub use options::{Fault, FaultHook, Options, POSTGRESQL_PORT, ServicePrincipal};
pub use postgresql::account::reachable_database_directory;
