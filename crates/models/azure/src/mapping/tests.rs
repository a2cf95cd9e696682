use pave_names::GroupVersionKind;
use serde_json::{Value, json};

use super::*;

fn kind(name: &str) -> &'static Kind {
    kinds().iter().find(|kind| kind.kind == name).unwrap()
}

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
const SERVER_ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders";

fn server_parameters() -> Value {
    json!({
        "resourceGroupName": "rg", "location": "West Europe", "skuName": "B_Standard_B1ms", "version": "16",
        "storageMb": 32768, "administratorLogin": "appuser", "zone": "1",
        "authentication": [{"passwordAuthEnabled": true}], "highAvailability": {"mode": "SameZone"},
        "maintenanceWindow": [{"dayOfWeek": 0, "startHour": 3}], "tags": {"team": "a"},
    })
}

fn server_observed() -> Value {
    json!({
        "id": SERVER_ID, "name": "orders", "location": "westeurope", "tags": {"team": "a"},
        "sku": {"name": "Standard_B1ms", "tier": "Burstable"},
        "properties": {
            "state": "Ready", "version": "16", "administratorLogin": "appuser", "availabilityZone": "1",
            "fullyQualifiedDomainName": "127.64.0.1",
            "storage": {"storageSizeGB": 32, "autoGrow": "Disabled"},
            "backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Disabled"},
            "authConfig": {"passwordAuth": "Enabled"},
            "highAvailability": {"mode": "SameZone"},
            "maintenanceWindow": {"customWindow": "Enabled", "dayOfWeek": 0, "startHour": 3},
        },
    })
}

#[test]
fn ids_follow_arm() {
    let check = |name: &str, parameters: Value, expected: Result<String, &str>| {
        let id = kind(name)
            .arm_id(SUBSCRIPTION, &parameters, "orders")
            .map_err(|error| error.to_string());
        match expected {
            Ok(expected) => assert_eq!(id, Ok(expected)),
            Err(part) => assert!(id.as_ref().is_err_and(|error| error.contains(part)), "{id:?}"),
        }
    };
    let base = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups");
    check("ResourceGroup", json!({}), Ok(format!("{base}/orders")));
    check(
        "FlexibleServer",
        json!({"resourceGroupName": "rg"}),
        Ok(SERVER_ID.to_owned()),
    );
    check("FlexibleServer", json!({}), Err("resourceGroupName is not set"));
    let child = |name: &str| Ok(format!("{SERVER_ID}/{name}/orders"));
    check(
        "FlexibleServerDatabase",
        json!({"serverId": SERVER_ID}),
        child("databases"),
    );
    check(
        "FlexibleServerFirewallRule",
        json!({"serverId": SERVER_ID}),
        child("firewallRules"),
    );
    check(
        "FlexibleServerConfiguration",
        json!({"serverId": SERVER_ID}),
        child("configurations"),
    );
    check(
        "FlexibleServerDatabase",
        json!({"serverId": "orders"}),
        Err("`orders` is not the id"),
    );
    check(
        "FlexibleServerDatabase",
        json!({"serverId": format!("{SERVER_ID}?x=")}),
        Err("is not the id"),
    );
}

#[test]
fn the_put_of_a_server_says_everything_but_what_arm_takes_later() {
    let body = kind("FlexibleServer").desired_body(&server_parameters(), Some("pw"));
    let expected = json!({
        "location": "westeurope", "sku": {"name": "Standard_B1ms", "tier": "Burstable"}, "tags": {"team": "a"},
        "properties": {
            "administratorLogin": "appuser", "administratorLoginPassword": "pw", "createMode": "Default",
            "authConfig": {"passwordAuth": "Enabled"}, "highAvailability": {"mode": "SameZone"},
            "storage": {"storageSizeGB": 32}, "version": "16", "availabilityZone": "1",
        },
    });
    assert_eq!(body, expected);
}

#[test]
fn children_are_put_whole() {
    let check = |name: &str, parameters: Value, expected: Value| {
        assert_eq!(kind(name).desired_body(&parameters, None), expected, "{name}");
        assert_eq!(kind(name).patch_body(&parameters, &[], None), expected, "{name}");
    };
    check(
        "FlexibleServerDatabase",
        json!({"serverId": SERVER_ID}),
        json!({"properties": {}}),
    );
    check(
        "FlexibleServerDatabase",
        json!({"charset": "UTF8", "collation": "en_US.utf8"}),
        json!({"properties": {"charset": "UTF8", "collation": "en_US.utf8"}}),
    );
    let addresses = json!({"startIpAddress": "10.0.0.1", "endIpAddress": "10.0.0.9"});
    check(
        "FlexibleServerFirewallRule",
        addresses.clone(),
        json!({"properties": addresses}),
    );
    check(
        "FlexibleServerConfiguration",
        json!({"value": "on"}),
        json!({"properties": {"value": "on", "source": "user-override"}}),
    );
}

