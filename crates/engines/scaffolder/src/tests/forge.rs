//! The second story against the house's own forge, with the person's own credential.

use std::sync::Arc;

use futures::future::BoxFuture;
use pave_auth::{AccessRequest, Authorizer, Decision, Identities, Principal};
use pave_git::{Change, Credential, Remote, Signature, commit_and_push};
use pave_local_forge::{Forge, Options};
use pave_runtime::Tasks;
use serde_json::{Value, json};
use url::Url;

use super::host::Secure;
use super::neighbours::{World, alice, completion, create, finished, messages, template};
use crate::{Credentials, SourceFile};

/// Everybody may do everything.
struct Open;

impl Authorizer for Open {
    fn authorize<'a>(&'a self, _: &'a Principal, _: &'a AccessRequest) -> BoxFuture<'a, Decision> {
        Box::pin(async {
            Decision {
                allowed: true,
                reason: String::new(),
            }
        })
    }
}

/// Shows the forge a token of the person.
struct Own(String);

impl Credentials for Own {
    fn credential<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a Url,
    ) -> BoxFuture<'a, Result<Option<Credential>, String>> {
        Box::pin(async { Ok(Some(Credential::token(self.0.clone()))) })
    }
}

struct Place {
    base: Url,
    token: String,
}

async fn forge(world: &World, tasks: &Tasks) -> Place {
    let keys = pave_keys::Keys::open(&world.path("keys")).unwrap();
    let identities = Identities::open(&world.path("identities.db"), keys.clone()).unwrap();
    let person = alice();
    identities
        .upsert_user(
            &person.entity,
            &person.display_name,
            &person.email,
            &person.groups,
        )
        .await
        .unwrap();
    let token = identities
        .issue_token(&person.entity, "test", None)
        .await
        .unwrap();
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("https://{}/", socket.local_addr().unwrap())).unwrap();
    let forge = Forge::open(Options {
        data: world.path("forge"),
        identities,
        authorizer: Arc::new(Open),
        base_url: base.clone(),
        keys: keys.clone(),
        tasks: tasks.clone(),
        feed: pave_devops::Feed::default(),
    })
    .await
    .unwrap();
    forge
        .create_repository("acme", "backstage", "demo")
        .await
        .unwrap();
    let (socket, router) = (Secure::new(socket, &keys), forge.router());
    drop(tokio::spawn(async move {
        axum::serve(socket, router).await.unwrap();
    }));
    let mut remote = Remote::new(base.join("acme/backstage/_git/demo").unwrap());
    remote.credential = Some(Credential::token(token.clone()));
    remote.authority = Some(keys.ca_path().to_owned());
    let author = Signature::new("Bob", "bob@example.com");
    let files = [Change::write(
        "terraform/base/main.tf",
        "name = \"${{ values.name }}\"\n",
    )];
    commit_and_push(
        &world.path("first"),
        &remote,
        "main",
        &author,
        "First",
        &files,
        None,
    )
    .await
    .unwrap();
    Place { base, token }
}

#[tokio::test]
async fn the_second_story_runs_on_the_forge() {
    let (mut world, tasks) = (World::new(), Tasks::new());
    world.skeleton = vec![SourceFile {
        path: "main.tf".to_owned(),
        content: b"name = \"${{ values.name }}\"\n".to_vec(),
        ..SourceFile::default()
    }];
    let place = forge(&world, &tasks).await;
    let token = place.token.clone();
    let scaffolder = world
        .open_with(&tasks, |context| context.credentials = Arc::new(Own(token)))
        .await;
    let remote = place.base.join("acme/backstage/_git/demo").unwrap();
    let template = template(&json!([
        { "id": "clone", "action": "azure:repo:clone", "input": { "remoteUrl": remote, "branch": "main", "targetPath": "./sub" } },
        { "id": "fetch", "action": "fetch:template", "input": { "url": "./skeleton", "targetPath": "./sub/terraform/changed", "replace": true,
            "values": { "name": "${{ parameters.envName }}" } } },
        { "id": "push", "action": "azure:repo:push", "input": { "branch": "requests", "sourcePath": "./sub", "gitCommitMessage": "Add ${{ parameters.envName }}" } },
        { "id": "pr", "action": "azure:repo:pr", "input": { "sourceBranch": "requests", "targetBranch": "main", "repoId": "demo",
            "title": "${{ parameters.envName }}", "project": "backstage", "organization": "acme", "supportsIterations": false } },
    ]));
    let mut template = template;
    template["spec"]["output"] = json!({ "id": "${{ steps.pr.output.pullRequestId }}", "existing": "${{ steps.pr.output.existing }}" });
    for (name, existing) in [("orders", false), ("billing", true)] {
        let id = create(&scaffolder, &template, json!({ "envName": name }), json!({})).await;
        let events = finished(&scaffolder, &id).await;
        let end = completion(&events);
        assert_eq!(end["error"], Value::Null, "{:#?}", messages(&events));
        assert_eq!(end["output"]["id"], 1);
        assert_eq!(end["output"]["existing"], existing);
    }
    let publish = json!([
        { "id": "make", "action": "fetch:plain:file", "input": { "url": "https://host/a.md", "targetPath": "out/README.md" } },
        { "id": "publish", "action": "publish:azure", "input": { "sourcePath": "out", "defaultBranch": "trunk",
          "repoUrl": format!("{}?organization=acme&project=backstage&repo=fresh", remote.authority()) } },
    ]);
    let id = create(
        &scaffolder,
        &super::neighbours::template(&publish),
        json!({ "envName": "x" }),
        json!({}),
    )
    .await;
    let events = finished(&scaffolder, &id).await;
    assert_eq!(
        completion(&events)["error"],
        Value::Null,
        "{:#?}",
        messages(&events)
    );
}
