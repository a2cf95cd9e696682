use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pave_runtime::Tasks;
use serde_json::{Value, json};

use super::host::Host;
use super::neighbours::{World, alice, completion, create, finished, messages, template};
use crate::SourceFile;

fn skeleton() -> Vec<SourceFile> {
    vec![SourceFile {
        path: "main.tf".to_owned(),
        content: b"resource \"azurerm_resource_group\" \"example\" {\n  name = \"${{ values.name }}\"\n}\n"
            .to_vec(),
        ..SourceFile::default()
    }]
}

/// The second story's template with its placeholders filled in, its steps and output in full.
fn story(host: &Host) -> Value {
    let mut template = template(&json!([
        { "id": "cloneAzureRepo", "name": "Clone Azure Repo", "action": "azure:repo:clone", "input": {
            "remoteUrl": host.remote_url(), "branch": "main", "targetPath": "./sub-directory" } },
        { "id": "fetch", "name": "Template Skeleton", "action": "fetch:template", "input": {
            "url": format!("{}?path=/terraform/skeleton", host.remote_url()),
            "targetPath": "./sub-directory/terraform/changed", "replace": true,
            "values": { "name": "${{ parameters.envName }}" } } },
        { "id": "pushAzureRepo", "name": "Push to Remote Azure Repo", "action": "azure:repo:push", "input": {
            "branch": "requests", "sourcePath": "./sub-directory",
            "gitCommitMessage": "Add ${{ parameters.envName }} project files" } },
        { "id": "pullRequestAzureRepo", "name": "Create a Pull Request to Azure Repo", "action": "azure:repo:pr", "input": {
            "sourceBranch": "requests", "targetBranch": "main", "repoId": "repository",
            "title": "${{ parameters.envName }}", "project": "platform", "organization": "acme",
            "description": "This is a pull request from Backstage", "supportsIterations": false } },
    ]));
    template["spec"]["output"] = json!({ "links": [
        { "title": "Repository", "url": "dev.azure.com?owner=platform&repo=repository&organization=acme" },
        { "title": "Open in catalog", "icon": "catalog", "entityRef": "${{ steps.register.output.entityRef }}" },
    ] });
    template
}

async fn request(scaffolder: &crate::Scaffolder, template: &Value, name: &str) -> (Value, Vec<String>) {
    let id = create(scaffolder, template, json!({ "envName": name }), json!({})).await;
    let events = finished(scaffolder, &id).await;
    (completion(&events).clone(), messages(&events))
}

#[tokio::test]
async fn the_second_story_runs_as_it_stands() {
    let (mut world, tasks) = (World::new(), Tasks::new());
    world.skeleton = skeleton();
    let host = Host::serve(&world).await;
    let scaffolder = world.open(&tasks).await;
    let (end, log) = request(&scaffolder, &story(&host), "orders").await;
    assert_eq!(end["error"], Value::Null, "{end} {log:#?}");
    // The output that names a step which does not exist drops its field, as upstream, and fails nothing.
    let links = &end["output"]["links"];
    assert_eq!(links[1], json!({ "title": "Open in catalog", "icon": "catalog" }));
    assert!(
        world
            .remote(&["show", "requests:terraform/changed/main.tf"])
            .contains("\"orders\"")
    );
    let changed = world.remote(&["diff", "--name-status", "main", "requests"]);
    assert_eq!(changed, "A\tterraform/changed/main.tf\n");
    let author = world.remote(&["log", "-1", "--format=%an <%ae> %s", "requests"]);
    assert_eq!(author, "Alice <alice@example.com> Add orders project files\n");
    let pulls = host.pulls.lock().unwrap().clone();
    assert_eq!(pulls.len(), 1);
    assert_eq!(pulls[0]["sourceRefName"], "refs/heads/requests");
    assert_eq!(pulls[0]["title"], "orders");
}