#[test]
fn differences_name_what_to_correct() {
    let server = kind("FlexibleServer");
    let check = |change: fn(&mut Value), fields: &[&str], patch: Value| {
        let (mut parameters, observed) = (server_parameters(), server_observed());
        change(&mut parameters);
        let found = server.differences(&parameters, &observed);
        assert_eq!(found.iter().map(|it| it.field).collect::<Vec<_>>(), fields);
        assert_eq!(server.patch_body(&parameters, &found, None), patch);
    };
    check(|_| {}, &[], json!({}));
    check(|it| it["tags"] = json!({}), &["tags"], json!({"tags": {}}));
    check(
        |it| it["storageMb"] = json!(65536),
        &["storageMb"],
        json!({"properties": {"storage": {"storageSizeGB": 64}}}),
    );
    check(
        |it| it["skuName"] = json!("GP_Standard_D2s_v3"),
        &["skuName"],
        json!({"sku": {"name": "Standard_D2s_v3", "tier": "GeneralPurpose"}}),
    );
    check(
        |it| it["version"] = json!("17"),
        &["version"],
        json!({"properties": {"version": "17", "createMode": "Update"}}),
    );
    check(
        |it| it["maintenanceWindow"][0]["startHour"] = json!(4),
        &["maintenanceWindow.startHour"],
        json!({"properties": {"maintenanceWindow": {"dayOfWeek": 0, "startHour": 4, "customWindow": "Enabled"}}}),
    );
    let mut moved = server_parameters();
    moved["location"] = json!("northeurope");
    let found = server.differences(&moved, &server_observed());
    assert!(
        found[0].immutable && found[0].observed == json!("westeurope"),
        "{found:?}"
    );
}

#[test]
fn status_is_in_the_terms_of_the_managed_resource() {
    let found = kind("FlexibleServer").at_provider(&server_observed(), &server_parameters());
    for (path, expected) in [
        ("/id", json!(SERVER_ID)),
        ("/fqdn", json!("127.64.0.1")),
        ("/skuName", json!("B_Standard_B1ms")),
        ("/storageMb", json!(32768)),
        ("/resourceGroupName", json!("rg")),
        ("/authentication/passwordAuthEnabled", json!(true)),
        ("/autoGrowEnabled", json!(false)),
    ] {
        assert_eq!(found.pointer(path), Some(&expected), "{path} in {found}");
    }
}

#[test]
fn azures_choices_are_taken_over_where_nobody_said_anything() {
    let server = kind("FlexibleServer");
    let spec = json!({"forProvider": {"version": "16"}, "initProvider": {"storageMb": 1}});
    let expected = json!({"backupRetentionDays": 7, "skuName": "B_Standard_B1ms"});
    assert_eq!(server.late_initialize(&spec, &server_observed()), Some(expected));
    let said =
        json!({"forProvider": {"version": "1", "storageMb": 1, "backupRetentionDays": 1, "skuName": "x"}});
    assert_eq!(server.late_initialize(&said, &server_observed()), None);
}

#[test]
fn connection_details_have_upstreams_form() {
    let server = kind("FlexibleServer");
    let details = server.connection_details(&server_observed(), "orders", &server_parameters(), Some("pw"));
    let expected = [
        ("attribute.administrator_password", "pw"),
        ("endpoint", "127.64.0.1"),
        ("password", "pw"),
        ("port", "5432"),
        ("username", "appuser@orders"),
    ];
    assert!(
        details
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .eq(expected),
        "{details:?}"
    );
    assert!(
        kind("ResourceGroup")
            .connection_details(&json!({}), "x", &json!({}), None)
            .is_empty()
    );
}

#[test]
fn availability_reads_both_states() {
    let check = |name: &str, properties: Value, expected: &str| {
        let found = format!(
            "{:?}",
            kind(name).availability(&json!({"properties": properties}))
        );
        assert!(found.starts_with(expected), "{found}");
    };
    check(
        "ResourceGroup",
        json!({"provisioningState": "Succeeded"}),
        "Available",
    );
    check(
        "ResourceGroup",
        json!({"provisioningState": "Deleting"}),
        "Leaving",
    );
    check(
        "FlexibleServer",
        json!({"provisioningState": "Creating", "state": "Ready"}),
        "Changing",
    );
    check("FlexibleServer", json!({"state": "Starting"}), "Changing");
    check(
        "FlexibleServer",
        json!({"provisioningState": "Succeeded", "state": "Stopped"}),
        "Unavailable",
    );
    check("FlexibleServer", json!({"state": "Dropping"}), "Leaving");
    check("FlexibleServerDatabase", json!({}), "Available");
}

