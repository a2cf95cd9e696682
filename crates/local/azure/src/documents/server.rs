use pave_azure::names;
use serde_json::{Value, json};

use super::child::invalid;
use super::{fill, merge, render, writable};
use crate::error::ArmError;
use crate::store::{Resource, Server};

/// A server as it was asked for: the document to keep, and the password that is not kept.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) body: Value,
    pub(crate) password: Option<String>,
}

impl Incoming {
    pub(crate) fn login(&self) -> &str {
        self.body["properties"]["administratorLogin"]
            .as_str()
            .unwrap_or_default()
    }
}

/// Takes the password out of a request; it goes into no document.
fn take_password(request: &Value) -> Incoming {
    let mut body = writable(request);
    let mut password = None;
    if let (Some(tier), true) = (
        body["sku"]["name"].as_str().and_then(names::sku_tier),
        body["sku"]["tier"].is_null(),
    ) {
        body["sku"]["tier"] = json!(tier);
    }
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        password = properties.shift_remove("administratorLoginPassword");
        for field in ["state", "fullyQualifiedDomainName", "minorVersion", "stateReason"] {
            properties.shift_remove(field);
        }
    }
    let password = password.and_then(|password| password.as_str().map(str::to_owned));
    Incoming {
        body,
        password: password.filter(|password| !password.is_empty()),
    }
}

/// Checks a new server and fills in what Azure fills in.
pub(crate) fn create_server(name: &str, request: &Value) -> Result<Incoming, ArmError> {
    names::check_flexible_server(name)
        .map_err(|error| ArmError::name("InvalidServerName", "serverName", &error))?;
    let mut incoming = take_password(request);
    let location = incoming.body["location"].as_str().unwrap_or_default().to_owned();
    if location.is_empty() {
        return Err(ArmError::bad_request(
            "LocationRequired",
            "`location` is missing (help: write one, such as `westeurope`)",
        ));
    }
    names::check_location(&location)
        .map_err(|error| ArmError::name("LocationNotAvailableForResourceType", "location", &error))?;
    incoming.body["location"] = json!(names::normalize_location(&location));
    if !incoming.body["properties"].is_object() {
        incoming.body["properties"] = json!({});
    }
    check_mode(&incoming.body)?;
    fill(&mut incoming.body, &defaults());
    check_shape(&incoming.body)?;
    let passwords = incoming.body["properties"]["authConfig"]["passwordAuth"] != json!("Disabled");
    if passwords {
        let login = incoming.login();
        names::check_administrator_login(login).map_err(|error| {
            ArmError::name("InvalidParameterValue", "properties.administratorLogin", &error)
        })?;
        check_password(incoming.password.as_deref().unwrap_or_default(), login)?;
    }
    Ok(incoming)
}

/// Lays a change over an existing server; `replace` is a PUT, otherwise a PATCH.
pub(crate) fn update_server(existing: &Value, request: &Value, replace: bool) -> Result<Incoming, ArmError> {
    let incoming = take_password(request);
    let fixed = [
        ("/location", true),
        ("/properties/administratorLogin", false),
        ("/properties/version", false),
    ];
    for (pointer, is_location) in fixed {
        let (Some(before), Some(after)) = (text(existing, pointer), text(&incoming.body, pointer)) else {
            continue;
        };
        let after = if is_location {
            names::normalize_location(after)
        } else {
            after.to_owned()
        };
        if !before.is_empty() && before != after {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            let message =
                format!("`{field}` cannot be changed from `{before}` to `{after}` (help: make a new server)");
            let code = if is_location {
                "InvalidResourceLocation"
            } else {
                "PropertyChangeNotAllowed"
            };
            return Err(ArmError {
                target: Some(field),
                ..ArmError::conflict(code, message)
            });
        }
    }
    let mut change = incoming.body;
    if let Some(fields) = change.as_object_mut() {
        fields.shift_remove("location");
    }
    let mut body = existing.clone();
    if replace && let Some(fields) = body.as_object_mut() {
        fields.shift_remove("tags");
    }
    merge(&mut body, &change);
    check_shape(&body)?;
    let incoming = Incoming {
        body,
        password: incoming.password,
    };
    if let Some(password) = &incoming.password {
        check_password(password, incoming.login())?;
    }
    Ok(incoming)
}

/// A server as ARM shows it.
pub(crate) fn render_server(resource: &Resource, server: Option<&Server>) -> Value {
    let mut document = render(resource, "Microsoft.DBforPostgreSQL/flexibleServers");
    let properties = &mut document["properties"];
    if let Some(fields) = properties.as_object_mut() {
        fields.shift_remove("createMode");
    }
    let Some(server) = server else { return document };
    let deleting = resource.state == "Deleting";
    properties["state"] = json!(if deleting {
        "Dropping"
    } else {
        server.state.as_str()
    });
    if let Some(address) = &server.address {
        properties["fullyQualifiedDomainName"] = json!(address);
    }
    if !server.version.is_empty() {
        properties["minorVersion"] = json!(minor_version(properties["version"].as_str(), &server.version));
    }
    if !server.reason.is_empty() {
        properties["stateReason"] = json!(server.reason);
    }
    document
}

/// The minor version as Azure gives it; the full one where another major version runs than was asked for.
fn minor_version(asked: Option<&str>, runs: &str) -> String {
    match runs.split_once('.') {
        Some((major, minor)) if Some(major) == asked => minor.to_owned(),
        _ => runs.to_owned(),
    }
}

fn text<'a>(document: &'a Value, pointer: &str) -> Option<&'a str> {
    document.pointer(pointer).and_then(Value::as_str)
}

