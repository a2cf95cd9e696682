//! Managed resources to the outside world: keeps Azure as the objects of the Kubernetes API say.
//!
//! Each managed resource goes through Crossplane's loop: resolve references, observe, create, update or delete,
//! publish connection details, report conditions. The engine reads and writes Kubernetes objects and calls ARM
//! at whatever endpoint a `ProviderConfig` names; it must not know who answers there. What a resource looks like
//! in ARM stands in `pave-azure`. Start at [`run`], then at `round`, one pass over one object.

mod cache;
mod chores;
mod conditions;
mod connect;
mod engine;
mod failure;
mod install;
mod live;
mod memory;
mod plan;
mod queue;
mod references;
mod removal;
mod round;
mod secrets;
#[cfg(test)]
mod tests;
mod usage;
mod watch;

use std::time::Duration;

use pave_runtime::Tasks;

/// What the engine needs and cannot choose itself.
#[derive(Clone)]
pub struct Context {
    /// The Kubernetes API that holds the managed resources.
    pub client: kube::Client,
    /// How ARM and its token authority are reached; it must trust their certificates.
    pub http: reqwest::Client,
}

/// What the engine can be told, and otherwise chooses itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often a resource that is as wanted is compared with Azure again. A shorter time heals drift sooner and
    /// costs one request per resource.
    pub poll: Duration,
    /// Wait after the first failure of a resource; it doubles with each further one.
    pub first_retry: Duration,
    /// Longest wait after a failure.
    pub last_retry: Duration,
    /// How many resources are worked on at a time.
    pub concurrency: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(60),
            first_retry: Duration::from_secs(1),
            last_retry: Duration::from_secs(30),
            concurrency: 64,
        }
    }
}

/// Starts the engine in the background: installs its CRDs, then reconciles until the tasks end.
pub async fn run(context: Context, tasks: Tasks) {
    run_with(context, Settings::default(), tasks).await;
}

/// As [`run`], with other settings.
#[cfg_attr(
    not(test),
    expect(clippy::unused_async, reason = "engines are started alike, and others await")
)]
pub async fn run_with(context: Context, settings: Settings, tasks: Tasks) {
    let spawner = tasks.clone();
    tasks.spawn("providers", async move {
        engine::start(context, settings, spawner).await;
    });
}
