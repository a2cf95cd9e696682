use serde_json::{Value, json};

use super::child::invalid;
use crate::error::ArmError;
use crate::postgresql::session::Parameter;
use crate::store::Resource;

/// Whether connections must use TLS; a parameter of Azure's, not of PostgreSQL's.
pub(super) const SECURE_TRANSPORT: &str = "require_secure_transport";

/// Parameters that Azure adds, and their defaults.
const SERVICE_PARAMETERS: &[(&str, &str, &str)] = &[
    (SECURE_TRANSPORT, "on", "Lets only TLS connections in."),
    (
        "azure.extensions",
        "",
        "Extensions that may be created; kept, not enforced here.",
    ),
    (
        "pgbouncer.enabled",
        "false",
        "Connection pooler; kept, not started here.",
    ),
    (
        "metrics.collector_database_activity",
        "off",
        "Collects figures; kept, without effect here.",
    ),
];

/// Parameters that decide where the server lives, how it is reached, or what it runs: ours alone.
const OURS: &[&str] = &[
    "archive_cleanup_command",
    "archive_command",
    "archive_library",
    "cluster_name",
    "config_file",
    "data_directory",
    "dynamic_library_path",
    "external_pid_file",
    "fsync",
    "full_page_writes",
    "hba_file",
    "ident_file",
    "jit_provider",
    "listen_addresses",
    "local_preload_libraries",
    "logging_collector",
    "password_encryption",
    "port",
    "primary_conninfo",
    "primary_slot_name",
    "promote_trigger_file",
    "recovery_end_command",
    "restore_command",
    "session_preload_libraries",
    "shared_preload_libraries",
    "wal_level",
];
const OUR_PREFIXES: &[&str] = &[
    "ssl",
    "unix_socket",
    "krb_",
    "recovery_target",
    "bonjour",
    "debug_",
    "log_d",
    "log_file",
];

/// Whether a parameter is Azure's own, unknown to PostgreSQL.
pub(crate) fn is_service_parameter(name: &str) -> bool {
    SERVICE_PARAMETERS
        .iter()
        .any(|(known, _, _)| known.eq_ignore_ascii_case(name))
}

/// Azure's own parameters as if the server knew them.
pub(crate) fn service_parameters() -> impl Iterator<Item = Parameter> {
    SERVICE_PARAMETERS
        .iter()
        .map(|(name, default, description)| Parameter {
            name: (*name).to_owned(),
            value: (*default).to_owned(),
            unit: String::new(),
            description: (*description).to_owned(),
            context: "sighup".to_owned(),
            kind: if matches!(*default, "on" | "off") {
                "bool"
            } else {
                "string"
            }
            .to_owned(),
            least: String::new(),
            most: String::new(),
            choices: Vec::new(),
            default: (*default).to_owned(),
            pending_restart: false,
        })
}

fn is_read_only(parameter: &Parameter) -> bool {
    let name = parameter.name.as_str();
    parameter.context == "internal"
        || OURS.contains(&name)
        || OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Checks a change before it is accepted; what only the server can judge, it judges later.
pub(crate) fn check_change(name: &str, value: &str, known: Option<&Parameter>) -> Result<(), ArmError> {
    let Some(parameter) = known else {
        return Err(ArmError::not_found(
            "ServerParameterNotFound",
            format!("the server has no parameter `{name}`"),
        ));
    };
    if is_read_only(parameter) {
        let message = format!("parameter `{name}` is read-only");
        return Err(ArmError::bad_request("ServerParameterIsReadOnly", message));
    }
    let outside = |limit: &str, less: bool| match (value.parse::<f64>(), limit.parse::<f64>()) {
        (Ok(value), Ok(limit)) => (value < limit) == less && (value - limit).abs() > f64::EPSILON,
        _ => false,
    };
    let target = "properties.value";
    if outside(&parameter.least, true) || outside(&parameter.most, false) {
        let range = format!("{}-{}", parameter.least, parameter.most);
        return Err(invalid(
            target,
            &format!("`{value}` is outside of {range}, which `{name}` allows"),
        ));
    }
    let choices = &parameter.choices;
    if !choices.is_empty() && !choices.iter().any(|choice| choice.eq_ignore_ascii_case(value)) {
        return Err(invalid(
            target,
            &format!("`{value}` is not one of {}", choices.join(", ")),
        ));
    }
    let switches = ["on", "off", "true", "false", "yes", "no", "1", "0"];
    if parameter.kind == "bool" && !switches.contains(&value.to_ascii_lowercase().as_str()) {
        return Err(invalid(target, &format!("`{value}` is neither `on` nor `off`")));
    }
    Ok(())
}

/// A parameter as ARM shows it; `set` is the resource by which a client changed it.
pub(crate) fn configuration(server: &Resource, parameter: &Parameter, set: Option<&Resource>) -> Value {
    let kind = match parameter.kind.as_str() {
        "bool" => "Boolean",
        "integer" => "Integer",
        "real" => "Numeric",
        "enum" => "Enumeration",
        _ => "String",
    };
    let allowed = match kind {
        "Boolean" => "on,off".to_owned(),
        "Enumeration" => parameter.choices.join(","),
        "String" => ".*".to_owned(),
        _ => format!("{}-{}", parameter.least, parameter.most),
    };
    let value = set.map_or(parameter.value.as_str(), |set| set.property("value"));
    let is_dynamic = parameter.context != "postmaster";
    json!({
        "id": format!("{}/configurations/{}", server.canonical, parameter.name),
        "name": parameter.name,
        "type": "Microsoft.DBforPostgreSQL/flexibleServers/configurations",
        "properties": {
            "value": value,
            "description": parameter.description,
            "defaultValue": parameter.default,
            "dataType": kind,
            "allowedValues": allowed,
            "source": if set.is_some() { "user-override" } else { "system-default" },
            "unit": parameter.unit,
            "isDynamicConfig": is_dynamic,
            "isReadOnly": is_read_only(parameter),
            "isConfigPendingRestart": parameter.pending_restart,
            "documentationLink": "",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, kind: &str) -> Parameter {
        let mut parameter = service_parameters().next().unwrap();
        parameter.name = name.to_owned();
        parameter.kind = kind.to_owned();
        parameter.least = "64".into();
        parameter.most = "1000".into();
        parameter
    }

    #[test]
    fn changes_are_checked_before_they_are_accepted() {
        let memory = parameter("work_mem", "integer");
        for (value, expected) in [
            ("64", true),
            ("500", true),
            ("1000", true),
            ("63", false),
            ("1001", false),
        ] {
            assert_eq!(
                check_change("work_mem", value, Some(&memory)).is_ok(),
                expected,
                "{value}"
            );
        }
        assert!(check_change("nothing", "1", None).is_err());
        for name in [
            "archive_command",
            "ssl_cert_file",
            "shared_preload_libraries",
            "listen_addresses",
        ] {
            assert!(
                check_change(name, "x", Some(&parameter(name, "string"))).is_err(),
                "{name}"
            );
        }
        assert!(check_change("jit", "perhaps", Some(&parameter("jit", "bool"))).is_err());
    }
}
