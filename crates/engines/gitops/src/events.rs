use std::sync::Arc;

use pave_kube::{EventKind, emit_event};
use serde_json::Value;

use crate::REPORTER;
use crate::engine::Engine;
use crate::sites::Site;

/// Writes an event beside the work: nobody waits for it, and its loss is no failure.
pub(crate) fn emit(
    engine: &Arc<Engine>,
    regarding: &Arc<Value>,
    kind: EventKind,
    reason: &'static str,
    message: String,
) {
    emit_at(engine, None, regarding, kind, reason, message);
}

/// The same about an object of another cluster, in that cluster.
pub(crate) fn emit_at(
    engine: &Arc<Engine>,
    site: Option<&Site>,
    regarding: &Arc<Value>,
    kind: EventKind,
    reason: &'static str,
    message: String,
) {
    let client = site.map_or(&engine.client, |site| site.kinds.client()).clone();
    let regarding = Arc::clone(regarding);
    engine.tasks.spawn("gitops event", async move {
        if let Err(error) = emit_event(&client, &regarding, kind, reason, &message, REPORTER).await {
            tracing::debug!(%error, reason, "an event was not written");
        }
    });
}
