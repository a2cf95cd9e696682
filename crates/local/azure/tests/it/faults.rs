use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pave_local_azure::Fault;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Cloud, PASSWORD, die_at, rule_body, server_body};

/// Kills us at a point of creating a server and its database, opens again, and wants the work done, once.
async fn check_creation_survives(point: &'static str) {
    let mut cloud = Cloud::open_with(|options| options.fault = Some(die_at(point))).await;
    cloud.make_group().await;
    let server = cloud.server("orders-db");
    let accepted = cloud.put(&server, server_body()).await.expect(202);
    let rule = cloud
        .put(&format!("{server}/firewallRules/all"), rule_body())
        .await
        .expect(202);
    let database = cloud
        .put(&format!("{server}/databases/orders"), json!({}))
        .await
        .expect(202);
    cloud.reopen().await;
    for accepted in [accepted, rule, database] {
        cloud.succeed(accepted).await;
    }
    cloud
        .ask(
            "orders-db",
            "appuser",
            PASSWORD,
            "orders",
            "create table t (n int)",
        )
        .await;
    assert_eq!(cloud.processes().len(), 1, "{point}");
    assert_eq!(cloud.data_directories(), 1, "{point}");
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_survives_a_crash_before_the_data_directory() {
    check_creation_survives("create:address").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_survives_a_crash_after_the_data_directory() {
    check_creation_survives("create:data").await;
    check_creation_survives("server:configured").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_survives_a_crash_while_the_server_starts() {
    check_creation_survives("server:started").await;
    check_creation_survives("create:running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_survives_a_crash_after_the_administrator() {
    check_creation_survives("create:administrator").await;
    check_creation_survives("firewall:applied").await;
    check_creation_survives("database:created").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_survives_a_crash() {
    for point in ["delete:stopped", "delete:removed"] {
        let mut cloud = Cloud::open_with(|options| options.fault = Some(die_at(point))).await;
        cloud.make_server("orders-db").await;
        let accepted = cloud.delete(&cloud.server("orders-db")).await.expect(202);
        cloud.reopen().await;
        cloud.succeed(accepted).await;
        cloud.get(&cloud.server("orders-db")).await.expect(404);
        assert_eq!(cloud.processes(), Vec::<i32>::new(), "{point}");
        assert_eq!(cloud.data_directories(), 0, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_started_again_with_its_data() {
    let cloud = Cloud::open().await;
    cloud.make_server("orders-db").await;
    cloud
        .ask(
            "orders-db",
            "appuser",
            PASSWORD,
            "postgres",
            "create table t as select 42 as n",
        )
        .await;
    let victim = cloud.processes()[0];
    kill_process(Pid::from_raw(victim).unwrap(), Signal::KILL).unwrap();
    let found = async |cloud: &Cloud| {
        let output = cloud
            .psql("orders-db", "appuser", PASSWORD, "postgres", "select n from t")
            .await;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    assert_eq!(cloud.until("it answers again", found).await, "42");
    assert_eq!(cloud.processes().len(), 1);
    assert_ne!(cloud.processes(), vec![victim]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_the_operation_and_leaves_nothing() {
    let full = Arc::new(AtomicBool::new(true));
    let hook = Arc::clone(&full);
    let fault = move |point: &'static str| match point {
        "create:running" if hook.load(Ordering::SeqCst) => Fault::DiskFull,
        _ => Fault::Nothing,
    };
    let cloud = Cloud::open_with(|options| options.fault = Some(Arc::new(fault))).await;
    cloud.make_group().await;
    let server = cloud.server("orders-db");
    let operation = cloud.finish(cloud.put(&server, server_body()).await).await;
    assert_eq!(operation["status"], "Failed");
    assert_eq!(operation["error"]["code"], "StorageFull");
    assert!(
        operation["error"]["message"]
            .as_str()
            .unwrap()
            .contains("free some space")
    );
    cloud.get(&server).await.expect(404);
    assert_eq!(cloud.processes(), Vec::<i32>::new());
    assert_eq!(cloud.data_directories(), 0);
    full.store(false, Ordering::SeqCst);
    cloud.succeed(cloud.put(&server, server_body()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_listener_is_named() {
    let held = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let cloud = Cloud::open_with(|options| options.postgresql_port = port).await;
    cloud.make_group().await;
    let operation = cloud
        .finish(cloud.put(&cloud.server("orders-db"), server_body()).await)
        .await;
    assert_eq!(operation["error"]["code"], "AddressNotAvailable", "{operation}");
    let message = operation["error"]["message"].as_str().unwrap();
    assert!(message.contains(&std::process::id().to_string()), "{message}");
    let findings = cloud.azure.findings().await.unwrap();
    assert!(
        findings.iter().any(|finding| finding.code == "PV1902"),
        "{findings:?}"
    );
    assert_eq!(cloud.data_directories(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgresql_a_creation_waits_and_says_so() {
    let programs = crate::harness::directory();
    let place = programs.path().join("bin");
    let cloud = Cloud::open_with(|options| options.postgresql_binaries = Some(vec![place.clone()])).await;
    cloud.make_group().await;
    let server = cloud.server("orders-db");
    let accepted = cloud.put(&server, server_body()).await.expect(202);
    let reason = async |cloud: &Cloud| {
        let shown = cloud.get(&server).await.expect(200).body;
        assert_eq!(shown["properties"]["provisioningState"], "Creating");
        shown["properties"]["stateReason"].as_str().map(str::to_owned)
    };
    let reason = cloud.until("the reason is told", reason).await;
    assert!(reason.contains("apt-get install postgresql"), "{reason}");
    let path = accepted
        .header("azure-asyncoperation")
        .strip_prefix(&cloud.base)
        .unwrap()
        .to_owned();
    let path = path.split('?').next().unwrap().to_owned();
    let operation = cloud.get(&path).await.expect(200).body;
    assert_eq!(operation["status"], "InProgress");
    assert_ne!(operation["properties"]["message"], Value::Null);

    let installed = crate::harness::program("postgres");
    std::os::unix::fs::symlink(installed.parent().unwrap(), &place).unwrap();
    cloud.succeed(accepted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_its_engine_says_so_to_resource_health() {
    let programs = crate::harness::directory();
    let place = programs.path().join("bin");
    let installed = crate::harness::program("postgres");
    let install = || std::os::unix::fs::symlink(installed.parent().unwrap(), &place).unwrap();
    install();
    let cloud = Cloud::open_with(|options| options.postgresql_binaries = Some(vec![place.clone()])).await;
    cloud.make_server("orders-db").await;
    let server = cloud.server("orders-db");
    let health = format!("{server}/providers/Microsoft.ResourceHealth/availabilityStatuses/current");
    let well = cloud.get(&health).await.expect(200).body;
    assert_eq!(well["properties"]["availabilityState"], "Available", "{well}");
    assert!(
        well["id"]
            .as_str()
            .unwrap()
            .ends_with("/availabilityStatuses/current")
    );

    std::fs::remove_file(&place).unwrap();
    for victim in cloud.processes() {
        kill_process(Pid::from_raw(victim).unwrap(), Signal::KILL).unwrap();
    }
    let inaccessible = async |cloud: &Cloud| {
        let shown = cloud.get(&server).await.expect(200).body;
        (shown["properties"]["state"] == "Inaccessible").then_some(())
    };
    cloud.until("it is inaccessible", inaccessible).await;
    let ill = cloud.get(&health).await.expect(200).body;
    assert_eq!(ill["properties"]["availabilityState"], "Unavailable", "{ill}");
    assert_eq!(ill["properties"]["reasonType"], "Unplanned");
    let summary = ill["properties"]["summary"].as_str().unwrap();
    assert!(summary.contains("PostgreSQL"), "{summary}");

    install();
    let again = async |cloud: &Cloud| {
        let shown = cloud.get(&health).await.expect(200).body;
        (shown["properties"]["availabilityState"] == "Available").then_some(())
    };
    cloud.until("it runs again", again).await;
    let gone = cloud.server("another");
    let gone = format!("{gone}/providers/Microsoft.ResourceHealth/availabilityStatuses/current");
    cloud.get(&gone).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_can_be_deleted() {
    let place = std::path::PathBuf::from("/nowhere");
    let cloud = Cloud::open_with(|options| options.postgresql_binaries = Some(vec![place])).await;
    cloud.make_group().await;
    let creation = cloud
        .put(&cloud.server("orders-db"), server_body())
        .await
        .expect(202);
    cloud
        .succeed(cloud.delete(&cloud.server("orders-db")).await)
        .await;
    assert_eq!(cloud.finish(creation).await["status"], "Canceled");
    cloud.get(&cloud.server("orders-db")).await.expect(404);
}
