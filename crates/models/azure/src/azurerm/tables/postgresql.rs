use super::super::check::{self, Problem};
use super::super::schema::{Attribute, Nested, Present, no, text, typed, yes};
use super::super::value::{Type, Value};
use super::super::wire::{Part, Wire};
use super::super::{Block, Resource};
use super::{block, group, id, identity, location, managed, shared, tags};
use crate::mapping::{Kind, Place};
use crate::names;

const GROUP: &str = "dbforpostgresql.azure.upbound.io";

pub(super) fn resources() -> Vec<Resource> {
    let child = |kind: &str| managed(GROUP, kind);
    let mut all = Vec::new();
    all.extend(managed(GROUP, "FlexibleServer").map(server));
    all.extend(child("FlexibleServerDatabase").map(database));
    all.extend(child("FlexibleServerFirewallRule").map(firewall_rule));
    all.extend(child("FlexibleServerConfiguration").map(configuration));
    all
}

fn server(kind: &'static Kind) -> Resource {
    Resource {
        name: "azurerm_postgresql_flexible_server",
        title: "PostgreSQL flexible server",
        state_version: 0,
        place: Some(kind.place),
        api_version: kind.api_version,
        block: block(server_attributes(kind), server_blocks(kind)),
        kind: Some(kind),
        questions: &[],
        complete: |_| {},
        check_change: |_, _| Vec::new(),
        check: check_server,
    }
}

fn server_attributes(kind: &Kind) -> Vec<Attribute> {
    let of = |name: &'static str| shared(kind, name, name);
    vec![
        id(),
        super::name(),
        group(),
        location(),
        of("administrator_login").or_azure().replaces(),
        typed(
            "administrator_password",
            Type::Text,
            Wire::secret("/properties/administratorLoginPassword"),
        )
        .sensitive(),
        of("auto_grow_enabled").default(no()),
        of("backup_retention_days").or_azure(),
        of("create_mode"),
        of("delegated_subnet_id").replaces(),
        of("geo_redundant_backup_enabled").default(no()).replaces(),
        of("point_in_time_restore_time_in_utc").replaces(),
        of("private_dns_zone_id").or_azure(),
        of("public_network_access_enabled").default(yes()),
        typed("replication_role", Type::Text, Wire::Kept),
        of("sku_name").or_azure(),
        of("source_server_id").replaces(),
        of("storage_mb").or_azure().grows_only(),
        of("storage_tier").or_azure(),
        tags(),
        of("version").or_azure().grows_only(),
        of("zone"),
        text("fqdn", "/properties/fullyQualifiedDomainName").computed(),
    ]
}

fn server_blocks(kind: &Kind) -> Vec<Nested> {
    let of = |block: &str, name: &'static str| shared(kind, name, &format!("{block}.{name}"));
    let authentication = Nested::once(
        "authentication",
        Present::At("/properties/authConfig"),
        vec![
            of("authentication", "active_directory_auth_enabled").default(no()),
            of("authentication", "password_auth_enabled").default(yes()),
            of("authentication", "tenant_id"),
        ],
    );
    let high_availability = Nested::once(
        "high_availability",
        Present::Unless("/properties/highAvailability/mode", "Disabled"),
        vec![
            of("high_availability", "mode").required(),
            of("high_availability", "standby_availability_zone"),
        ],
    );
    let zero = || Value::Number(0.0);
    let maintenance_window = Nested::once(
        "maintenance_window",
        Present::When("/properties/maintenanceWindow/customWindow", "Enabled"),
        vec![
            of("maintenance_window", "day_of_week").default(zero()),
            of("maintenance_window", "start_hour").default(zero()),
            of("maintenance_window", "start_minute").default(zero()),
        ],
    );
    vec![
        authentication.computed(),
        high_availability,
        identity(),
        maintenance_window,
        Nested::timeouts(),
    ]
}

fn check_server(value: &Value) -> Vec<Problem> {
    let login = value.text_at("administrator_login").unwrap_or_default();
    let findings = [
        check::name(value, "name", names::check_flexible_server),
        check::location(value),
        check::group(value),
        check::name(value, "administrator_login", names::check_administrator_login),
        check::name(value, "administrator_password", |password| {
            names::check_administrator_password(password, login)
        }),
        check::name(value, "version", names::check_postgresql_version),
        check::between(value, "backup_retention_days", 7.0, 35.0),
        check::one_of(value, "high_availability.mode", &["SameZone", "ZoneRedundant"]),
        check::one_of(
            value,
            "create_mode",
            &["Default", "GeoRestore", "PointInTimeRestore", "Replica", "Update"],
        ),
        missing_login(value),
        check_size(value),
    ];
    findings.into_iter().flatten().collect()
}