fn check_mode(body: &Value) -> Result<(), ArmError> {
    match body["properties"]["createMode"].as_str().unwrap_or("Default") {
        "Default" | "Create" | "Update" => Ok(()),
        mode => {
            let message =
                format!("createMode `{mode}` is not available in the local cloud (help: use `Default`)");
            Err(invalid("properties.createMode", &message))
        }
    }
}

fn check_shape(body: &Value) -> Result<(), ArmError> {
    let properties = &body["properties"];
    let version = properties["version"].as_str().unwrap_or_default();
    names::check_postgresql_version(version)
        .map_err(|error| ArmError::name("InvalidParameterValue", "properties.version", &error))?;
    let sku = body["sku"]["name"].as_str().unwrap_or_default();
    names::check_sku(sku, body["sku"]["tier"].as_str())
        .map_err(|error| ArmError::name("InvalidParameterValue", "sku", &error))?;
    let size = &properties["storage"]["storageSizeGB"];
    match size.as_u64() {
        Some(32..=65_536) => {}
        _ => {
            return Err(invalid(
                "properties.storage.storageSizeGB",
                &format!("`{size}` is not between 32 and 65536"),
            ));
        }
    }
    let days = &properties["backup"]["backupRetentionDays"];
    match days.as_u64() {
        Some(7..=35) => Ok(()),
        _ => Err(invalid(
            "properties.backup.backupRetentionDays",
            &format!("`{days}` is not between 7 and 35"),
        )),
    }
}

fn check_password(password: &str, login: &str) -> Result<(), ArmError> {
    names::check_administrator_password(password, login).map_err(|error| {
        ArmError::name(
            "InvalidParameterValue",
            "properties.administratorLoginPassword",
            &error,
        )
    })
}

fn defaults() -> Value {
    json!({
        "sku": { "name": "Standard_B1ms", "tier": "Burstable" },
        "properties": {
            "version": "17",
            // As in a region without zones: Terraform would take one that nobody asked for away again.
            "availabilityZone": "",
            "storage": { "storageSizeGB": 32, "autoGrow": "Disabled", "tier": "P4", "iops": 120, "type": "" },
            "backup": { "backupRetentionDays": 7, "geoRedundantBackup": "Disabled" },
            "network": { "publicNetworkAccess": "Enabled" },
            "highAvailability": { "mode": "Disabled", "state": "NotEnabled" },
            "authConfig": { "activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled" },
            "dataEncryption": { "type": "SystemManaged" },
            "maintenanceWindow": { "customWindow": "Disabled", "dayOfWeek": 0, "startHour": 0, "startMinute": 0 },
            "replica": { "role": "Primary", "capacity": 5 },
            "replicationRole": "Primary",
            "replicaCapacity": 5,
            "privateEndpointConnections": [],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Value {
        json!({
            "location": "West Europe",
            "sku": { "name": "Standard_B1ms", "tier": "Burstable" },
            "properties": { "version": "15", "administratorLogin": "appuser", "administratorLoginPassword": "Secret-123", "future": 1 },
        })
    }

    fn check_refusal(pointer: &str, value: Value, expected: &str) {
        let mut request = request();
        *request.pointer_mut(pointer).unwrap() = value;
        let error = create_server("orders-db", &request).unwrap_err();
        assert!(error.message.contains(expected), "{}", error.message);
    }

    #[test]
    fn a_server_keeps_what_it_does_not_know_and_forgets_the_password() {
        let incoming = create_server("orders-db", &request()).unwrap();
        assert_eq!(incoming.password.as_deref(), Some("Secret-123"));
        assert!(!incoming.body.to_string().contains("Secret-123"));
        assert_eq!(incoming.body["location"], "westeurope");
        assert_eq!(incoming.body["properties"]["future"], 1);
        assert_eq!(incoming.body["properties"]["storage"]["storageSizeGB"], 32);
    }

    #[test]
    fn refusals_name_field_and_fix() {
        check_refusal("/location", json!("nowhere"), "is not a location");
        check_refusal("/sku/name", json!("Huge"), "is not a size");
        check_refusal("/sku/tier", json!("GeneralPurpose"), "belongs to tier");
        check_refusal("/properties/version", json!("9.6"), "is not offered");
        check_refusal("/properties/administratorLogin", json!("admin"), "is reserved");
        check_refusal(
            "/properties/administratorLoginPassword",
            json!("short"),
            "shorter than 8",
        );
        assert!(create_server("Orders", &request()).is_err());
    }

    #[test]
    fn some_fields_stay_for_good() {
        let existing = create_server("orders-db", &request()).unwrap().body;
        for change in [
            json!({ "location": "northeurope" }),
            json!({ "properties": { "version": "16" } }),
            json!({ "properties": { "administratorLogin": "other" } }),
        ] {
            assert!(update_server(&existing, &change, false).is_err(), "{change}");
        }
        let change =
            json!({ "tags": { "a": "b" }, "properties": { "backup": { "backupRetentionDays": 14 } } });
        let updated = update_server(&existing, &change, false).unwrap().body;
        assert_eq!(updated["properties"]["backup"]["geoRedundantBackup"], "Disabled");
        assert_eq!(updated["properties"]["backup"]["backupRetentionDays"], 14);
    }

    #[test]
    fn the_version_that_runs_is_told_honestly() {
        assert_eq!(minor_version(Some("15"), "15.18"), "18");
        assert_eq!(minor_version(Some("17"), "15.18"), "15.18");
    }
}
