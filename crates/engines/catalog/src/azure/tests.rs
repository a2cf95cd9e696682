use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::Uri;
use futures::future::BoxFuture;
use pave_arm::{ArmClient, Credential, Environment};
use pave_devops::{Event, Feed, Project, RunState};
use pave_journal::{Hop, Journal};
use pave_names::{Direction, EntityRef, RoadId, Station};
use pave_runtime::Tasks;
use serde_json::{Value, json};

use super::{Found, Request, Subscription, entities, watch};
use crate::{Catalog, Options, SourceReader};

const ROAD: &str = "0af7651916cd43dd8448eb211c80319c";

fn group(name: &str, tags: &Value) -> Value {
    json!({ "id": format!("/subscriptions/s/resourceGroups/{name}"), "name": name, "location": "westeurope",
            "type": "Microsoft.Resources/resourceGroups", "tags": tags })
}

fn resource(of: &str, arm_type: &str, name: &str) -> Value {
    json!({ "id": format!("/subscriptions/s/resourceGroups/{of}/providers/{arm_type}/{name}"), "name": name,
            "location": "westeurope", "type": arm_type })
}

fn found(groups: &[Value], resources: &[Value], requests: &HashMap<String, Request>) -> Vec<Value> {
    entities(&Found {
        subscription: "s",
        groups,
        resources,
        requests,
        portal: "http://127.0.0.1:7007/",
        is_public: false,
        period: "after each run, and every 60 s",
    })
}

fn by_alice(id: &str) -> HashMap<String, Request> {
    let request = Request {
        road: ROAD.to_owned(),
        requested_by: Some("user:default/alice".to_owned()),
        team: Some("group:default/team-a".to_owned()),
    };
    HashMap::from([(id.to_lowercase(), request)])
}

#[test]
fn a_resource_group_becomes_a_resource() {
    let groups = [group("RG-One", &json!({ "Cost": "12", "stage": "Dev" }))];
    let requests = by_alice("/subscriptions/s/resourceGroups/rg-one");
    assert_eq!(
        found(&groups, &[], &requests),
        [json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Resource",
            "metadata": {
                "name": "RG-One", "namespace": "default", "title": "RG-One",
                "description": "Resource group of Azure in westeurope",
                "annotations": {
                    "backstage.io/managed-by-location": "azure-resource-manager:s",
                    "backstage.io/managed-by-origin-location": "azure-resource-manager:s",
                    "azure.com/resource-id": "/subscriptions/s/resourceGroups/RG-One",
                    "azure.com/location": "westeurope",
                    "pave.dev/refreshed": "after each run, and every 60 s",
                    "pave.dev/road": ROAD,
                    "pave.dev/requested-by": "user:default/alice",
                },
                "tags": ["cost:12", "stage:dev"],
                "links": [{ "title": "The request that made it", "url": format!("http://127.0.0.1:7007/roads/{ROAD}") }],
            },
            "spec": { "type": "azure-resource-group", "owner": "user:default/alice" },
        })]
    );
}

#[test]
fn tags_say_who_owns_it_and_what_it_is_part_of() {
    let none = HashMap::new();
    let check = |tags: &Value, requests: &HashMap<String, Request>, expected: &Value| {
        let made = found(&[group("a", tags)], &[], requests);
        assert_eq!(made[0]["spec"], *expected, "{tags}");
    };
    let kind = "azure-resource-group";
    check(&json!({}), &none, &json!({ "type": kind, "owner": "unknown" }));
    check(&Value::Null, &none, &json!({ "type": kind, "owner": "unknown" }));
    let alice = by_alice("/subscriptions/s/resourceGroups/a");
    // Pushed by hand: nobody asked, but its namespace is a team's.
    let mut pushed = alice.clone();
    for request in pushed.values_mut() {
        request.requested_by = None;
    }
    check(
        &json!({}),
        &alice,
        &json!({ "type": kind, "owner": "user:default/alice" }),
    );
    check(
        &json!({}),
        &pushed,
        &json!({ "type": kind, "owner": "group:default/team-a" }),
    );
    check(
        &json!({ "Owner": "team-a" }),
        &alice,
        &json!({ "type": kind, "owner": "group:default/team-a" }),
    );
    check(
        &json!({ "owner": "user:bob" }),
        &none,
        &json!({ "type": kind, "owner": "user:default/bob" }),
    );
    // An address is nobody's name in the catalog.
    check(
        &json!({ "owner": "bob@example.com" }),
        &alice,
        &json!({ "type": kind, "owner": "user:default/alice" }),
    );
    check(
        &json!({ "owner": "a", "system": "shop", "component": "component:web" }),
        &none,
        &json!({ "type": kind, "owner": "group:default/a", "system": "system:default/shop", "dependencyOf": ["component:default/web"] }),
    );
}

