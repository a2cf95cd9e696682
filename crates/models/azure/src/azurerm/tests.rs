use std::collections::BTreeSet;

use pave_diagnostic::Severity;
use serde_json::json;

use super::wire::snake;
use super::*;

mod upstream;

/// A configuration of a resource, from JSON as Terraform would evaluate the HCL.
fn configuration(name: &str, said: &Json) -> Value {
    let block = &resource(name).unwrap().block;
    block.conform(&Value::from_json(said, &block.kind()))
}

#[test]
fn every_parameter_of_a_managed_resource_is_an_argument() {
    // Where azurerm says it in another way.
    let elsewhere = ["replication_role", "maintenance_window"];
    for resource in resources() {
        let Some(kind) = resource.kind else { continue };
        for field in kind.fields {
            let path = snake(field.path);
            let mut block = &resource.block;
            let mut words = path.split('.').peekable();
            while let Some(word) = words.next() {
                match block.nested(word) {
                    Some(nested) => block = &nested.block,
                    None => assert!(
                        block.attribute(word).is_some() && words.peek().is_none(),
                        "{} lacks {path}",
                        resource.name
                    ),
                }
            }
            let shared = resource.block.attribute(&path).map(|attribute| attribute.wire);
            if let Some(Wire::At { pointer, .. }) = shared {
                assert!(
                    elsewhere.contains(&path.as_str()) || pointer == field.arm,
                    "{path}"
                );
            }
        }
    }
}

#[test]
fn names_are_unique_and_every_resource_can_be_placed() {
    for resource in resources().iter().chain(data_sources()) {
        let names: Vec<_> = resource.block.names().collect();
        let unique: BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{}", resource.name);
    }
    for resource in resources() {
        let form = resource.id_form();
        assert!(form.ends_with("/{name}"), "{form}");
    }
}

fn check_plan(name: &str, prior: &Json, said: &Json, expected: &[&str]) {
    let resource = resource(name).unwrap();
    let planned = resource.plan(&configuration(name, prior), &configuration(name, said));
    let replace: Vec<String> = planned
        .replace
        .iter()
        .map(|path| {
            path.iter().map(|step| match step {
                Step::Name(name) => (*name).to_owned(),
                Step::Index(index) => index.to_string(),
            })
        })
        .map(|steps| steps.collect::<Vec<_>>().join("."))
        .collect();
    assert_eq!(replace, expected);
}

#[test]
fn moving_the_default_pool_needs_a_name_for_the_other() {
    const NAME: &str = "azurerm_kubernetes_cluster";
    let resource = resource(NAME).unwrap();
    let cluster = |pool: Json| {
        configuration(
            NAME,
            &json!({ "name": "k", "location": "westeurope", "resource_group_name": "a", "dns_prefix": "k",
                "default_node_pool": [pool], "identity": [{ "type": "SystemAssigned" }] }),
        )
    };
    let small = json!({ "name": "pool", "vm_size": "Standard_D2s_v5" });
    for (pool, expected) in [
        (
            json!({ "name": "pool", "vm_size": "Standard_D4s_v5" }),
            Some("`vm_size`"),
        ),
        (
            json!({ "name": "pool", "vm_size": "Standard_D4s_v5", "temporary_name_for_rotation": "other" }),
            None,
        ),
        (
            json!({ "name": "pool", "vm_size": "Standard_D2s_v5", "node_count": 3 }),
            None,
        ),
        // Another cluster does not move nodes.
        (json!({ "name": "other", "vm_size": "Standard_D4s_v5" }), None),
    ] {
        let prior = resource.plan(&Value::Null, &cluster(small.clone())).value;
        let planned = resource.plan(&prior, &cluster(pool.clone()));
        let problems = resource.check_change(&prior, &planned);
        let found = problems.first().map(|problem| problem.message.clone());
        assert_eq!(found.is_some(), expected.is_some(), "{pool}: {found:?}");
        assert!(
            expected.is_none_or(|word| found.unwrap().contains(word)),
            "{pool}"
        );
    }
}