/// A new server needs somebody who may sign in.
fn missing_login(value: &Value) -> Option<Problem> {
    let is_default =
        matches!(value.get("create_mode"), Value::Null) || value.text_at("create_mode") == Some("Default");
    let by_password = *value.at("authentication.password_auth_enabled") != Value::Bool(false);
    if !is_default || !by_password {
        return None;
    }
    let missing = ["administrator_login", "administrator_password"]
        .into_iter()
        .find(|name| value.get(name).is_null());
    missing.map(|name| {
        let message = format!("`{name}` is not set, and a new server signs in by password");
        Problem::new(
            name,
            message,
            "set `administrator_login` and `administrator_password`",
        )
    })
}

fn check_size(value: &Value) -> Option<Problem> {
    const PATH: &str = "sku_name";
    let said = value.text_at(PATH)?;
    let help = "write tier and size, such as `B_Standard_B1ms`, `GP_Standard_D2s_v3` or `MO_Standard_E4s_v3`";
    let known = said
        .split_once('_')
        .is_some_and(|(tier, _)| ["B", "GP", "MO"].contains(&tier));
    (!known).then(|| Problem::new(PATH, format!("`{said}` does not begin with a tier"), help))
}

fn below(
    kind: &'static Kind,
    name: &'static str,
    title: &'static str,
    attributes: Vec<Attribute>,
    check: fn(&Value) -> Vec<Problem>,
) -> Resource {
    let fixed = attributes.iter().all(|attribute| attribute.replace);
    let timeouts = if fixed {
        Nested::timeouts_of(&["create", "delete", "read"])
    } else {
        Nested::timeouts()
    };
    let server = typed("server_id", Type::Text, Wire::Id(Part::Parent))
        .required()
        .replaces();
    let attributes = [id(), super::name(), server]
        .into_iter()
        .chain(attributes)
        .collect();
    Resource {
        name,
        title,
        state_version: 0,
        place: Some(kind.place),
        api_version: kind.api_version,
        block: Block {
            attributes,
            blocks: vec![timeouts],
        },
        kind: Some(kind),
        questions: &[],
        complete: |_| {},
        check_change: |_, _| Vec::new(),
        check,
    }
}

fn check_parent(value: &Value) -> Option<Problem> {
    let said = value.text_at("server_id")?;
    let sound = said
        .to_ascii_lowercase()
        .contains("/providers/microsoft.dbforpostgresql/flexibleservers/");
    let help = "write `azurerm_postgresql_flexible_server.<name>.id`";
    (!sound).then(|| {
        Problem::new(
            "server_id",
            format!("`{said}` is not the id of a flexible server"),
            help,
        )
    })
}

fn database(kind: &'static Kind) -> Resource {
    let of =
        |name: &'static str, default: &str| shared(kind, name, name).default(Value::text(default)).replaces();
    let attributes = vec![of("charset", "UTF8"), of("collation", "en_US.utf8")];
    below(
        kind,
        "azurerm_postgresql_flexible_server_database",
        "PostgreSQL database",
        attributes,
        |value| {
            check::name(value, "name", names::check_database)
                .into_iter()
                .chain(check_parent(value))
                .collect()
        },
    )
}

fn firewall_rule(kind: &'static Kind) -> Resource {
    let of = |name: &'static str| shared(kind, name, name).required();
    let attributes = vec![of("start_ip_address"), of("end_ip_address")];
    below(
        kind,
        "azurerm_postgresql_flexible_server_firewall_rule",
        "PostgreSQL firewall rule",
        attributes,
        |value| {
            let address = |path: &'static str| {
                let said = value.text_at(path)?;
                let fits = said.parse::<std::net::Ipv4Addr>().is_ok();
                (!fits).then(|| {
                    Problem::new(
                        path,
                        format!("`{said}` is not an IPv4 address"),
                        "write one such as `10.0.0.1`",
                    )
                })
            };
            let name = check::name(value, "name", names::check_firewall_rule);
            let findings = [
                name,
                check_parent(value),
                address("start_ip_address"),
                address("end_ip_address"),
            ];
            findings.into_iter().flatten().collect()
        },
    )
}

fn configuration(kind: &'static Kind) -> Resource {
    debug_assert!(matches!(kind.place, Place::Below { .. }));
    let attributes = vec![shared(kind, "value", "value").required()];
    below(
        kind,
        "azurerm_postgresql_flexible_server_configuration",
        "PostgreSQL server parameter",
        attributes,
        |value| {
            check::name(value, "name", names::check_configuration)
                .into_iter()
                .chain(check_parent(value))
                .collect()
        },
    )
}
