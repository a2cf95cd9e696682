use std::sync::Arc;

use pave_kube::{EventKind, emit_event};
use serde_json::Value;

use crate::REPORTER;
use crate::engine::Engine;

/// Writes an event beside the work: nobody waits for it, and its loss is no failure.
pub(crate) fn emit(
    engine: &Arc<Engine>,
    regarding: &Arc<Value>,
    kind: EventKind,
    reason: &'static str,
    message: String,
) {
    let (client, regarding) = (engine.client.clone(), Arc::clone(regarding));
    engine.tasks.spawn("gitops event", async move {
        if let Err(error) = emit_event(&client, &regarding, kind, reason, &message, REPORTER).await {
            tracing::debug!(%error, reason, "an event was not written");
        }
    });
}