#[tokio::test]
async fn a_second_request_on_the_same_branch_is_told() {
    let (mut world, tasks) = (World::new(), Tasks::new());
    world.skeleton = skeleton();
    let host = Host::serve(&world).await;
    let scaffolder = world.open(&tasks).await;
    let story = story(&host);
    request(&scaffolder, &story, "orders").await;
    let plan = scaffolder
        .plan(&alice(), &story, json!({ "envName": "billing" }))
        .await
        .unwrap();
    assert_eq!(plan.error, None);
    assert!(
        plan.diagnostics.iter().any(|it| it.code == "PV1531"
            && it
                .message
                .contains("was changed in the branch by \"Add orders project files\"")),
        "{:#?}",
        plan.diagnostics
    );
    assert_eq!(plan.files[0].path, "terraform/changed/main.tf");

    let (end, log) = request(&scaffolder, &story, "billing").await;
    assert_eq!(end["error"], Value::Null, "{end}");
    let said = |text: &str| log.iter().any(|line| line.contains(text));
    assert!(
        said("`requests` already holds 1 commit that is not in `main`"),
        "{log:#?}"
    );
    assert!(said("asked for by user:default/alice"), "{log:#?}");
    assert!(said("pull request 1 (\"orders\", opened by Alice)"), "{log:#?}");
    // On top, not by force; one pull request, which names both.
    assert_eq!(world.remote(&["rev-list", "--count", "main..requests"]), "2\n");
    let pulls = host.pulls.lock().unwrap().clone();
    assert_eq!(pulls.len(), 1);
    let description = pulls[0]["description"].as_str().unwrap();
    assert!(
        description.contains("Also in this pull request: billing"),
        "{description}"
    );
}

#[tokio::test]
async fn a_merged_branch_begins_where_main_stands() {
    let (mut world, tasks) = (World::new(), Tasks::new());
    world.skeleton = skeleton();
    let host = Host::serve(&world).await;
    let scaffolder = world.open(&tasks).await;
    let story = story(&host);
    request(&scaffolder, &story, "orders").await;
    world.git(&["-C", "seed", "pull", "--quiet", "origin", "requests"]);
    std::fs::write(world.path("seed/terraform/changed/main.tf"), "# by hand\n").unwrap();
    Host::commit(&world, "seed", "Merged, and changed by hand");
    host.pulls.lock().unwrap()[0]["status"] = json!("completed");

    let plan = scaffolder
        .plan(&alice(), &story, json!({ "envName": "billing" }))
        .await
        .unwrap();
    let codes: Vec<&str> = plan.diagnostics.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["PV1530"], "{:#?}", plan.diagnostics);
    assert_eq!(
        plan.diagnostics[0].message,
        "`terraform/changed/main.tf` exists in `main` already and would be changed"
    );
    let owner = plan.diagnostics[0].labels[0].text.clone();
    assert!(
        owner.contains("\"Merged, and changed by hand\" by bob"),
        "{owner}"
    );

    let (end, log) = request(&scaffolder, &story, "billing").await;
    assert_eq!(end["error"], Value::Null, "{end}");
    assert!(!log.iter().any(|line| line.contains("already holds")), "{log:#?}");
    assert!(
        log.iter()
            .any(|line| line.contains("`terraform/changed/main.tf` existed and was changed")),
        "{log:#?}"
    );
    // One commit on top of main: it merges without a conflict.
    assert_eq!(world.remote(&["rev-list", "--count", "main..requests"]), "1\n");
    assert_eq!(world.remote(&["rev-list", "--count", "requests..main"]), "0\n");
    assert_eq!(host.pulls.lock().unwrap().len(), 2);
}

/// Stops at a point of the story as a crash would, starts again, and looks that nothing was done twice.
async fn interrupted(point: &'static str) {
    let mut world = World::new();
    world.skeleton = skeleton();
    let host = Host::serve(&world).await;
    let events = cut_off(&world, &story(&host), point).await;
    assert_eq!(completion(&events)["error"], Value::Null, "{point}: {events:#?}");
    assert_eq!(
        world.remote(&["rev-list", "--count", "main..requests"]),
        "1\n",
        "{point}"
    );
    assert_eq!(host.pulls.lock().unwrap().len(), 1, "{point}");
    assert_eq!(
        world.remote(&["diff", "--name-status", "main", "requests"]),
        "A\tterraform/changed/main.tf\n",
        "{point}"
    );
    assert!(
        !messages(&events)
            .iter()
            .any(|line| line.contains("already holds")),
        "{point}: its own commit is nobody else's"
    );
}

