//! The activity log: who wrote what, under which correlation id, and how it went.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Arm;
use super::reply::Reply;
use super::request::Call;
use crate::error::ArmError;
use crate::kinds;
use crate::store::{Activity, ActivityFilter};

impl Arm {
    /// Writes a request that would change something into the log.
    pub(crate) async fn record(&self, call: &Call, request: &str, result: &Result<Reply, ArmError>) {
        if matches!(call.method, Method::GET | Method::HEAD) || call.lower.len() < 3 {
            return;
        }
        let (resource, action) = subject(call);
        let (status, code, message) = match result {
            Ok(reply) if reply.status() == StatusCode::ACCEPTED => ("Accepted", "Accepted".to_owned(), ""),
            Ok(reply) => (
                "Succeeded",
                reply.status().canonical_reason().unwrap_or("OK").replace(' ', ""),
                "",
            ),
            Err(error) => ("Failed", error.code.to_owned(), error.message.as_str()),
        };
        let entry = Activity {
            operation: request.to_owned(),
            status: status.to_owned(),
            code,
            message: message.to_owned(),
            ..Activity::now(&call.caller.name, &call.correlation, &action, &resource)
        };
        let kept = self
            .engine
            .store
            .write(move |transaction| entry.insert(transaction))
            .await;
        if let Err(error) = kept {
            tracing::warn!(%error, "an entry of the activity log was not kept");
        }
    }

    /// `GET …/providers/Microsoft.Insights/eventtypes/management/values`.
    pub(crate) async fn activity(&self, call: &Call) -> Result<Reply, ArmError> {
        if call.method != Method::GET {
            return Err(call.method_not_allowed());
        }
        let text = call.query.get("$filter").map(String::as_str).unwrap_or_default();
        let filter = self.read_filter(text)?;
        let found = self
            .engine
            .store
            .read(move |connection| Activity::select(connection, &filter))
            .await?;
        let mut shown = Vec::new();
        for entry in found {
            if self.may_see(&call.caller, &entry.resource.to_lowercase()).await {
                shown.push(self.entry(&entry));
            }
        }
        Ok(Reply::list(&shown))
    }

    fn read_filter(&self, text: &str) -> Result<ActivityFilter, ArmError> {
        let mut filter = ActivityFilter::default();
        for clause in clauses(text) {
            let (field, operator, value) = clause?;
            match (field.to_lowercase().as_str(), operator.as_str()) {
                ("eventtimestamp", "ge" | "gt") => filter.since = moment(&value)?,
                ("eventtimestamp", "le" | "lt") => filter.until = moment(&value)?,
                ("correlationid", "eq") => filter.correlation = value,
                ("status", "eq") => filter.status = value,
                ("caller", "eq") => filter.caller = value,
                ("resourceprovider", "eq") => filter.namespace = value,
                ("resourceuri" | "resourceid", "eq") => filter.below = value.to_lowercase(),
                ("resourcegroupname", "eq") => {
                    let subscription = self.options.subscription;
                    filter.below = format!(
                        "/subscriptions/{subscription}/resourcegroups/{}",
                        value.to_lowercase()
                    );
                }
                ("eventchannels" | "levels", _) => {}
                (field, operator) => {
                    let message = format!("The filter '{field} {operator}' is not understood here.");
                    return Err(ArmError::bad_request("BadRequest", message));
                }
            }
        }
        Ok(filter)
    }

    fn entry(&self, entry: &Activity) -> Value {
        let named = |value: &str| json!({ "value": value, "localizedValue": value });
        let kind = kinds::type_of(&entry.resource);
        let namespace = kinds::namespace_of(&entry.resource);
        let group = entry.resource.split('/').nth(4).unwrap_or_default();
        let failed = entry.status == "Failed";
        json!({
            "id": format!("{}/events/{}", entry.resource, entry.id),
            "eventDataId": entry.id,
            "correlationId": entry.correlation,
            "operationId": entry.operation,
            "operationName": named(&entry.action),
            "eventName": named("EndRequest"),
            "category": named("Administrative"),
            "status": named(&entry.status),
            "subStatus": named(&entry.code),
            "level": if failed { "Error" } else { "Informational" },
            "caller": entry.caller,
            "claims": { "name": entry.caller },
            "authorization": { "action": entry.action, "scope": entry.resource },
            "eventTimestamp": entry.at,
            "submissionTimestamp": entry.at,
            "resourceId": entry.resource,
            "resourceGroupName": group,
            "resourceProviderName": named(&namespace),
            "resourceType": named(&kind),
            "subscriptionId": self.options.subscription,
            "tenantId": self.options.tenant,
            "description": "",
            "properties": { "statusCode": entry.code, "statusMessage": entry.message },
        })
    }
}

/// Which resource a request writes, and how the log calls it.
fn subject(call: &Call) -> (String, String) {
    let parts = &call.parts;
    let at = call.lower.iter().rposition(|part| part == "providers");
    // After the name space types and names take turns: a last type without a name is an action.
    let is_action = call.method == Method::POST && at.is_some_and(|at| (parts.len() - at) % 2 == 1);
    let last = usize::from(is_action);
    let resource = format!("/{}", parts[..parts.len() - last].join("/"));
    let kind = kinds::type_of(&resource);
    let verb = match call.method {
        Method::DELETE => "delete".to_owned(),
        Method::POST => {
            let name = parts.last().map(String::as_str).unwrap_or_default();
            format!("{name}/action")
        }
        _ => "write".to_owned(),
    };
    (resource, format!("{kind}/{verb}"))
}

/// `a eq 'b' and c ge 'd'`, as field, operator and value.
fn clauses(text: &str) -> Vec<Result<(String, String, String), ArmError>> {
    let mut found = Vec::new();
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    let mut pieces = Vec::new();
    while let Some(at) = lower[from..].find(" and ") {
        pieces.push(&text[from..from + at]);
        from += at + 5;
    }
    pieces.push(&text[from..]);
    for piece in pieces
        .into_iter()
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
    {
        let words: Vec<&str> = piece.splitn(3, ' ').collect();
        found.push(if let [field, operator, value] = words.as_slice() {
            Ok((
                (*field).to_owned(),
                operator.to_lowercase(),
                value.trim().trim_matches('\'').to_owned(),
            ))
        } else {
            let message = format!("The filter '{piece}' is not understood; write `correlationId eq 'id'`.");
            Err(ArmError::bad_request("BadRequest", message))
        });
    }
    found
}

/// A moment as the log writes it, so that comparing text compares time.
fn moment(text: &str) -> Result<String, ArmError> {
    let refuse = || {
        let message = format!("'{text}' is not a time; write one such as '2026-01-31T12:00:00Z'.");
        ArmError::bad_request("BadRequest", message)
    };
    let zoned: Result<jiff::Timestamp, _> = text.parse();
    let zoned = zoned.or_else(|_| format!("{text}Z").parse());
    zoned.map(pave_runtime::clock::to_rfc3339).map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_taken_apart() {
        let text = "eventTimestamp ge '2026-01-31T12:00:00Z' AND correlationId eq 'abc'";
        let found: Vec<_> = clauses(text).into_iter().map(Result::unwrap).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], ("correlationId".into(), "eq".into(), "abc".into()));
        assert!(clauses("nonsense")[0].is_err());
        assert!(clauses("").is_empty());
        assert!(moment("2026-01-31T12:00:00.0000000Z").is_ok());
        assert!(moment("2026-01-31T12:00:00").is_ok());
        assert!(moment("yesterday").is_err());
    }
}