#[test]
fn names_and_types_of_what_is_in_a_group() {
    let resources = [
        resource("a", "Microsoft.DBforPostgreSQL/flexibleServers", "orders"),
        resource("a", "Microsoft.ManagedIdentity/userAssignedIdentities", "orders"),
        resource("a", "Microsoft.KeyVault/vaults", "secrets"),
    ];
    let made = found(
        &[group("a", &json!({})), group("ö(x)", &json!({}))],
        &resources,
        &HashMap::new(),
    );
    let told: Vec<String> = made
        .iter()
        .map(|it| {
            format!(
                "{} {} {}",
                it["metadata"]["name"], it["spec"]["type"], it["spec"]["dependsOn"]
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "\"a\" \"azure-resource-group\" null",
            "\"a.orders.postgresql-flexible-server\" \"azure-postgresql-flexible-server\" [\"resource:default/a\"]",
            "\"a.orders.user-assigned-identity\" \"azure-user-assigned-identity\" [\"resource:default/a\"]",
            "\"a.secrets\" \"azure-keyvault-vaults\" [\"resource:default/a\"]",
            "\"x-ca168884\" \"azure-resource-group\" null",
        ]
    );
}

/// No locations.
struct NoFiles;

impl SourceReader for NoFiles {
    fn read<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(async { Err("not there".to_owned()) })
    }

    fn resolve(&self, _: &str, target: &str) -> Result<String, String> {
        Ok(target.to_owned())
    }
}

type Groups = Arc<Mutex<Option<Vec<Value>>>>;

async fn answer(State(groups): State<Groups>, uri: Uri) -> (axum::http::StatusCode, axum::Json<Value>) {
    let path = uri.path();
    if path.ends_with("/token") {
        return (
            axum::http::StatusCode::OK,
            axum::Json(json!({ "access_token": "t", "expires_in": 3600 })),
        );
    }
    let listed = if path.ends_with("/resources") {
        Some(Vec::new())
    } else {
        groups.lock().unwrap().clone()
    };
    match listed {
        Some(value) => (axum::http::StatusCode::OK, axum::Json(json!({ "value": value }))),
        None => (axum::http::StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({}))),
    }
}

async fn arm(groups: &Groups) -> ArmClient {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new()
        .fallback(answer)
        .with_state(Arc::clone(groups));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .build()
        .unwrap();
    let credential = Credential::ClientSecret {
        tenant: "t".into(),
        client_id: "c".into(),
        client_secret: "x".into(),
    };
    ArmClient::new(http, Environment::new(&url, &url).unwrap(), credential)
}

struct World {
    directory: tempfile::TempDir,
    groups: Groups,
    catalog: Catalog,
    journal: Journal,
    feed: Feed,
}

impl World {
    async fn new(groups: &[Value]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let groups: Groups = Arc::new(Mutex::new(Some(groups.to_vec())));
        let catalog = open(directory.path()).await;
        let journal = Journal::open(&directory.path().join("journal.db")).unwrap();
        let feed = Feed::default();
        let subscription = Subscription {
            client: arm(&groups).await,
            id: "s".into(),
            is_public: false,
            journal: journal.clone(),
            feed: feed.clone(),
            portal: String::new(),
            // Longer than the test: only what happens makes it look.
            period: Duration::from_secs(3600),
        };
        watch(catalog.clone(), subscription, &Tasks::new());
        Self {
            directory,
            groups,
            catalog,
            journal,
            feed,
        }
    }

