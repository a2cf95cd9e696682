//! From claims to resources: Crossplane's part of the road.
//!
//! Reads XRDs, Compositions, claims and composite resources from a Kubernetes API, asks `pave-composite` what they
//! mean, and writes what follows. Everything is driven by watches; a slow resync is only a safety net. It knows
//! nothing of Azure, Git or the portal, nor which cluster answers, and it spawns only through the task registry.
//!
//! Each write has its durable intent before it: a claim names its composite resource before that is created, and a
//! composite resource lists what it composes before any of it is created. All names follow from UIDs. Whatever is
//! interrupted therefore converges after a restart without a second copy of anything.
//!
//! Start at [`run`], then `composite::reconcile` and `claim::reconcile`.

mod applier;
mod claim;
mod cluster;
mod composite;
mod definition;
mod error;
mod events;
mod hub;
mod queue;
mod revision;
mod secret;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use pave_runtime::Tasks;

use crate::cluster::Cluster;
use crate::hub::Hub;

/// What the engine needs.
#[derive(Clone)]
pub struct Context {
    /// The control plane.
    pub client: kube::Client,
}

/// Starts the engine: installs Crossplane's CRDs, then runs its controllers until the tasks are shut down.
pub async fn run(context: Context, tasks: Tasks) {
    let hub = Arc::new(Hub::new(Cluster::new(context.client), tasks.clone()));
    let token = tasks.token();
    // Without its own kinds the engine cannot do anything, so it waits here for as long as it takes.
    while let Err(error) = cluster::install_crds(&hub.cluster).await {
        tracing::warn!(%error, "cannot install the kinds of the composition engine yet");
        tokio::select! {
            () = token.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
    revision::start(&hub);
    definition::start(&hub);
    secret::start(&hub);
}
