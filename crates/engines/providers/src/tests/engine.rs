//! The whole engine against a Kubernetes API and an ARM in memory.

use std::time::Duration;

use pave_runtime::Tasks;
use serde_json::{Value, json};

use super::world::*;

#[tokio::test]
async fn a_database_comes_and_goes() {
    let world = World::new().await;
    world.database();
    world.server();
    world.group();
    let database = world.ready(DATABASES, "orders").await;
    let server = world.ready(SERVERS, "orders-pg").await;
    assert!(
        has(&server, "Synced", "True", "ReconcileSuccess")
            && has(&server, "LastAsyncOperation", "True", "Success")
    );
    assert_eq!(server["spec"]["forProvider"]["resourceGroupName"], "orders-rg");
    assert_eq!(
        database["spec"]["forProvider"]["serverIdRef"]["name"],
        "orders-pg"
    );
    assert_eq!(
        database["spec"]["forProvider"]["serverId"],
        server["status"]["atProvider"]["id"]
    );
    assert_eq!(
        server["metadata"]["annotations"]["crossplane.io/external-name"],
        "orders-pg"
    );
    assert!(server["metadata"]["annotations"]["crossplane.io/external-create-pending"].is_string());

    let put = &world.arm.requests("PUT", "/flexibleServers/orders-pg")[0];
    let password = world.secret("orders-admin", "password").unwrap();
    assert_eq!(
        put.body["properties"]["administratorLoginPassword"],
        password.as_str()
    );
    assert!(password.len() == 27 && password.bytes().all(|it| it.is_ascii_alphanumeric()));
    assert_eq!(
        put.correlation.as_deref(),
        Some("01234567-89ab-cdef-0123-456789abcdef")
    );
    for (key, expected) in [
        ("endpoint", "127.64.0.1"),
        ("port", "5432"),
        ("username", "appuser@orders-pg"),
        ("password", &password),
    ] {
        assert_eq!(
            world.secret("orders-connection", key).as_deref(),
            Some(expected),
            "{key}"
        );
    }
    let secret = world
        .kubernetes
        .get("secrets/team-a", "orders-connection")
        .unwrap();
    assert_eq!(secret["type"], "connection.crossplane.io/v1alpha1");
    assert_eq!(
        secret["metadata"]["ownerReferences"][0]["uid"],
        server["metadata"]["uid"]
    );
    world.event("CreatedExternalResource", "").await;
    let late =
        |object: Option<&Value>| object.is_some_and(|it| it["spec"]["forProvider"]["charset"] == "UTF8");
    world.kubernetes.until(DATABASES, "orders", late).await;

    for (collection, name) in [
        (GROUPS, "orders-rg"),
        (SERVERS, "orders-pg"),
        (DATABASES, "orders"),
    ] {
        world.kubernetes.delete(collection, name);
    }
    for (collection, name) in [
        (DATABASES, "orders"),
        (SERVERS, "orders-pg"),
        (GROUPS, "orders-rg"),
    ] {
        world.gone(collection, name).await;
    }
    assert!(world.arm.find("orders-rg").is_none() && world.arm.find("orders-pg").is_none());
}

#[tokio::test]
async fn each_trouble_is_said_and_ends_by_itself() {
    let world = World::without_configuration().await;
    world.group();
    let words = "connect failed: cannot get referenced ProviderConfig: \"default\"";
    world
        .condition(GROUPS, "orders-rg", "Synced", "False", words)
        .await;
    world.event("CannotConnectToProvider", words).await;
    world.server();
    let words = "cannot resolve references: mg.Spec.ForProvider.ResourceGroupName: referenced ResourceGroup \"orders-rg\" is not ready yet: connect failed";
    world
        .condition(SERVERS, "orders-pg", "Synced", "False", words)
        .await;
    world.database();
    world.arm.refuse(
        "/flexibleservers/orders-pg",
        403,
        "RequestDisallowedByPolicy",
        "no servers on Sundays",
    );
    world.configure("right");
    world.ready(GROUPS, "orders-rg").await;
    let words = "create failed: RequestDisallowedByPolicy: no servers on Sundays";
    world
        .condition(SERVERS, "orders-pg", "Synced", "False", words)
        .await;
    world.arm.accept("/flexibleservers/orders-pg");
    world.arm.fail(
        "/flexibleservers/orders-pg",
        "InternalServerError",
        "the cellar is flooded",
    );
    let words = "create failed: InternalServerError: the cellar is flooded";
    world
        .condition(SERVERS, "orders-pg", "LastAsyncOperation", "False", words)
        .await;
    world.arm.accept("/flexibleservers/orders-pg");
    world.ready(DATABASES, "orders").await;
    let passwords: Vec<Value> = world
        .arm
        .requests("PUT", "/orders-pg")
        .into_iter()
        .map(|it| it.body["properties"]["administratorLoginPassword"].clone())
        .collect();
    assert!(
        passwords.len() > 2 && passwords.iter().all(|it| *it == passwords[0]),
        "one password through all attempts"
    );
}