#[tokio::test]
async fn a_cut_off_story_does_nothing_twice() {
    for point in [
        "began cloneAzureRepo",
        "recorded cloneAzureRepo",
        "recorded fetch",
        "pushed pushAzureRepo",
        "recorded pushAzureRepo",
        "opened pullRequestAzureRepo",
        "did pullRequestAzureRepo",
    ] {
        interrupted(point).await;
    }
}

#[tokio::test]
async fn what_git_ignores_stays_out_and_a_git_directory_is_no_trap() {
    let (mut world, tasks) = (World::new(), Tasks::new());
    world.skeleton = vec![
        SourceFile {
            path: ".git/config".to_owned(),
            content: b"[core]\n\tfsmonitor = touch /tmp/pave-must-not-exist\n".to_vec(),
            ..SourceFile::default()
        },
        SourceFile {
            path: "debug.log".to_owned(),
            content: b"noise".to_vec(),
            ..SourceFile::default()
        },
    ];
    let host = Host::serve(&world).await;
    let scaffolder = world.open(&tasks).await;
    let template = template(&json!([
        { "id": "clone", "action": "azure:repository:clone", "input": { "remoteUrl": host.remote_url(), "targetPath": "r" } },
        { "id": "fetch", "action": "fetch:plain", "input": { "url": "./skeleton", "targetPath": "r" } },
        { "id": "delete", "action": "fs:delete", "input": { "files": ["r/run.sh"] } },
        { "id": "push", "action": "azure:repository:push", "input": { "branch": "b", "sourcePath": "r", "remoteUrl": host.remote_url() } },
        { "id": "pr", "action": "azure:pr:create", "input": { "sourceBranch": "b", "targetBranch": "main", "repoName": "repository",
          "title": "t", "project": "platform", "autoComplete": true, "mergeStrategy": "Squash" } },
    ]));
    let (end, log) = request(&scaffolder, &template, "x").await;
    assert_eq!(end["error"], Value::Null, "{end} {log:#?}");
    assert_eq!(
        world.remote(&["diff", "--name-status", "main", "b"]),
        "D\trun.sh\n"
    );
    assert!(!std::path::Path::new("/tmp/pave-must-not-exist").exists());
    let pulls = host.pulls.lock().unwrap().clone();
    assert_eq!(pulls[0]["autoCompleteSetBy"]["id"], "id-of-alice");
    assert_eq!(pulls[0]["completionOptions"]["mergeStrategy"], "squash");
    assert_eq!(pulls[0]["completionOptions"]["deleteSourceBranch"], true);
}

#[tokio::test]
async fn a_push_without_a_clone_says_what_is_missing() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let template =
        template(&json!([{ "id": "push", "action": "azure:repo:push", "input": { "sourcePath": "./x" } }]));
    let (end, _) = request(&scaffolder, &template, "x").await;
    assert_eq!(
        end["error"]["message"],
        "there is no cloned repository in `./x`: a step with `azure:repo:clone` must come first"
    );
}

