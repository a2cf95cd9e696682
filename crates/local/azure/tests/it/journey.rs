use reqwest::Method;
use serde_json::json;

use crate::harness::{Cloud, PASSWORD, rule_body, server_body};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_made_used_and_really_removed() {
    let cloud = Cloud::open().await;
    cloud.make_group().await;
    let server = cloud.server("orders-db");

    let accepted = cloud.put(&server, server_body()).await.expect(202);
    assert_eq!(accepted.header("retry-after"), "0");
    assert_eq!(accepted.header("x-go-azure-sdk-skip-polling-delay"), "true");
    assert!(accepted.header("location").contains("api-version="));
    cloud.succeed(accepted).await;

    let shown = cloud.get(&server.to_lowercase()).await.expect(200).body;
    assert_eq!(shown["id"], server, "ids come back in canonical spelling");
    assert_eq!(shown["properties"]["state"], "Ready");
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    assert!(!shown.to_string().contains(PASSWORD));

    let closed = cloud
        .psql("orders-db", "appuser", PASSWORD, "postgres", "select 1")
        .await;
    assert!(!closed.status.success(), "no rule lets anybody in");
    cloud
        .succeed(
            cloud
                .put(&format!("{server}/firewallRules/all"), rule_body())
                .await,
        )
        .await;
    for login in ["appuser", "appuser@orders-db"] {
        assert_eq!(
            cloud
                .ask("orders-db", login, PASSWORD, "postgres", "select current_user")
                .await,
            "appuser"
        );
    }
    let superuser = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user";
    assert_eq!(
        cloud
            .ask("orders-db", "appuser", PASSWORD, "postgres", superuser)
            .await,
        "f"
    );

    for role in ["pg_execute_server_program", "pg_read_server_files", "azuresu"] {
        let grant = format!("grant {role} to appuser");
        let output = cloud
            .psql("orders-db", "appuser", PASSWORD, "postgres", &grant)
            .await;
        assert!(!output.status.success(), "{role} can be had");
    }

    let database = format!("{server}/databases/orders");
    cloud.get(&database).await.expect(404);
    cloud.succeed(cloud.put(&database, json!({})).await).await;
    let shown = cloud.get(&database).await.expect(200).body;
    assert_eq!(shown["properties"]["charset"], "UTF8");
    cloud
        .ask(
            "orders-db",
            "appuser",
            PASSWORD,
            "orders",
            "create table t (n int)",
        )
        .await;

    cloud.succeed(cloud.delete(&database).await).await;
    cloud.get(&database).await.expect(404);
    cloud.delete(&database).await.expect(204);

    assert_eq!(cloud.processes().len(), 1);
    cloud.succeed(cloud.delete(&server).await).await;
    cloud.get(&server).await.expect(404);
    cloud.delete(&server).await.expect(204);
    assert_eq!(cloud.processes(), Vec::<i32>::new());
    assert_eq!(cloud.data_directories(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_changed_stopped_and_started() {
    let cloud = Cloud::open().await;
    cloud.make_server("orders-db").await;
    let server = cloud.server("orders-db");

    let change =
        json!({ "tags": { "team": "a" }, "properties": { "administratorLoginPassword": "Another-456" } });
    cloud
        .succeed(cloud.call(Method::PATCH, &server, Some(change)).await)
        .await;
    let old = cloud
        .psql("orders-db", "appuser", PASSWORD, "postgres", "select 1")
        .await;
    assert!(!old.status.success());
    for login in ["appuser", "appuser@orders-db"] {
        cloud
            .ask("orders-db", login, "Another-456", "postgres", "select 1")
            .await;
    }

    let setting = format!("{server}/configurations/work_mem");
    assert_eq!(
        cloud.get(&setting).await.expect(200).body["properties"]["source"],
        "system-default"
    );
    cloud
        .succeed(
            cloud
                .put(&setting, json!({ "properties": { "value": "8192" } }))
                .await,
        )
        .await;
    assert_eq!(
        cloud.get(&setting).await.expect(200).body["properties"]["source"],
        "user-override"
    );
    assert_eq!(
        cloud
            .ask("orders-db", "appuser", "Another-456", "postgres", "show work_mem")
            .await,
        "8MB"
    );
    cloud
        .put(&setting, json!({ "properties": { "value": "1" } }))
        .await
        .expect(400);
    assert!(
        cloud
            .get(&format!("{server}/configurations"))
            .await
            .expect(200)
            .body["value"]
            .as_array()
            .unwrap()
            .len()
            > 100
    );

    cloud
        .succeed(cloud.call(Method::POST, &format!("{server}/stop"), None).await)
        .await;
    assert_eq!(cloud.get(&server).await.body["properties"]["state"], "Stopped");
    assert_eq!(cloud.processes(), Vec::<i32>::new());
    cloud
        .put(&format!("{server}/databases/orders"), json!({}))
        .await
        .expect(409);
    cloud
        .succeed(cloud.call(Method::POST, &format!("{server}/start"), None).await)
        .await;
    cloud
        .ask("orders-db", "appuser", "Another-456", "postgres", "select 1")
        .await;
    let before = cloud.processes();
    cloud
        .succeed(cloud.call(Method::POST, &format!("{server}/restart"), None).await)
        .await;
    assert_ne!(before, cloud.processes());

    cloud
        .succeed(cloud.delete(&format!("{server}/firewallRules/all")).await)
        .await;
    let closed = cloud
        .psql("orders-db", "appuser", "Another-456", "postgres", "select 1")
        .await;
    assert!(!closed.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_takes_everything_with_it() {
    let cloud = Cloud::open().await;
    cloud.make_server("orders-db").await;
    cloud
        .put(&cloud.server("second-db"), server_body())
        .await
        .expect(202);
    let listed = cloud
        .get(&format!("{}/resources", cloud.group()))
        .await
        .expect(200)
        .body;
    assert_eq!(listed["value"].as_array().unwrap().len(), 2);

    // The second server is still being made, or just made: its deletion takes precedence.
    let accepted = cloud.delete(&cloud.group()).await.expect(202);
    cloud
        .put(&cloud.server("third-db"), server_body())
        .await
        .expect(409);
    cloud.succeed(accepted).await;
    cloud.call(Method::HEAD, &cloud.group(), None).await.expect(404);
    assert_eq!(cloud.processes(), Vec::<i32>::new());
    assert_eq!(cloud.data_directories(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outlives_us_and_is_adopted() {
    let mut cloud = Cloud::open().await;
    cloud.make_server("orders-db").await;
    let before = cloud.processes();
    assert_eq!(before.len(), 1);
    cloud.reopen().await;
    cloud
        .until("the server is watched again", async |cloud| {
            (cloud.get(&cloud.server("orders-db")).await.body["properties"]["state"] == "Ready").then_some(())
        })
        .await;
    cloud
        .ask("orders-db", "appuser", PASSWORD, "postgres", "select 1")
        .await;
    assert_eq!(cloud.processes(), before, "the same process, and no second one");

    cloud.azure.stop_servers().await.unwrap();
    assert_eq!(cloud.processes(), Vec::<i32>::new());
    cloud.reopen().await;
    cloud
        .until("the server runs again", async |cloud| {
            (cloud.processes().len() == 1).then_some(())
        })
        .await;
    let answered = async |cloud: &Cloud| {
        let output = cloud
            .psql("orders-db", "appuser", PASSWORD, "postgres", "select 1")
            .await;
        output.status.success().then_some(())
    };
    cloud.until("it answers again", answered).await;
}