#[test]
fn what_cannot_be_changed_is_replaced() {
    const GROUP: &str = "azurerm_resource_group";
    const SERVER: &str = "azurerm_postgresql_flexible_server";
    let group = json!({ "name": "a", "location": "westeurope" });
    check_plan(
        GROUP,
        &group,
        &json!({ "name": "a", "location": "West Europe" }),
        &[],
    );
    check_plan(
        GROUP,
        &group,
        &json!({ "name": "a", "location": "westeurope", "tags": { "a": "b" } }),
        &[],
    );
    check_plan(
        GROUP,
        &group,
        &json!({ "name": "b", "location": "northeurope" }),
        &["name", "location"],
    );
    let server = json!({ "name": "s", "location": "westeurope", "resource_group_name": "a", "version": "16", "storage_mb": 65536,
        "geo_redundant_backup_enabled": false });
    let with = |field: &str, value: Json| {
        let mut changed = server.clone();
        changed[field] = value;
        changed
    };
    check_plan(SERVER, &server, &with("storage_mb", json!(131_072)), &[]);
    check_plan(
        SERVER,
        &server,
        &with("storage_mb", json!(32768)),
        &["storage_mb"],
    );
    check_plan(SERVER, &server, &with("version", json!("17")), &[]);
    check_plan(SERVER, &server, &with("version", json!("15")), &["version"]);
    let cluster = |pool: &str| {
        json!({ "name": "k", "location": "westeurope", "resource_group_name": "a", "dns_prefix": "k",
        "role_based_access_control_enabled": true, "private_cluster_enabled": false,
        "default_node_pool": [{ "name": pool, "vm_size": "Standard_D2s_v5", "type": "VirtualMachineScaleSets" }],
        "identity": [{ "type": "SystemAssigned" }] })
    };
    check_plan(
        "azurerm_kubernetes_cluster",
        &cluster("one"),
        &cluster("two"),
        &["default_node_pool.0.name"],
    );
}

#[test]
fn a_new_resource_leaves_open_what_azure_sets() {
    let said = configuration(
        "azurerm_resource_group",
        &json!({ "name": "a", "location": "West Europe" }),
    );
    let planned = resource("azurerm_resource_group")
        .unwrap()
        .plan(&Value::Null, &said)
        .value;
    assert_eq!(planned.get("id"), &Value::Unknown);
    assert_eq!(planned.get("location"), &Value::text("westeurope"));
    assert_eq!(planned.get("tags"), &Value::Null);
    let said = configuration("azurerm_postgresql_flexible_server", &json!({ "name": "s" }));
    let planned = resource("azurerm_postgresql_flexible_server")
        .unwrap()
        .plan(&Value::Null, &said)
        .value;
    assert_eq!(planned.get("authentication"), &Value::Unknown);
    assert_eq!(planned.get("auto_grow_enabled"), &Value::Bool(false));
    assert_eq!(planned.get("high_availability"), &Value::List(Vec::new()));
}

#[test]
fn an_identity_reaches_a_server() {
    let server = resource("azurerm_postgresql_flexible_server").unwrap();
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
    let without = configuration(server.name, &json!({ "name": "s" }));
    let with = configuration(
        server.name,
        &json!({ "name": "s", "identity": [{ "type": "UserAssigned", "identity_ids": [id] }] }),
    );
    assert_eq!(
        server.create_body(&with)["identity"]["userAssignedIdentities"],
        json!({ id: {} })
    );
    assert_eq!(server.create_body(&without).get("identity"), None);
    assert_eq!(
        server.update_body(&with, &without, &json!({})).1["identity"]["type"],
        "None"
    );
}

#[test]
fn ids_are_read_back() {
    let database = resource("azurerm_postgresql_flexible_server_database").unwrap();
    let server = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/db";
    let state = database.imported(&format!("{server}/databases/orders")).unwrap();
    assert_eq!(state.text_at("name"), Some("orders"));
    assert_eq!(state.text_at("server_id"), Some(server));
    assert_eq!(database.arm_id("s", &state).as_deref(), state.text_at("id"));
    for wrong in [
        "orders",
        server,
        "/subscriptions/s/resourceGroups/g/../x",
        "/subscriptions//resourceGroups/g",
    ] {
        assert!(database.imported(wrong).is_err(), "{wrong}");
    }
    let group = resource("azurerm_resource_group").unwrap();
    assert!(group.imported("/subscriptions/s/resourcegroups/g").is_ok());
}

