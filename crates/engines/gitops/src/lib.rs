//! Git to cluster: the part that Argo CD's application controller plays.
//!
//! Watches `Application`s and keeps what they name as Git says: fetch, render, compare, sync, prune, heal, and write
//! status as upstream does. What is thought stands in `pave-manifest`; here it is fetched for and acted on. The
//! engine knows neither which host serves Git nor which clusters answer, and nothing of the engines that act on
//! what it applies. An event (webhook, watch) only makes it look sooner: the last revision it acted on stands in the
//! Application's status and is compared at start and every two minutes.
//!
//! Start at [`run`]; `worker` is the loop of one Application, `compare` and `sync` its two halves.

mod automation;
mod compare;
mod conditions;
mod deletion;
mod engine;
mod events;
mod explain;
mod live;
mod mailbox;
mod objects;
mod operation;
mod render;
mod repositories;
mod sites;
mod status;
mod sync;
mod worker;

pub use engine::{ClientFor, Context, GitopsHandle, WebhookReply, run};
pub use repositories::{Credentials, NoCredentials};

/// Field manager under which objects are applied, as upstream.
pub const FIELD_MANAGER: &str = "argocd-controller";
/// Name under which events are reported, as upstream.
pub(crate) const REPORTER: &str = "argocd-application-controller";
