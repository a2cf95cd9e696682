//! `Microsoft.ResourceHealth/availabilityStatuses`: whether a server can be used, and why not.

use axum::http::Method;
use pave_runtime::clock;
use serde_json::{Value, json};

use super::Arm;
use super::reply::Reply;
use super::request::Call;
use crate::error::ArmError;
use crate::store::{Resource, Server};

/// Name of the status that is true now; the only one that is kept.
pub(crate) const CURRENT: &str = "current";

impl Arm {
    /// The present status of a flexible server, alone or as a list of one.
    pub(crate) async fn server_health(&self, call: &Call, is_list: bool) -> Result<Reply, ArmError> {
        if call.method != Method::GET {
            return Err(call.method_not_allowed());
        }
        let key = call.server_key();
        let server = {
            let key = key.clone();
            self.engine
                .store
                .read(move |connection| Server::find(connection, &key))
                .await?
        };
        let (Some(server), Some(resource)) = (server, self.find(key).await?) else {
            return Err(self.server_not_found(call).await?);
        };
        let status = status(&resource, &server);
        Ok(if is_list {
            Reply::list(&[status])
        } else {
            Reply::ok(status)
        })
    }
}

fn status(resource: &Resource, server: &Server) -> Value {
    let now = clock::rfc3339();
    json!({
        "id": format!("{}/providers/Microsoft.ResourceHealth/availabilityStatuses/{CURRENT}", resource.canonical),
        "name": CURRENT,
        "type": "Microsoft.ResourceHealth/AvailabilityStatuses",
        "location": resource.body["location"],
        "properties": properties(&server.state, &server.reason, &now),
    })
}

fn properties(state: &str, reason: &str, now: &str) -> Value {
    let (availability, kind, words) = match state {
        "Ready" | "Updating" => ("Available", "", "There are no known problems with this server."),
        "Stopped" | "Stopping" => (
            "Unavailable",
            "Customer Initiated",
            "The server was stopped by somebody who may do so; start it to use it.",
        ),
        "Provisioning" | "Dropping" => ("Unknown", "", "The server is being made or deleted."),
        _ => ("Unavailable", "Unplanned", "The server does not run."),
    };
    // The reason that was noted says more than words about the state.
    let summary = if reason.is_empty() { words } else { reason };
    let mut properties = json!({
        "availabilityState": availability,
        "title": availability,
        "summary": summary,
        "reasonChronicity": if state == "Starting" { "Transient" } else { "Persistent" },
        "occurredTime": now,
        "reportedTime": now,
    });
    if !kind.is_empty() {
        properties["reasonType"] = json!(kind);
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_words() {
        let check = |state: &str, reason: &str, expected: [&str; 3]| {
            let found = properties(state, reason, "now");
            let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
            let told = [text("availabilityState"), text("reasonType"), text("summary")];
            assert!(told[2].contains(expected[2]), "{state}: {told:?}");
            assert_eq!(told[..2], expected[..2], "{state}");
        };
        check("Ready", "", ["Available", "", "no known problems"]);
        check(
            "Stopped",
            "",
            ["Unavailable", "Customer Initiated", "was stopped"],
        );
        check(
            "Inaccessible",
            "initdb is missing",
            ["Unavailable", "Unplanned", "initdb is missing"],
        );
        check("Starting", "it ended", ["Unavailable", "Unplanned", "it ended"]);
        check("Provisioning", "", ["Unknown", "", "being made"]);
    }
}
