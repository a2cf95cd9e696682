//! Long-running operations as clients see them: how they are accepted, and how they are asked about.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use pave_runtime::clock;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Arm;
use super::reply::Reply;
use super::request::Call;
use crate::error::ArmError;
use crate::kinds;
use crate::store::{Operation, OperationKind, Stamp};

/// How long a question about a running operation is held back when its answer may change soon.
///
/// Clients that were told `Retry-After: 0` ask at once, hear of the end as it happens, and nobody spins. The hold has to
/// be long: Azure's SDK for Python takes a second `0` for "nothing said" and then waits for 30 seconds.
const HOLD: Duration = Duration::from_secs(20);

impl Call {
    /// A new operation, not yet stored.
    pub(crate) fn operation(
        &self,
        kind: OperationKind,
        lane: &str,
        resource: &str,
        location: &str,
    ) -> Operation {
        Operation {
            id: Uuid::new_v4().to_string(),
            lane: lane.to_owned(),
            resource: resource.to_owned(),
            kind,
            request: Value::Null,
            secret: None,
            status: "InProgress".to_owned(),
            message: String::new(),
            error: None,
            location: if location.is_empty() {
                "global".to_owned()
            } else {
                location.to_owned()
            },
            correlation: self.correlation.clone(),
            caller: self.caller.name.clone(),
            started_at: clock::rfc3339(),
            ended_at: None,
        }
    }

    /// Who does this now, keeping who made it.
    pub(crate) fn stamp(&self, before: Option<&Stamp>) -> Stamp {
        let now = clock::rfc3339();
        let (name, kind) = (self.caller.name.clone(), self.caller.kind.to_owned());
        Stamp {
            created_by: before.map_or_else(|| name.clone(), |before| before.created_by.clone()),
            created_by_type: before.map_or_else(|| kind.clone(), |before| before.created_by_type.clone()),
            created_at: before.map_or_else(|| now.clone(), |before| before.created_at.clone()),
            last_modified_by: name,
            last_modified_by_type: kind,
            last_modified_at: now,
        }
    }
}

impl Arm {
    /// `202 Accepted` with everything that the various clients want to know for asking again.
    pub(crate) fn accepted(&self, call: &Call, operation: &Operation) -> Reply {
        let body = json!({ "operation": operation.kind.as_str(), "startTime": operation.started_at });
        self.told(call, operation, StatusCode::ACCEPTED, body)
    }

    /// An answer with everything that the various clients want to know for asking how far an operation is.
    pub(crate) fn told(&self, call: &Call, operation: &Operation, status: StatusCode, body: Value) -> Reply {
        let namespace = kinds::namespace_of(&operation.resource);
        let url = |kind: &str| {
            format!(
                "{}/subscriptions/{}/providers/{namespace}/locations/{}/{kind}/{}?api-version={}",
                self.options.base_url,
                self.options.subscription,
                operation.location,
                operation.id,
                call.api_version()
            )
        };
        let mut reply = Reply::new(status, body);
        reply.set_header("azure-asyncoperation", url("operations"));
        reply.set_header("location", url("operationResults"));
        reply.set_header("retry-after", "0".to_owned());
        reply.set_header("x-go-azure-sdk-skip-polling-delay", "true".to_owned());
        reply
    }

    /// The operation, once it has ended or was waited for long enough.
    async fn await_operation(&self, id: &str) -> Result<Operation, ArmError> {
        let mut changes = self.engine.changes();
        let deadline = tokio::time::Instant::now() + HOLD;
        loop {
            let key = id.to_owned();
            let found = self
                .engine
                .store
                .read(move |connection| Operation::find(connection, &key))
                .await?;
            let Some(operation) = found else {
                let message = format!("The operation '{id}' is not known, or ended long ago.");
                return Err(ArmError::not_found("OperationNotFound", message));
            };
            let ended = operation.status != "InProgress";
            // What waits for a person will not end soon.
            if ended || !operation.message.is_empty() {
                return Ok(operation);
            }
            match tokio::time::timeout_at(deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                _ => return Ok(operation),
            }
        }
    }

    /// `GET …/operations/{id}`: how far it is.
    pub(crate) async fn operation(&self, call: &Call, id: &str) -> Result<Reply, ArmError> {
        only_get(call)?;
        let operation = self.await_operation(id).await?;
        let running = operation.status == "InProgress";
        let mut body = json!({
            "id": call.path,
            "name": operation.id,
            "status": operation.status,
            "startTime": operation.started_at,
            "percentComplete": if running { 50 } else { 100 },
        });
        if let Some(ended) = &operation.ended_at {
            body["endTime"] = json!(ended);
        }
        if let Some(error) = &operation.error {
            body["error"] = error.clone();
        }
        if operation.status == "Canceled" {
            body["error"] = json!({ "code": "OperationCanceled", "message": "a deletion came before it" });
        }
        if !operation.message.is_empty() {
            body["properties"] = json!({ "message": operation.message });
        }
        let mut reply = Reply::ok(body);
        if running {
            reply.set_header("retry-after", PAUSE.to_owned());
        }
        Ok(reply)
    }

    /// `GET …/operationResults/{id}`: 202 while it runs, then what came of it.
    pub(crate) async fn operation_result(&self, call: &Call, id: &str) -> Result<Reply, ArmError> {
        only_get(call)?;
        let operation = self.await_operation(id).await?;
        match operation.status.as_str() {
            "InProgress" => {
                let mut reply = self.accepted(call, &operation);
                reply.set_header("retry-after", PAUSE.to_owned());
                Ok(reply)
            }
            "Succeeded" if operation.kind.is_deletion() => Ok(Reply::empty(StatusCode::NO_CONTENT)),
            "Succeeded" => match self.show(&operation.resource).await? {
                Some(document) => Ok(Reply::ok(document)),
                None => Ok(Reply::empty(StatusCode::NO_CONTENT)),
            },
            _ => {
                let fallback = json!({ "code": "OperationCanceled", "message": "a deletion came before it" });
                let error = operation.error.unwrap_or(fallback);
                Ok(Reply::new(StatusCode::CONFLICT, json!({ "error": error })))
            }
        }
    }
}

fn only_get(call: &Call) -> Result<(), ArmError> {
    if call.method == Method::GET {
        Ok(())
    } else {
        Err(call.method_not_allowed())
    }
}

/// Seconds until it is worth asking again. Never `0` here, see [`HOLD`].
const PAUSE: &str = "1";
