//! Logical clusters: apart from each other and from the local one, durable, gone without a trace.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shall say where"
)]

mod support;

use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use kube::api::{ListParams, PostParams};
use pave_keys::Keys;
use pave_kube::{ControlPlanes, Holder};
use pave_local_cluster::Cluster;
use serde_json::json;
use support::*;
use tokio_rustls::TlsAcceptor;

/// Serves a cluster on TLS, as the platform does; gives its address.
async fn serve(cluster: &Cluster, keys: &Keys) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = keys.server_config(&["127.0.0.1"], &["h2", "http/1.1"]).unwrap();
    let (acceptor, router) = (TlsAcceptor::from(tls), cluster.router());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let builder = Builder::new(TokioExecutor::new());
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                }
            });
        }
    });
    format!("https://{address}")
}

fn kubeconfig(planes: &Arc<dyn ControlPlanes>, name: &str, token: &str) -> String {
    use base64::Engine as _;
    let authority = base64::engine::general_purpose::STANDARD.encode(planes.authority());
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{ "name": "x", "cluster": {
            "server": planes.url(name), "certificate-authority-data": authority } }],
        "users": [{ "name": "x", "user": { "token": token } }],
        "contexts": [{ "name": "x", "context": { "cluster": "x", "user": "x" } }],
    })
    .to_string()
}