#[tokio::test]
async fn a_wrong_secret_is_told_without_the_secret() {
    let world = World::without_configuration().await;
    world.configure("very-wrong");
    world.group();
    let group = world
        .condition(GROUPS, "orders-rg", "Synced", "False", "AADSTS7000215")
        .await;
    assert!(!group.to_string().contains("very-wrong"));
}

#[tokio::test]
async fn drift_is_healed_and_a_change_is_sent_at_once() {
    let world = World::new().await;
    world.group();
    world.server();
    world.ready(SERVERS, "orders-pg").await;
    world.arm.drift("/flexibleservers/orders-pg", |it| {
        it["properties"]["version"] = json!("15");
    });
    world
        .event("UpdatedExternalResource", "version from `15` to `16`")
        .await;
    until(|| world.arm.find("/orders-pg").unwrap()["properties"]["version"] == "16").await;
    let patch = json!({"spec": {"forProvider": {"tags": {"team": "a"}, "storageMb": 65536}}});
    world.kubernetes.merge(SERVERS, "orders-pg", &patch);
    until(|| world.arm.find("/orders-pg").unwrap()["properties"]["storage"]["storageSizeGB"] == 64).await;
    assert_eq!(
        world.arm.find("/orders-pg").unwrap()["tags"],
        json!({"team": "a"})
    );
    world.kubernetes.merge(
        SERVERS,
        "orders-pg",
        &json!({"spec": {"forProvider": {"location": "northeurope"}}}),
    );
    let words =
        "requires replacing it: cannot change the value of `location` from `westeurope` to `northeurope`";
    world
        .condition(SERVERS, "orders-pg", "Synced", "False", words)
        .await;
}

#[tokio::test]
async fn a_server_that_cannot_be_used_says_why() {
    let world = World::new().await;
    world.group();
    world.server();
    let server = world.ready(SERVERS, "orders-pg").await;
    let id = server["status"]["atProvider"]["id"].as_str().unwrap();
    let state = |state: &'static str| {
        world.arm.drift("/flexibleservers/orders-pg", |it| {
            it["properties"]["state"] = json!(state);
        });
    };
    // Azure Resource Health knows nothing of it.
    state("Stopped");
    let words = "Azure reports the state Stopped";
    let stopped = world
        .condition(SERVERS, "orders-pg", "Ready", "False", words)
        .await;
    let conditions = stopped["status"]["conditions"].as_array().unwrap();
    assert!(
        conditions.iter().any(|it| it["message"] == words),
        "{conditions:?}"
    );
    world.arm.show(
        &pave_azure::mapping::health_path(id),
        json!({ "properties": { "availabilityState": "Unavailable", "summary": "the engine is not installed any more" } }),
    );
    state("Inaccessible");
    let words = "Azure reports the state Inaccessible: the engine is not installed any more";
    world
        .condition(SERVERS, "orders-pg", "Ready", "False", words)
        .await;
    state("Ready");
    world.ready(SERVERS, "orders-pg").await;
}

#[tokio::test]
async fn a_rotated_password_reaches_the_server_and_then_the_secret() {
    let world = World::new().await;
    world.group();
    world.server();
    world.ready(SERVERS, "orders-pg").await;
    let data = json!({"data": {"password": base64("Another-1-Password")}});
    world.kubernetes.merge("secrets/team-a", "orders-admin", &data);
    until(|| world.secret("orders-connection", "password").as_deref() == Some("Another-1-Password")).await;
    let sent = world.arm.requests("PATCH", "/orders-pg");
    assert_eq!(
        sent[0].body,
        json!({"properties": {"administratorLoginPassword": "Another-1-Password"}})
    );
    world.ready(SERVERS, "orders-pg").await;
    assert_eq!(world.arm.requests("PATCH", "/orders-pg").len(), 1, "sent once");
}

