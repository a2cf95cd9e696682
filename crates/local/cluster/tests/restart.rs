//! What was acknowledged is there after a restart, and watches go on.

mod support;

use std::time::{Duration, Instant};

use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchParams};
use serde_json::json;
use support::*;

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_back_and_a_watch_resumes() {
    let directory = tempfile::tempdir().unwrap();
    let (uid, revision) = {
        let (cluster, _) = open(directory.path()).await;
        let client = cluster.client(&admin());
        let definitions = api(
            &client,
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            None,
        );
        definitions
            .create(&PostParams::default(), &object(widget_definition()))
            .await
            .unwrap();
        let widgets = api(&client, "example.com/v1", "Widget", Some("default"));
        let made = widgets
            .create(&PostParams::default(), &object(widget("w", "small")))
            .await
            .unwrap();
        let secrets = api(&client, "v1", "Secret", Some("default"));
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" },
            "stringData": { "password": "hunter2-in-clear" } });
        secrets
            .create(&PostParams::default(), &object(secret))
            .await
            .unwrap();
        let revision = widgets
            .list(&ListParams::default())
            .await
            .unwrap()
            .metadata
            .resource_version
            .unwrap();
        let grown = Patch::Merge(json!({ "spec": { "size": "large" } }));
        widgets.patch("w", &PatchParams::default(), &grown).await.unwrap();
        // No shutdown: what was acknowledged needs none.
        (made.metadata.uid, revision)
    };
    for file in ["cluster.db", "cluster.db-wal"] {
        let bytes = std::fs::read(directory.path().join(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            !text.contains("aHVudGVyMi1pbi1jbGVhcg"),
            "{file} holds the secret in clear"
        );
    }
    let started = Instant::now();
    let (cluster, _) = open(directory.path()).await;
    assert!(started.elapsed() < Duration::from_secs(2));
    let client = cluster.client(&admin());
    let widgets = api(&client, "example.com/v1", "Widget", Some("default"));
    let read = widgets.get("w").await.unwrap();
    assert_eq!(
        (read.metadata.uid, &read.data["spec"]["size"]),
        (uid, &json!("large"))
    );
    let secrets = api(&client, "v1", "Secret", Some("default"));
    assert_eq!(
        secrets.get("s").await.unwrap().data["data"]["password"],
        "aHVudGVyMi1pbi1jbGVhcg=="
    );
    let stream = widgets.watch(&WatchParams::default(), &revision).await.unwrap();
    let mut stream = std::pin::pin!(stream);
    assert_eq!(
        next(&mut stream).await,
        ("MODIFIED", "w".to_owned()),
        "the event from before the restart"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_and_watchers_agree() {
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("kube-system"));
    let revision = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    let watchers: Vec<_> = (0..20)
        .map(|_| {
            let (maps, revision) = (maps.clone(), revision.clone());
            tokio::spawn(async move {
                let parameters = WatchParams::default().labels("load=yes");
                let stream = maps.watch(&parameters, &revision).await.unwrap();
                let mut stream = std::pin::pin!(stream);
                let mut names = std::collections::BTreeSet::new();
                while names.len() < 160 {
                    let (kind, name) = next(&mut stream).await;
                    assert_eq!(kind, "ADDED");
                    assert!(names.insert(name), "an event came twice");
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let maps = maps.clone();
            tokio::spawn(async move {
                for index in 0..20 {
                    let mut map =
                        config_map(&format!("m-{writer}-{index}"), &json!({ "k": "v".repeat(1000) }));
                    map.metadata.labels = Some([("load".to_owned(), "yes".to_owned())].into());
                    maps.create(&PostParams::default(), &map).await.unwrap();
                }
            })
        })
        .collect();
    for task in writers.into_iter().chain(watchers) {
        task.await.unwrap();
    }
}

/// The other half of the next test: writes until it is killed, naming on standard output what was acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_writes() {
    use std::io::Write;
    let Some(directory) = std::env::var_os("PAVE_TEST_CLUSTER") else {
        return;
    };
    let (cluster, _) = open(std::path::Path::new(&directory)).await;
    let client = cluster.client(&admin());
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let maps = api(&client, "v1", "ConfigMap", Some("default"));
            tokio::spawn(async move {
                for index in 0.. {
                    let map = config_map(&format!("m-{writer}-{index}"), &json!({ "k": "v".repeat(500) }));
                    let made = maps.create(&PostParams::default(), &map).await.unwrap();
                    let revision = made.metadata.resource_version.unwrap();
                    let line = format!("acknowledged m-{writer}-{index} {revision}\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    use std::io::{BufRead, BufReader};
    let directory = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_writes", "--nocapture"])
            .env("PAVE_TEST_CLUSTER", directory.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = Vec::new();
        let mut note = |line: &str| {
            let mut words = line.split(' ').skip_while(|word| *word != "acknowledged").skip(1);
            if let (Some(name), Some(revision)) = (words.next(), words.next()) {
                acknowledged.push((name.to_owned(), revision.to_owned()));
            }
            acknowledged.len()
        };
        while note(&lines.next().unwrap().unwrap()) < 20 + 13 * round {}
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line);
        }
        child.wait().unwrap();
        let (cluster, _) = open(directory.path()).await;
        let maps = api(&cluster.client(&admin()), "v1", "ConfigMap", Some("default"));
        for (name, revision) in acknowledged {
            let found = maps.get(&name).await.unwrap();
            assert_eq!(found.metadata.resource_version, Some(revision), "{name}");
        }
        for map in maps.list(&ListParams::default()).await.unwrap() {
            let name = map.metadata.name.unwrap();
            if name.starts_with("m-") {
                maps.delete(&name, &kube::api::DeleteParams::default())
                    .await
                    .unwrap();
            }
        }
        cluster.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn informers_of_both_kinds_follow() {
    use futures::StreamExt;
    use kube::runtime::watcher::{Config, Event, watcher};
    let world = world().await;
    let client = world.cluster.client(&admin());
    let maps = api(&client, "v1", "ConfigMap", Some("default"));
    for config in [Config::default(), Config::default().streaming_lists()] {
        let name = format!("i-{}", config.bookmarks);
        maps.create(&PostParams::default(), &config_map(&name, &json!({})))
            .await
            .unwrap();
        let stream = watcher(maps.clone(), config);
        let mut stream = std::pin::pin!(stream);
        let mut seen = Vec::new();
        loop {
            let event = tokio::time::timeout(Duration::from_secs(10), stream.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            match event {
                Event::InitApply(object) => seen.push(object.metadata.name.unwrap()),
                Event::InitDone => break,
                _ => {}
            }
        }
        assert!(seen.contains(&name), "{seen:?}");
        maps.delete(&name, &kube::api::DeleteParams::default())
            .await
            .unwrap();
        loop {
            let event = tokio::time::timeout(Duration::from_secs(10), stream.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            if let Event::Delete(object) = event {
                assert_eq!(object.metadata.name.as_deref(), Some(name.as_str()));
                break;
            }
        }
    }
}