#[tokio::test]
async fn a_new_repository_is_published_once() {
    for point in ["none", "created publish", "pushed publish", "did publish"] {
        let world = World::new();
        let host = Host::serve(&world).await;
        let steps = json!([
            { "id": "make", "action": "fetch:plain:file", "input": { "url": "https://host/a.md", "targetPath": "out/README.md" } },
            { "id": "publish", "action": "publish:azure", "input": { "sourcePath": "out", "defaultBranch": "trunk",
              "repoUrl": format!("{}?organization=acme&project=platform&repo=fresh", host.address) } },
        ]);
        let mut template = template(&steps);
        template["spec"]["output"] = json!({ "id": "${{ steps.publish.output.repositoryId }}", "url": "${{ steps.publish.output.remoteUrl }}" });
        let events = cut_off(&world, &template, point).await;
        let end = completion(&events);
        assert_eq!(end["error"], Value::Null, "{point}: {events:#?}");
        assert_eq!(end["output"]["id"], "id-of-fresh");
        let files = world.git(&["-C", "fresh.git", "ls-tree", "-r", "--name-only", "trunk"]);
        assert_eq!(files, "README.md\n");
        assert_eq!(
            world.git(&["-C", "fresh.git", "rev-list", "--count", "trunk"]),
            "1\n",
            "{point}"
        );
        assert_eq!(host.default_branch("fresh"), "refs/heads/trunk");

        // Somebody else's repository is not taken.
        let tasks = Tasks::new();
        let scaffolder = world.open(&tasks).await;
        let (end, _) = request(&scaffolder, &template, "again").await;
        let message = end["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("TF400948") && message.contains("publish:azure:pull-request"),
            "{message}"
        );
    }
}

/// Runs a template that is cut off at a point and goes on after a new start.
async fn cut_off(world: &World, template: &Value, point: &'static str) -> Vec<crate::Event> {
    let reached = Arc::new(tokio::sync::Notify::new());
    if point == "none" {
        reached.notify_one();
    }
    let (tasks, armed) = (Tasks::new(), AtomicBool::new(true));
    let signal = Arc::clone(&reached);
    let scaffolder = world
        .open_with(&tasks, |context| {
            context.interrupt = Some(Arc::new(move |name: &str| {
                let hit = name == point && armed.swap(false, Ordering::SeqCst);
                if hit {
                    signal.notify_one();
                }
                hit
            }));
        })
        .await;
    let id = create(&scaffolder, template, json!({ "envName": "orders" }), json!({})).await;
    tokio::time::timeout(super::neighbours::DEADLINE, reached.notified())
        .await
        .unwrap();
    if point == "none" {
        return finished(&scaffolder, &id).await;
    }
    tasks.shutdown(super::neighbours::DEADLINE).await;
    let tasks = Tasks::new();
    let scaffolder = world.open(&tasks).await;
    finished(&scaffolder, &id).await
}

#[tokio::test]
async fn a_change_is_proposed_and_not_mixed_with_another() {
    let (world, tasks) = (World::new(), Tasks::new());
    let host = Host::serve(&world).await;
    let scaffolder = world.open(&tasks).await;
    let steps = |update: bool| {
        template(&json!([
            { "id": "make", "action": "fetch:plain:file", "input": { "url": "https://host/${{ parameters.envName }}", "targetPath": "out/a.md" } },
            { "id": "propose", "action": "publish:azure:pull-request", "input": { "sourcePath": "out", "targetPath": "docs",
              "branchName": "proposal", "title": "${{ parameters.envName }}", "description": "d", "draft": true,
              "filesToDelete": ["run.sh"], "update": update,
              "repoUrl": format!("{}?organization=acme&project=platform&repo=repository", host.address) } },
        ]))
    };
    let (end, log) = request(&scaffolder, &steps(false), "one").await;
    assert_eq!(end["error"], Value::Null, "{end} {log:#?}");
    assert_eq!(
        world.remote(&["diff", "--name-status", "--no-renames", "main", "proposal"]),
        "A\tdocs/a.md\nD\trun.sh\n"
    );
    assert_eq!(host.pulls.lock().unwrap()[0]["isDraft"], true);
    let (end, _) = request(&scaffolder, &steps(false), "two").await;
    let message = end["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("branch `proposal` exists already") && message.contains("update: true"),
        "{message}"
    );
    let (end, log) = request(&scaffolder, &steps(true), "three").await;
    assert_eq!(end["error"], Value::Null, "{end} {log:#?}");
    assert_eq!(host.pulls.lock().unwrap().len(), 1);
    assert_eq!(world.remote(&["rev-list", "--count", "main..proposal"]), "2\n");
}
