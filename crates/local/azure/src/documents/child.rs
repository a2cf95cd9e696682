use std::net::Ipv4Addr;

use pave_azure::names;
use serde_json::{Value, json};

use super::{fill, writable};
use crate::error::ArmError;

/// The document of a database that was asked for.
pub(crate) fn database(name: &str, request: &Value, existing: Option<&Value>) -> Result<Value, ArmError> {
    names::check_database(name)
        .map_err(|error| ArmError::name("InvalidParameterValue", "databaseName", &error))?;
    let mut body = writable(request);
    fill(&mut body, &json!({ "properties": {} }));
    let defaults = existing.map_or_else(
        || json!({ "charset": "UTF8", "collation": "en_US.utf8" }),
        |body| body["properties"].clone(),
    );
    fill(&mut body["properties"], &defaults);
    for field in ["charset", "collation"] {
        let wanted = body["properties"][field].as_str().unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
        if wanted.is_empty() || !wanted.chars().all(allowed) {
            return Err(invalid(
                &format!("properties.{field}"),
                &format!("`{wanted}` is not a {field}"),
            ));
        }
        let before = existing.and_then(|body| body["properties"][field].as_str());
        if before.is_some_and(|before| !before.eq_ignore_ascii_case(wanted)) {
            let message = format!("the {field} of a database cannot be changed; delete it and make it again");
            return Err(invalid(&format!("properties.{field}"), &message));
        }
    }
    Ok(body)
}

/// The document of a firewall rule that was asked for.
pub(crate) fn firewall_rule(name: &str, request: &Value) -> Result<Value, ArmError> {
    names::check_firewall_rule(name)
        .map_err(|error| ArmError::name("InvalidParameterValue", "firewallRuleName", &error))?;
    let body = writable(request);
    let address = |field: &str| -> Result<Ipv4Addr, ArmError> {
        let text = body["properties"][field].as_str().unwrap_or_default();
        text.parse().map_err(|_| {
            invalid(
                &format!("properties.{field}"),
                &format!("`{text}` is not an IPv4 address"),
            )
        })
    };
    let (first, last) = (address("startIpAddress")?, address("endIpAddress")?);
    if first > last {
        let message = format!("the range ends at `{last}`, before its begin `{first}`");
        return Err(invalid("properties.endIpAddress", &message));
    }
    Ok(body)
}

/// The document of an administrator from Entra that was asked for. Kept, though nobody can log in with it here.
pub(crate) fn administrator(name: &str, request: &Value) -> Result<Value, ArmError> {
    if uuid::Uuid::parse_str(name).is_err() {
        return Err(invalid("objectId", &format!("`{name}` is not an object id")));
    }
    let mut body = writable(request);
    fill(&mut body, &json!({ "properties": { "objectId": name } }));
    Ok(body)
}

pub(super) fn invalid(target: &str, message: &str) -> ArmError {
    ArmError {
        target: Some(target.to_owned()),
        ..ArmError::bad_request("InvalidParameterValue", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: Result<Value, ArmError>, expected: &str) {
        match result {
            Ok(_) => assert_eq!(expected, ""),
            Err(error) => assert!(
                !expected.is_empty() && error.message.contains(expected),
                "{}",
                error.message
            ),
        }
    }

    #[test]
    fn databases() {
        check(database("orders", &json!({}), None), "");
        check(database("azure_sys", &json!({}), None), "reserved");
        check(
            database(
                "orders",
                &json!({ "properties": { "collation": "x'; drop" } }),
                None,
            ),
            "is not a collation",
        );
        let existing = database("orders", &json!({}), None).unwrap();
        check(database("orders", &json!({}), Some(&existing)), "");
        let other = json!({ "properties": { "charset": "LATIN1" } });
        check(database("orders", &other, Some(&existing)), "cannot be changed");
    }

    #[test]
    fn firewall_rules() {
        let rule = |first: &str, last: &str| json!({ "properties": { "startIpAddress": first, "endIpAddress": last } });
        check(firewall_rule("all", &rule("0.0.0.0", "0.0.0.0")), "");
        check(
            firewall_rule("all", &rule("0.0.0.9", "0.0.0.1")),
            "before its begin",
        );
        check(
            firewall_rule("all", &rule("here", "0.0.0.1")),
            "is not an IPv4 address",
        );
        check(firewall_rule("a b", &rule("0.0.0.0", "0.0.0.0")), "contains ` `");
    }
}