    fn owner(&self, name: &str) -> Option<Value> {
        let entity = self
            .catalog
            .entity(&EntityRef::new("resource", "default", name))?;
        Some(entity["spec"]["owner"].clone())
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let ends = tokio::time::Instant::now() + Duration::from_secs(20);
        while !holds(self) {
            assert!(tokio::time::Instant::now() < ends, "{what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn run_ended(&self) {
        self.feed.publish(Event::Run {
            project: Project {
                id: uuid::Uuid::nil(),
                organization: "o".into(),
                name: "p".into(),
            },
            build: 1,
            definition: 1,
            state: RunState::Succeeded,
        });
    }
}

async fn open(directory: &std::path::Path) -> Catalog {
    let options = Options {
        database: directory.join("catalog.db"),
        reader: Arc::new(NoFiles),
        allowed: Vec::new(),
        files: pave_hosts::LocalFiles::default(),
        locations: Vec::new(),
    };
    Catalog::open(options, &Tasks::new()).await.unwrap()
}

fn hop(station: Station, subject: &str, link: Value) -> Hop {
    let road: RoadId = ROAD.parse().unwrap();
    let mut hop = Hop::new(
        road,
        station,
        subject,
        pave_names::State::Ok,
        jiff::Timestamp::UNIX_EPOCH,
    );
    hop.link = link;
    hop
}

#[tokio::test]
async fn resources_come_and_go_with_runs_and_know_who_asked() {
    let world = World::new(&[group("first", &json!({}))]).await;
    world
        .until("the first look", |it| it.owner("first") == Some(json!("unknown")))
        .await;
    // A run made one; who asked is known a moment later.
    *world.groups.lock().unwrap() = Some(vec![group("first", &json!({})), group("second", &json!({}))]);
    world.run_ended();
    world
        .until("what the run made", |it| it.owner("second").is_some())
        .await;
    world
        .journal
        .record(hop(
            Station::Task,
            "task/1",
            json!({ "requestedBy": "user:default/alice" }),
        ))
        .await
        .unwrap();
    let id = "/subscriptions/s/resourceGroups/SECOND";
    let made = hop(Station::Cloud, &format!("cloud{id}"), json!({ "armId": id }));
    world.journal.record(made.clone()).await.unwrap();
    world
        .until("its requester", |it| {
            it.owner("second") == Some(json!("user:default/alice"))
        })
        .await;
    let second = EntityRef::new("resource", "default", "second");
    assert!(
        world.catalog.location_of(&second).await.is_err(),
        "there is nothing to unregister"
    );
    world.catalog.refresh(&second).await.unwrap();
    // While Azure does not answer, what is known stays; also over a restart.
    *world.groups.lock().unwrap() = None;
    world.run_ended();
    let again = open(world.directory.path()).await;
    assert!(again.entity(&second).is_some());
    // Gone there, gone here.
    *world.groups.lock().unwrap() = Some(vec![group("first", &json!({}))]);
    let mut gone = made;
    gone.direction = Direction::Down;
    world.journal.record(gone).await.unwrap();
    world
        .until("what is gone to go", |it| it.owner("second").is_none())
        .await;
    assert!(world.owner("first").is_some());
}

#[tokio::test]
async fn what_a_pushed_claim_made_belongs_to_the_team_of_its_namespace() {
    let world = World::new(&[group("first", &json!({}))]).await;
    let team = json!({ "apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": { "name": "team-a" },
                       "spec": { "type": "team", "children": [] } });
    world.catalog.provide("people", vec![team]).await.unwrap();
    let id = "/subscriptions/s/resourceGroups/first";
    let claim = json!({ "namespace": "team-a", "name": "orders" });
    for hop in [
        hop(Station::Claim, "claim/team-a/orders", claim),
        hop(Station::Cloud, &format!("cloud{id}"), json!({ "armId": id })),
    ] {
        world.journal.record(hop).await.unwrap();
    }
    world
        .until("its owner", |it| {
            it.owner("first") == Some(json!("group:default/team-a"))
        })
        .await;
}
