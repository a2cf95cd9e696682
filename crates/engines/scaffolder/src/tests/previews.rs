use base64::Engine as _;
use pave_runtime::Tasks;
use serde_json::json;

use super::neighbours::{World, alice, create, finished, messages, template};
use crate::{DirectoryFile, SourceFile};

fn skeleton() -> Vec<SourceFile> {
    let file = |path: &str, content: &str| SourceFile {
        path: path.to_owned(),
        content: content.into(),
        ..SourceFile::default()
    };
    vec![
        file(
            "claim.yaml",
            "name: ${{ values.name }}\n{% if values.user %}user: ${{ values.user }}\n{% endif %}",
        ),
        file("${{ values.name }}/raw.txt", "${{ values.name }}"),
        file("{% if values.nothing %}gone{% endif %}", "x"),
        SourceFile {
            path: "logo.png".to_owned(),
            content: vec![0, 159, 146, 150],
            ..SourceFile::default()
        },
        SourceFile {
            path: "run.sh".to_owned(),
            content: b"#!/bin/sh\n".to_vec(),
            executable: true,
            symlink: false,
        },
    ]
}

fn steps(remote: &str) -> serde_json::Value {
    json!([
        { "id": "fetch", "action": "fetch:template", "input": { "url": "./skeleton", "targetPath": "out", "copyWithoutTemplating": ["*/raw.txt"],
          "values": { "name": "${{ parameters.envName | lower }}", "user": "${{ parameters.dbUser }}" } } },
        { "id": "register", "action": "catalog:register", "input": { "catalogInfoUrl": "https://host/x.yaml" } },
        { "id": "publish", "action": "pave:repo:commit", "input": { "remoteUrl": remote, "sourcePath": "out", "targetPath": "envs",
          "filePath": "note-${{ parameters.envName }}.md", "content": "by ${{ user.ref }}" } },
    ])
}

#[tokio::test]
async fn what_is_planned_is_what_comes() {
    let (mut world, tasks) = (World::new(), Tasks::new());
    world.skeleton = skeleton();
    let scaffolder = world.open(&tasks).await;
    let template = template(&steps(&world.remote_url()));
    let values = json!({ "envName": "Orders" });
    let plan = scaffolder
        .plan(&alice(), &template, values.clone())
        .await
        .unwrap();
    assert_eq!(plan.error, None);
    assert_eq!(world.remote(&["for-each-ref"]), "", "a plan changes nothing");
    let paths: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "note-Orders.md",
            "envs/claim.yaml",
            "envs/logo.png",
            "envs/orders/raw.txt",
            "envs/run.sh"
        ]
    );
    let claim = &plan.files[1];
    assert_eq!(claim.text(), Some("name: orders\nuser: admin_user\n"));
    let sources: Vec<(&str, &str)> = claim
        .pieces
        .iter()
        .map(|piece| {
            (
                &claim.text().unwrap()[piece.start..piece.end],
                piece.source.as_str(),
            )
        })
        .collect();
    assert_eq!(
        sources,
        [
            ("orders", "parameters.envName"),
            ("admin_user", "parameters.dbUser")
        ]
    );
    assert_eq!(plan.files[0].path_pieces[0].source.as_str(), "parameters.envName");

    let id = create(&scaffolder, &template, values, json!({})).await;
    let log = messages(&finished(&scaffolder, &id).await);
    assert!(
        log.iter().all(|line| !line.contains("does not support dry-run")),
        "{log:?}"
    );
    let listed = world.remote(&["ls-tree", "-r", "--name-only", "main"]);
    let mut planned: Vec<&str> = paths;
    planned.sort_unstable();
    assert_eq!(listed.lines().collect::<Vec<_>>(), planned);
    for file in plan.files.iter().filter(|file| file.text().is_some()) {
        assert_eq!(
            world.remote(&["show", &format!("main:{}", file.path)]),
            file.text().unwrap(),
            "{}",
            file.path
        );
    }
    assert!(world.remote(&["ls-tree", "-r", "main"]).contains("100755 blob"));
}

#[tokio::test]
async fn a_dry_run_reads_the_uploaded_directory_and_masks_secrets() {
    let (world, tasks) = (World::new(), Tasks::new());
    let scaffolder = world.open(&tasks).await;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let directory = [DirectoryFile {
        path: "./skeleton/a.txt".to_owned(),
        executable: true,
        base64_content: encode("${{ values.key }} ${{ values.name }}"),
    }];
    let steps = json!([
        { "id": "fetch", "action": "fetch:template", "input": { "url": "./skeleton", "values": { "key": "${{ secrets.key }}", "name": "${{ parameters.envName }}" } } },
        { "id": "register", "action": "catalog:register", "input": { "catalogInfoUrl": "x" } },
        { "id": "show", "action": "debug:log", "input": { "message": "${{ steps.register.output.entityRef }}" } },
    ]);
    let preview = scaffolder
        .dry_run(
            &alice(),
            &template(&steps),
            json!({ "envName": "e" }),
            json!({ "key": "open-sesame" }),
            &directory,
        )
        .await
        .unwrap();
    assert_eq!(preview.error, None);
    let content = &preview.directory_contents[0];
    assert_eq!((content.path.as_str(), content.executable), ("a.txt", true));
    assert_eq!(content.base64_content, encode("*** e"));
    let log: Vec<&str> = preview
        .log
        .iter()
        .map(|line| line.body["message"].as_str().unwrap())
        .collect();
    assert!(
        log.contains(&"Skipping because catalog:register does not support dry-run"),
        "{log:?}"
    );
    assert!(log.contains(&"<example>"), "{log:?}");
    let invalid = scaffolder
        .dry_run(&alice(), &template(&steps), json!({}), json!({}), &[])
        .await
        .unwrap();
    assert_eq!(invalid.invalid.len(), 1);
}

#[tokio::test]
async fn a_skeleton_that_cannot_be_rendered_names_its_place() {
    let (mut world, tasks) = (World::new(), Tasks::new());
    world.skeleton = vec![SourceFile {
        path: "a.yaml".to_owned(),
        content: b"a: 1\nb: ${{ values.name | nosuch }}\n".to_vec(),
        ..SourceFile::default()
    }];
    let scaffolder = world.open(&tasks).await;
    let steps = json!([{ "id": "fetch", "action": "fetch:template", "input": { "url": "./skeleton", "values": {} } }]);
    let plan = scaffolder
        .plan(&alice(), &template(&steps), json!({ "envName": "e" }))
        .await
        .unwrap();
    let message = plan.error.unwrap().message;
    assert_eq!(message, "a.yaml:2:22: there is no filter `nosuch` [PV1502]");
}