async fn kubectl(kubeconfig: &str, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config");
    std::fs::write(&file, kubeconfig).unwrap();
    let mut command = tokio::process::Command::new("kubectl");
    command
        .arg("--kubeconfig")
        .arg(&file)
        .args(arguments)
        .env("HOME", home.path())
        .kill_on_drop(true);
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), command.output()).await;
    let output = output.expect("kubectl ends in time").unwrap();
    Output {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
        success: output.status.success(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_know_nothing_of_each_other() {
    let world = world().await;
    let planes = world.cluster.control_planes("https://127.0.0.1:1");
    for name in ["one", "two"] {
        planes.ensure(name).await.unwrap();
    }
    assert!(planes.ensure("Not a name").await.is_err());
    let client = |name: &str| world.cluster.logical(name).unwrap().client(&admin());
    let (one, two) = (client("one"), client("two"));
    let definitions = api(&one, "apiextensions.k8s.io/v1", "CustomResourceDefinition", None);
    let (params, definition) = (PostParams::default(), object(widget_definition()));
    definitions.create(&params, &definition).await.unwrap();
    let widgets = |client: &kube::Client| api(client, "example.com/v1", "Widget", Some("default"));
    let made = widgets(&one)
        .create(&PostParams::default(), &object(widget("w", "small")))
        .await
        .unwrap();
    let elsewhere = widgets(&two).list(&ListParams::default()).await.unwrap_err();
    assert_eq!(code(&elsewhere), 404, "a kind of one cluster is none of another");
    let local = widgets(&world.cluster.client(&admin()));
    assert_eq!(code(&local.list(&ListParams::default()).await.unwrap_err()), 404);
    // An owner in another cluster is no owner: the object is collected in its own and nowhere else.
    let mut dependent = config_map("dependent", &json!({}));
    dependent.metadata.owner_references = Some(vec![
        serde_json::from_value(
            json!({ "apiVersion": "example.com/v1", "kind": "Widget", "name": "w",
            "uid": made.metadata.uid }),
        )
        .unwrap(),
    ]);
    let maps = |client: &kube::Client| api(client, "v1", "ConfigMap", Some("default"));
    maps(&one)
        .create(&PostParams::default(), &dependent)
        .await
        .unwrap();
    maps(&two)
        .create(&PostParams::default(), &dependent)
        .await
        .unwrap();
    widgets(&one)
        .delete("w", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    eventually("the dependent is collected", || async {
        maps(&one).get_opt("dependent").await.unwrap().is_none()
    })
    .await;
    assert!(maps(&two).get_opt("dependent").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_outlive_a_restart_and_leave_nothing_behind() {
    let mut world = world().await;
    let planes = world.cluster.control_planes("https://127.0.0.1:1");
    planes.ensure("one").await.unwrap();
    planes.ensure("two").await.unwrap();
    let token = planes.token("one", &Holder::Administrator).unwrap();
    let one = world.cluster.logical("one").unwrap().client(&admin());
    let maps = api(&one, "v1", "ConfigMap", Some("default"));
    let made = config_map("kept", &json!({ "a": "b" }));
    maps.create(&PostParams::default(), &made).await.unwrap();

    world.cluster.shutdown().await;
    (world.cluster, world.identities) = open(world.directory.path()).await;
    let planes = world.cluster.control_planes("https://127.0.0.1:1");
    assert_eq!(planes.names(), ["one", "two"]);
    assert_eq!(planes.token("one", &Holder::Administrator).unwrap(), token);
    let one = world.cluster.logical("one").unwrap().client(&admin());
    let maps = api(&one, "v1", "ConfigMap", Some("default"));
    assert!(maps.get_opt("kept").await.unwrap().is_some());

    planes.remove("one").await.unwrap();
    planes.remove("one").await.unwrap();
    assert!(world.cluster.logical("one").is_none());
    let late = maps
        .create(&PostParams::default(), &config_map("late", &json!({})))
        .await;
    assert!(late.is_err(), "a request that is late finds no store");
    world.cluster.shutdown().await;
    (world.cluster, world.identities) = open(world.directory.path()).await;
    let planes = world.cluster.control_planes("https://127.0.0.1:1");
    assert_eq!(planes.names(), ["two"]);
    planes.ensure("one").await.unwrap();
    let again = world.cluster.logical("one").unwrap().client(&admin());
    let maps = api(&again, "v1", "ConfigMap", Some("default"));
    assert!(
        maps.get_opt("kept").await.unwrap().is_none(),
        "nothing is left of the first"
    );
    assert_ne!(planes.token("one", &Holder::Administrator).unwrap(), token);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_works_with_the_kubeconfig_of_a_cluster() {
    if !has_kubectl() {
        return;
    }
    let world = world().await;
    let keys = Keys::open(&world.directory.path().join("keys")).unwrap();
    let url = serve(&world.cluster, &keys).await;
    let planes = world.cluster.control_planes(&url);
    planes.ensure("one").await.unwrap();
    planes.ensure("two").await.unwrap();
    let administrator = planes.token("one", &Holder::Administrator).unwrap();
    let config = kubeconfig(&planes, "one", &administrator);
    for arguments in [
        &["create", "namespace", "team"][..],
        &["create", "configmap", "a", "-n", "team", "--from-literal=k=v"],
        &["get", "configmaps", "-A"],
        &["explain", "configmap.data"],
        &["api-resources"],
    ] {
        let output = kubectl(&config, arguments).await;
        assert!(output.success, "{arguments:?}: {}{}", output.out, output.error);
    }
    let robot = kubectl(&config, &["create", "token", "default", "-n", "team"]).await;
    assert!(robot.success, "{}", robot.error);
    let robot = robot.out.trim().to_owned();
    let whoami = ["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"];
    let output = kubectl(&kubeconfig(&planes, "one", &robot), &whoami).await;
    assert_eq!(
        output.out, "system:serviceaccount:team:default",
        "{}",
        output.error
    );

    // Nobody's token opens another door: not that of the other cluster, and not the local one.
    let local = kubeconfig(&planes, "one", &administrator).replace("/clusters/one", "");
    let other = |token: &str| kubeconfig(&planes, "two", token);
    for config in [
        &local,
        &local.replace(&administrator, &robot),
        &other(&administrator),
        &other(&robot),
    ] {
        let output = kubectl(config, &["get", "namespaces"]).await;
        assert!(
            !output.success && output.error.contains("Unauthorized") || output.error.contains("logged in"),
            "{}{}",
            output.out,
            output.error
        );
    }
    let service_account = world.identities.service_account_token("team", "default").unwrap();
    let output = kubectl(&kubeconfig(&planes, "one", &service_account), &whoami).await;
    assert!(!output.success, "{}", output.out);

    // A person is known by name and may do what the cluster's own roles say.
    let alice = Holder::Person {
        user: "alice".to_owned(),
        groups: vec!["team-a".to_owned(), "system:masters".to_owned()],
    };
    let alice = kubeconfig(&planes, "one", &planes.token("one", &alice).unwrap());
    assert_eq!(kubectl(&alice, &whoami).await.out, "alice");
    let refused = kubectl(&alice, &["get", "configmaps", "-n", "team"]).await;
    assert!(refused.error.contains("Forbidden"), "{}", refused.error);
    let bind = [
        "create",
        "clusterrolebinding",
        "team-a",
        "--clusterrole=view",
        "--group=team-a",
    ];
    assert!(kubectl(&config, &bind).await.success);
    assert!(
        kubectl(&alice, &["get", "configmaps", "-n", "team"])
            .await
            .success
    );

    planes.set_running("one", false).await.unwrap();
    let stopped = kubectl(&config, &["get", "namespaces"]).await;
    assert!(stopped.error.contains("unable to handle"), "{}", stopped.error);
    planes.set_running("one", true).await.unwrap();
    planes.rotate("one").await.unwrap();
    assert!(!kubectl(&config, &["get", "namespaces"]).await.success);
    planes.remove("one").await.unwrap();
    let gone = kubectl(&config, &["get", "namespaces"]).await;
    assert!(!gone.success, "{}", gone.out);
}