fn check_hcl(hcl: &str, expected: &[(&str, &str)]) {
    let found = unsupported(&[("main.tf", hcl)]);
    let said: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{said:#?}");
    for (diagnostic, (code, words)) in found.iter().zip(expected) {
        assert_eq!(diagnostic.code, *code, "{diagnostic}");
        assert_eq!(diagnostic.severity, Severity::Error);
        assert!(
            diagnostic.to_string().contains(words),
            "{diagnostic} does not say `{words}`"
        );
    }
}

#[test]
fn the_posts_file_is_fine() {
    check_hcl(
        "provider \"azurerm\" {\n  features {}\n}\nresource \"azurerm_resource_group\" \"example\" {\n  name = \"a\"\n  location = \"b\"\n}\n",
        &[],
    );
}

#[test]
fn the_first_posts_cluster_gets_the_new_spelling() {
    let hcl = "resource \"azurerm_kubernetes_cluster\" \"primary\" {\ndefault_node_pool {\nenable_auto_scaling = true\n}\n}\n";
    check_hcl(
        hcl,
        &[(
            "PV2302",
            "main.tf:3:1: azurerm_kubernetes_cluster.default_node_pool.enable_auto_scaling",
        )],
    );
    let fix = unsupported(&[("main.tf", hcl)])[0].fix.clone().unwrap();
    assert_eq!(fix.replacement, "auto_scaling_enabled");
    assert_eq!(
        &hcl[fix.span.start.offset..fix.span.end.offset],
        "enable_auto_scaling"
    );
}

#[test]
fn what_the_small_one_lacks_is_named() {
    let wrong_type = "resource \"azurerm_key_vault\" \"a\" {}\ndata \"azurerm_resource_groups\" \"b\" {}\n";
    check_hcl(
        wrong_type,
        &[
            ("PV2310", "PAVE_AZURERM=registry"),
            ("PV2310", "did you mean `azurerm_resource_group`?"),
        ],
    );
    let argument = "resource \"azurerm_storage_account\" \"a\" {\n  blob_properties {}\n  count = 2\n  lifecycle {}\n  acess_tier = \"Hot\"\n}\n";
    check_hcl(
        argument,
        &[
            ("PV2311", "did you mean `access_tier`?"),
            ("PV2311", "`blob_properties`"),
        ],
    );
    let dynamic = "resource \"azurerm_storage_account\" \"a\" {\n  dynamic \"network_rules\" {\n    for_each = []\n    content {\n      ip_rule = []\n    }\n  }\n}\n";
    check_hcl(dynamic, &[("PV2311", "did you mean `ip_rules`?")]);
    // Other providers, other files and broken ones are not ours to judge.
    check_hcl("resource \"random_id\" \"a\" {}\nmodule \"m\" {}\n", &[]);
    check_hcl("resource \"azurerm_key_vault\" {", &[]);
    assert_eq!(unsupported(&[("notes.md", wrong_type)]), []);
}

#[test]
fn versions_that_are_not_offered_are_named() {
    let hcl = |version: &str| {
        format!(
            "terraform {{\n  required_providers {{\n    azurerm = {{\n      source = \"hashicorp/azurerm\"\n      version = \"{version}\"\n    }}\n  }}\n}}\n"
        )
    };
    check_hcl(&hcl("~> 4.0"), &[]);
    check_hcl(&hcl(">= 3.0"), &[]);
    check_hcl(&hcl("~> 5.0"), &[("PV2312", "main.tf:5:17")]);
}

#[test]
fn lock_files_of_the_real_one_are_noticed() {
    let lock = |version: &str| {
        format!(
            "provider \"registry.terraform.io/hashicorp/azurerm\" {{\n  version = \"{version}\"\n  hashes = [\n    \"h1:theirs\",\n  ]\n}}\n"
        )
    };
    let hash_of = |_: &str| Some("h1:ours".to_owned());
    let codes = |text: &str| {
        check_lock_file(".terraform.lock.hcl", text, &hash_of)
            .into_iter()
            .map(|it| it.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&lock("4.81.0")), [FOREIGN_HASHES]);
    assert_eq!(codes(&lock("4.12.0")), [FOREIGN_HASHES]);
    assert_eq!(
        codes(&lock("4.81.0").replace("theirs", "ours")),
        Vec::<String>::new()
    );
    assert_eq!(
        codes(&lock("4.81.0").replace("azurerm", "random")),
        Vec::<String>::new()
    );
}

#[test]
fn configurations_that_azure_would_refuse() {
    for (name, said, expected) in [
        (
            "azurerm_resource_group",
            json!({ "name": "a.", "location": "westeurop" }),
            &["name", "location"][..],
        ),
        (
            "azurerm_storage_account",
            json!({ "name": "No-Dashes", "account_tier": "standard" }),
            &["name", "account_tier"],
        ),
        (
            "azurerm_postgresql_flexible_server",
            json!({ "name": "s" }),
            &["name", "administrator_login"],
        ),
        (
            "azurerm_postgresql_flexible_server_firewall_rule",
            json!({ "name": "a", "start_ip_address": "::1" }),
            &["start_ip_address"],
        ),
        (
            "azurerm_kubernetes_cluster",
            json!({ "name": "k", "default_node_pool": [{ "name": "NodePool", "min_count": 1 }] }),
            &[
                "dns_prefix",
                "default_node_pool.name",
                "default_node_pool.min_count",
                "identity",
            ],
        ),
    ] {
        let found = resource(name).unwrap().check(&configuration(name, &said));
        let paths: Vec<_> = found.iter().map(|problem| problem.path).collect();
        assert_eq!(paths, expected, "{found:#?}");
    }
}
