//! The front door: HTTP APIs, sign-in, and the web pages.
//!
//! Handlers translate and call; what happens is decided in the engines and in the cluster's RBAC. The portal reads the
//! cluster through clients that act as the person who asks. Start at [`open`].

mod audit;
mod backstage;
mod context;
mod dialect;
mod error;
mod gate;
mod hosts;
mod live;
mod mount;
mod own;
mod pages;
mod session;
mod webhook;

pub use context::{Addresses, ClientFor, Configuration, Context, Integration, IntegrationCredential};
pub use gate::Gate;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use pave_runtime::Tasks;
use pave_store::StoreError;

use crate::context::Portal;

/// Largest request body: a dry run carries a directory.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// Opens the portal and gives what it serves.
///
/// # Errors
/// When its database cannot be opened.
pub fn open(context: Context, tasks: &Tasks) -> Result<Router, StoreError> {
    let portal = Portal::open(context, tasks)?;
    let routes = Router::new()
        .merge(session::routes())
        .merge(own::routes())
        .merge(backstage::routes())
        .merge(webhook::routes())
        .route("/healthz", axum::routing::get(|| async { "ok" }))
        .fallback(pages::page)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(portal.clone(), session::guard))
        .layer(from_fn(dialect::speak))
        .with_state(portal.clone());
    Ok(mount::mount(routes, &portal.configuration, &portal.addresses))
}