#[test]
fn health_says_why_something_cannot_be_used() {
    let check = |properties: Value, expected: Option<&str>| {
        assert_eq!(
            health_summary(&json!({ "properties": properties })),
            expected,
            "{properties}"
        );
    };
    check(
        json!({ "availabilityState": "Unavailable", "summary": " the disk is gone\n" }),
        Some("the disk is gone"),
    );
    check(
        json!({ "availabilityState": "Degraded", "summary": "slow" }),
        Some("slow"),
    );
    check(
        json!({ "availabilityState": "Available", "summary": "no known problems" }),
        None,
    );
    check(
        json!({ "availabilityState": "Unknown", "summary": "cannot tell" }),
        None,
    );
    check(json!({ "availabilityState": "Unavailable", "summary": "" }), None);
    check(json!({}), None);
    assert_eq!(
        health_path("/subscriptions/s/x"),
        "/subscriptions/s/x/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
    );
}

#[test]
fn what_azure_would_refuse_is_said_at_once() {
    let check = |name: &str, external_name: &str, parameters: Value, expected: &[&str]| {
        let found = kind(name).check(external_name, &parameters, false);
        let messages: Vec<_> = found.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages.len(), expected.len(), "{messages:?}");
        for (message, part) in messages.iter().zip(expected) {
            assert!(message.contains(part), "{message}");
        }
    };
    check("ResourceGroup", "rg", json!({"location": "westeurope"}), &[]);
    check(
        "ResourceGroup",
        "rg.",
        json!({}),
        &["location is a required parameter", "ends in a dot"],
    );
    let missing = [
        "location is",
        "skuName is",
        "version is",
        "administratorLogin is",
        "administratorPasswordSecretRef is",
    ];
    check("FlexibleServer", "orders", json!({}), &missing);
    check(
        "FlexibleServer",
        "orders",
        json!({"location": "x", "createMode": "Replica"}),
        &[],
    );
}

#[test]
fn initial_parameters_fill_what_is_not_said() {
    let spec = json!({"forProvider": {"a": {"x": 1}}, "initProvider": {"a": {"x": 2, "y": 3}, "b": 4}});
    assert_eq!(create_parameters(&spec), json!({"a": {"x": 1, "y": 3}, "b": 4}));
    assert_eq!(
        create_parameters(&json!({"forProvider": {"a": 1}})),
        json!({"a": 1})
    );
}

#[test]
fn the_always_present_is_reset() {
    let configuration = kind("FlexibleServerConfiguration");
    let changed = json!({"properties": {"value": "on", "defaultValue": "off"}});
    let expected = json!({"properties": {"value": "off", "source": "user-override"}});
    assert_eq!(configuration.reset_body(&changed), Some(expected));
    assert_eq!(
        configuration.reset_body(&json!({"properties": {"value": "off", "defaultValue": "off"}})),
        None
    );
}

#[test]
fn every_crd_has_one_stored_version_and_a_schema() {
    for crd in crds() {
        let name = &crd["metadata"]["name"];
        let versions = crd["spec"]["versions"].as_array().unwrap();
        assert_eq!(
            versions
                .iter()
                .filter(|version| version["storage"] == true)
                .count(),
            1,
            "{name}"
        );
        for version in versions {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let gvk = GroupVersionKind {
                group: text(&crd["spec"]["group"]),
                version: text(&version["name"]),
                kind: text(&crd["spec"]["names"]["kind"]),
            };
            assert!(
                schema_of(&gvk).is_some_and(|schema| schema["type"] == "object"),
                "{gvk}"
            );
        }
    }
    let server = GroupVersionKind {
        group: "dbforpostgresql.azure.upbound.io".into(),
        version: "v1beta1".into(),
        kind: "FlexibleServer".into(),
    };
    let schema = schema_of(&server).unwrap();
    let for_provider = &schema["properties"]["spec"]["properties"]["forProvider"]["properties"];
    for field in [
        "resourceGroupNameRef",
        "administratorPasswordSecretRef",
        "autoGeneratePassword",
        "skuName",
    ] {
        assert!(for_provider[field].is_object(), "{field}");
    }
    assert_eq!(
        schema["properties"]["spec"]["x-kubernetes-validations"][0]["message"],
        "spec.forProvider.location is a required parameter"
    );
    assert!(
        schema_of(&GroupVersionKind {
            version: "v9".into(),
            ..server
        })
        .is_none()
    );
}
