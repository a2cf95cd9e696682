//! The engine on an API server in process: whole stories, from a claim to a secret and back.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a story that cannot go on has failed"
)]

mod support;

use serde_json::{Value, json};
use support::{CLAIM, World, XR, claim, composition, condition, eventually};

const GROUP: &str = "platform.example.com/v1alpha1";

async fn one_server(world: &World) -> Value {
    eventually("a server", async || match world.servers().await.as_slice() {
        [server] => Ok(server.clone()),
        other => Err(format!("{other:#?}; claim: {:#}", world.claim().await)),
    })
    .await
}

async fn claim_is_ready(world: &World) -> Value {
    eventually("the claim is ready", async || {
        let claim = world.claim().await;
        if condition(&claim, "Ready").0 == "True" {
            Ok(claim)
        } else {
            Err(format!("{claim:#}"))
        }
    })
    .await
}

async fn claim_says(world: &World, kind: &str, part: &str) -> Value {
    eventually("the claim says why", async || {
        let claim = world.claim().await;
        if condition(&claim, kind).2.contains(part) {
            Ok(claim)
        } else {
            Err(format!("{claim:#}"))
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_becomes_a_secret_and_goes_again() {
    let world = World::new().await;
    world.platform().await;
    world.apply(claim("azure-dev")).await;
    let server = one_server(&world).await;
    assert_eq!(server["spec"]["database"], "orders");
    assert_eq!(
        server["metadata"]["annotations"]["pave.dev/road"],
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(server["metadata"]["labels"]["crossplane.io/claim-name"], "dev");
    world
        .set_condition(&server, "False", "Creating", "waiting for the cloud")
        .await;
    claim_says(&world, "Ready", "Server `srv-").await;
    world.make_ready(&server).await;
    let ready = claim_is_ready(&world).await;
    assert_eq!(ready["status"]["fqdn"], "srv.example.com");
    assert_eq!(ready["spec"]["compositionRef"]["name"], "azure");
    let secret = eventually("the uri", async || {
        let secret = world
            .get("v1", "Secret", Some("team-a"), "dev-connection")
            .await
            .unwrap_or_default();
        if secret["data"]["uri"].is_string() {
            Ok(secret)
        } else {
            Err(format!("{secret:#}"))
        }
    })
    .await;
    // postgresql://alice%40srv:p%2Fw@srv.example.com/orders
    assert_eq!(
        secret["data"]["uri"],
        "cG9zdGdyZXNxbDovL2FsaWNlJTQwc3J2OnAlMkZ3QHNydi5leGFtcGxlLmNvbS9vcmRlcnM="
    );
    assert_eq!(secret["type"], "connection.crossplane.io/v1alpha1");

    world.delete(GROUP, CLAIM, Some("team-a"), "dev").await;
    eventually("all is gone", async || {
        let left = (
            world.claim().await,
            world.composites().await,
            world.servers().await,
        );
        let secret = world.get("v1", "Secret", Some("team-a"), "dev-connection").await;
        if left.0.is_null() && left.1.is_empty() && left.2.is_empty() && secret.is_none() {
            Ok(())
        } else {
            Err(format!("{left:#?}"))
        }
    })
    .await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_put_back_and_said() {
    let world = World::new().await;
    world.platform().await;
    world.apply(claim("azure-dev")).await;
    let server = one_server(&world).await;
    world
        .merge(&server, json!({"spec": {"database": "hacked"}}), false)
        .await;
    eventually("the drift is put back", async || {
        let servers = world.servers().await;
        if servers[0]["spec"]["database"] == "orders" {
            Ok(())
        } else {
            Err(format!("{servers:#?}"))
        }
    })
    .await;
    eventually("an event says so", async || {
        let events = world.list("v1", "Event").await;
        let said = events.iter().any(|it| {
            it["reason"] == "CorrectedDrift" && it["message"].as_str().unwrap().contains("spec.database")
        });
        if said { Ok(()) } else { Err(format!("{events:#?}")) }
    })
    .await;
    world
        .delete(
            "example.com/v1",
            "Server",
            None,
            server["metadata"]["name"].as_str().unwrap(),
        )
        .await;
    eventually("a deleted resource comes back", async || {
        let servers = world.servers().await;
        let back = servers
            .iter()
            .any(|it| it["metadata"]["uid"] != server["metadata"]["uid"]);
        if back {
            Ok(())
        } else {
            Err(format!("{servers:#?}"))
        }
    })
    .await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_says_why_it_waits() {
    let world = World::new().await;
    world.platform().await;
    world.apply(claim("azure-prod")).await;
    let said = claim_says(
        &world,
        "Ready",
        "nearest: `azure` has the label `env: azure-dev` instead of `azure-prod`",
    )
    .await;
    assert_eq!(condition(&said, "Synced").0, "False");
    // The right label on the Composition is all that it takes.
    let mut relabelled = composition();
    relabelled["metadata"]["labels"]["env"] = json!("azure-prod");
    world.apply(relabelled).await;
    let server = one_server(&world).await;
    world
        .set_condition(&server, "False", "Unavailable", "the login `admin` is reserved")
        .await;
    claim_says(&world, "Ready", "the login `admin` is reserved").await;
    // What the API refuses stands in the claim as well.
    world
        .merge(&world.claim().await, json!({"spec": {"size": 0}}), false)
        .await;
    claim_says(&world, "Synced", "spec.size").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_makes_nothing_twice() {
    let mut world = World::new().await;
    world.platform().await;
    world.apply(claim("azure-dev")).await;
    world.restart_engine().await;
    let server = one_server(&world).await;
    world.restart_engine().await;
    world.make_ready(&server).await;
    claim_is_ready(&world).await;
    assert_eq!(
        (world.servers().await.len(), world.composites().await.len()),
        (1, 1)
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_composition_drops_is_deleted() {
    let world = World::new().await;
    world.platform().await;
    let mut two = composition();
    let mut second = two["spec"]["resources"][0].clone();
    second["name"] = json!("second");
    second["patches"] = json!([{"fromFieldPath": "spec.dbName", "toFieldPath": "spec.database"}]);
    second["base"]["spec"] = json!({"size": 2});
    two["spec"]["resources"].as_array_mut().unwrap().push(second);
    world.apply(two).await;
    world.apply(claim("azure-dev")).await;
    eventually("two servers", async || {
        let servers = world.servers().await;
        if servers.len() == 2 {
            Ok(())
        } else {
            Err(format!("{servers:#?}"))
        }
    })
    .await;
    world.apply(composition()).await;
    one_server(&world).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_composed_kind_may_come_late_and_pausing_stops_all() {
    let world = World::new().await;
    world.platform().await;
    let mut late = composition();
    late["spec"]["resources"][0]["base"]["kind"] = json!("Gadget");
    world.apply(late).await;
    world.apply(claim("azure-dev")).await;
    claim_says(&world, "Synced", "the cluster serves no kind `Gadget`").await;
    world.apply(composition()).await;
    let server = one_server(&world).await;
    let composite = world.composites().await.remove(0);
    world
        .merge(
            &composite,
            json!({"metadata": {"annotations": {"crossplane.io/paused": "true"}}}),
            false,
        )
        .await;
    eventually("the composite resource is paused", async || {
        let composite = world.composites().await.remove(0);
        if condition(&composite, "Synced").1 == "ReconcilePaused" {
            Ok(())
        } else {
            Err(format!("{composite:#}"))
        }
    })
    .await;
    world
        .merge(&server, json!({"spec": {"database": "kept"}}), false)
        .await;
    world.make_ready(&server).await;
    assert_eq!(world.servers().await[0]["spec"]["database"], "kept");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_an_xrd_takes_everything_in_order() {
    let world = World::new().await;
    world.platform().await;
    world.apply(claim("azure-dev")).await;
    one_server(&world).await;
    let xrd = "teamenvironments.platform.example.com";
    let established = world
        .get(
            "apiextensions.crossplane.io/v1",
            "CompositeResourceDefinition",
            None,
            xrd,
        )
        .await
        .unwrap();
    assert_eq!(
        condition(&established, "Established").0,
        "True",
        "{established:#}"
    );
    assert_eq!(condition(&established, "Offered").0, "True", "{established:#}");
    world
        .delete(
            "apiextensions.crossplane.io/v1",
            "CompositeResourceDefinition",
            None,
            xrd,
        )
        .await;
    eventually("XRD, CRDs and objects are gone", async || {
        let crds = world
            .list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            .await;
        let left: Vec<_> = crds
            .iter()
            .filter(|it| it["spec"]["group"] == "platform.example.com")
            .map(|it| it["metadata"].clone())
            .collect();
        let definition = world
            .get(
                "apiextensions.crossplane.io/v1",
                "CompositeResourceDefinition",
                None,
                xrd,
            )
            .await;
        let servers = world.servers().await;
        if left.is_empty() && definition.is_none() && servers.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{left:#?} {definition:#?} {servers:#?} {:#?} {:#}",
                world.composites().await,
                world.claim().await
            ))
        }
    })
    .await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_composite_of_another_claim_is_left_alone() {
    let world = World::new().await;
    world.platform().await;
    world.apply(json!({"apiVersion": GROUP, "kind": XR, "metadata": {"name": "taken"}, "spec": {"dbName": "theirs",
        "claimRef": {"apiVersion": GROUP, "kind": CLAIM, "namespace": "team-b", "name": "other"}}})).await;
    let mut bold = claim("azure-dev");
    bold["spec"]["resourceRef"] = json!({"apiVersion": GROUP, "kind": XR, "name": "taken"});
    world.apply(bold).await;
    claim_says(
        &world,
        "Synced",
        "refusing to operate on composite resource `taken`",
    )
    .await;
    world.delete(GROUP, CLAIM, Some("team-a"), "dev").await;
    eventually("only the claim is gone", async || {
        let claim = world.claim().await;
        if claim.is_null() {
            Ok(())
        } else {
            Err(format!("{claim:#}"))
        }
    })
    .await;
    assert_eq!(world.composites().await.len(), 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreground_deletion_waits_for_what_was_composed() {
    let world = World::new().await;
    world.platform().await;
    let mut patient = claim("azure-dev");
    patient["spec"]["compositeDeletePolicy"] = json!("Foreground");
    world.apply(patient).await;
    let server = one_server(&world).await;
    world
        .merge(
            &server,
            json!({"metadata": {"finalizers": ["example.com/cloud"]}}),
            false,
        )
        .await;
    world.delete(GROUP, CLAIM, Some("team-a"), "dev").await;
    let server = eventually("the server is being deleted", async || {
        let server = world.servers().await.remove(0);
        if server["metadata"]["deletionTimestamp"].is_string() {
            Ok(server)
        } else {
            Err(format!("{server:#}"))
        }
    })
    .await;
    assert_eq!(condition(&world.claim().await, "Ready").1, "Deleting");
    world
        .merge(&server, json!({"metadata": {"finalizers": null}}), false)
        .await;
    eventually("all is gone", async || {
        let left = (
            world.claim().await,
            world.composites().await,
            world.servers().await,
        );
        if left.0.is_null() && left.1.is_empty() && left.2.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:#?}"))
        }
    })
    .await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_when_nothing_changes() {
    let mut world = World::new().await;
    world.platform().await;
    let started = std::time::Instant::now();
    world.apply(claim("azure-dev")).await;
    let server = one_server(&world).await;
    let composed = started.elapsed();
    world.make_ready(&server).await;
    let made = std::time::Instant::now();
    claim_is_ready(&world).await;
    let ready = made.elapsed();
    assert!(
        composed.as_secs() < 5 && ready.as_secs() < 5,
        "composed after {composed:?}, ready after {ready:?}"
    );
    world.settle().await;
    let before = world.versions().await;
    // A fresh engine looks at everything anew and must find nothing to do.
    world.restart_engine().await;
    world.settle().await;
    assert_eq!(world.versions().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_is_survived() {
    let mut world = World::new().await;
    world.platform().await;
    for round in 0..16 {
        world.apply(claim("azure-dev")).await;
        // Not a wait for anything: each round ends the engine at another moment of its work.
        tokio::time::sleep(std::time::Duration::from_millis(round)).await;
        world.restart_engine().await;
        let server = one_server(&world).await;
        world.make_ready(&server).await;
        tokio::time::sleep(std::time::Duration::from_millis(round)).await;
        world.restart_engine().await;
        claim_is_ready(&world).await;
        assert_eq!(
            (world.servers().await.len(), world.composites().await.len()),
            (1, 1),
            "round {round}"
        );
        world.delete(GROUP, CLAIM, Some("team-a"), "dev").await;
        tokio::time::sleep(std::time::Duration::from_millis(round)).await;
        world.restart_engine().await;
        eventually("all is gone", async || {
            let left = (
                world.claim().await,
                world.composites().await,
                world.servers().await,
            );
            if left.0.is_null() && left.1.is_empty() && left.2.is_empty() {
                Ok(())
            } else {
                Err(format!("{left:#?}"))
            }
        })
        .await;
    }
    world.close().await;
}