#[tokio::test]
async fn paused_and_orphaned_objects_leave_azure_alone() {
    let world = World::new().await;
    let spec = json!({"forProvider": {"location": "westeurope"}, "deletionPolicy": "Orphan"});
    world.create(GROUPS, "ResourceGroup", "orders-rg", &spec);
    world.ready(GROUPS, "orders-rg").await;
    let paused = |value: Value| json!({"metadata": {"annotations": {"crossplane.io/paused": value}}});
    world
        .kubernetes
        .merge(GROUPS, "orders-rg", &paused(json!("true")));
    world
        .condition(GROUPS, "orders-rg", "Synced", "False", "ReconcilePaused")
        .await;
    world.kubernetes.delete(GROUPS, "orders-rg");
    world.kubernetes.merge(GROUPS, "orders-rg", &paused(Value::Null));
    world.gone(GROUPS, "orders-rg").await;
    assert!(world.arm.find("orders-rg").is_some() && world.arm.requests("DELETE", "orders-rg").is_empty());
}

#[tokio::test]
async fn an_observed_object_is_never_made() {
    let world = World::new().await;
    let spec = json!({"forProvider": {"location": "westeurope"}, "managementPolicies": ["Observe"]});
    world.create(GROUPS, "ResourceGroup", "orders-rg", &spec);
    world
        .condition(
            GROUPS,
            "orders-rg",
            "Synced",
            "False",
            "external resource does not exist",
        )
        .await;
    assert!(world.arm.requests("PUT", "orders-rg").is_empty());
    let policies = json!({"spec": {"managementPolicies": ["Create"]}});
    world.kubernetes.merge(GROUPS, "orders-rg", &policies);
    world
        .condition(GROUPS, "orders-rg", "Synced", "False", "add Observe")
        .await;
}

#[tokio::test]
async fn a_restart_in_the_middle_goes_on_with_the_same_password() {
    let world = World::new().await;
    world.group();
    world.arm.freeze(true);
    world.server();
    world
        .condition(SERVERS, "orders-pg", "Ready", "False", "Creating")
        .await;
    world.tasks.shutdown(Duration::from_secs(5)).await;
    let password = world.secret("orders-admin", "password");
    let again = Tasks::new();
    world.start(&again).await;
    world.arm.freeze(false);
    world.ready(SERVERS, "orders-pg").await;
    assert_eq!(world.secret("orders-connection", "password"), password);
    for put in world.arm.requests("PUT", "/orders-pg") {
        assert_eq!(
            put.body["properties"]["administratorLoginPassword"].as_str(),
            password.as_deref()
        );
    }
}

#[tokio::test]
async fn a_configuration_in_use_stays() {
    let world = World::new().await;
    world.group();
    world.ready(GROUPS, "orders-rg").await;
    until(|| world.kubernetes.all(USAGES).len() == 1).await;
    world.kubernetes.delete(PROVIDER_CONFIGS, "default");
    world.kubernetes.delete(GROUPS, "orders-rg");
    world.gone(GROUPS, "orders-rg").await;
    assert!(world.kubernetes.get(PROVIDER_CONFIGS, "default").is_some());
    for usage in world.kubernetes.all(USAGES) {
        world
            .kubernetes
            .delete(USAGES, usage["metadata"]["name"].as_str().unwrap());
    }
    world.gone(PROVIDER_CONFIGS, "default").await;
}

#[tokio::test]
async fn a_parameter_of_a_server_is_set_and_reset() {
    let world = World::new().await;
    world.group();
    world.server();
    let server = world.ready(SERVERS, "orders-pg").await;
    let spec = json!({"forProvider": {"serverId": server["status"]["atProvider"]["id"], "value": "on"}});
    world.create(
        CONFIGURATIONS,
        "FlexibleServerConfiguration",
        "log_statement",
        &spec,
    );
    world.ready(CONFIGURATIONS, "log_statement").await;
    world.arm.drift("/configurations/log_statement", |it| {
        it["properties"]["defaultValue"] = json!("off");
    });
    world.kubernetes.delete(CONFIGURATIONS, "log_statement");
    world.gone(CONFIGURATIONS, "log_statement").await;
    assert_eq!(
        world.arm.find("/log_statement").unwrap()["properties"]["value"],
        "off"
    );
}
