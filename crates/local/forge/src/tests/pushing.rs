use std::time::Instant;

use pave_git::{Change, GitError, Mirror, Signature, commit_and_push};

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn clone_commit_push_in_every_protocol() {
    let scene = Scene::new().await;
    for version in ["0", "1", "2"] {
        let name = format!("v{version}");
        let protocol = format!("protocol.version={version}");
        scene
            .git_ok(
                "alice",
                scene.root.path(),
                &["-c", &protocol, "clone", "-q", "URL", &name],
            )
            .await;
        let checkout = scene.path(&name);
        assert!(checkout.join("infra/xrd.yaml").is_file());
        scene
            .commit(&checkout, &format!("environments/team-a/{name}.yaml"), b"x\n")
            .await;
        scene
            .git_ok(
                "alice",
                &checkout,
                &["-c", &protocol, "push", "-q", "origin", "main"],
            )
            .await;
        let local = scene.git_ok("alice", &checkout, &["rev-parse", "HEAD"]).await;
        assert_eq!(scene.tip("main").await.unwrap(), local.trim());
        scene
            .git_ok("alice", &checkout, &["-c", &protocol, "fetch", "-q"])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_push_says_what_is_missing() {
    let scene = Scene::new().await;
    let before = scene.tip("main").await;
    let checkout = scene.checkout("alice", "work").await;
    scene
        .commit(&checkout, "environments/team-a/good.yaml", b"x\n")
        .await;
    scene.commit(&checkout, "infra/xrd.yaml", b"evil\n").await;
    let (pushed, printed) = scene.git("alice", &checkout, &["push", "origin", "main"]).await;
    assert!(!pushed);
    let expected = [
        "remote: alice may not change infra/xrd.yaml in pave/platform/platform-configs",
        "remote:   missing rule: verb push on nonResourceURL /forge/pave/platform/platform-configs/infra/xrd.yaml",
        "remote:   ask the group platform",
        "! [remote rejected] main -> main (pre-receive hook declined)",
    ];
    for line in expected {
        assert!(printed.contains(line), "{line}\n{printed}");
    }
    assert!(!printed.contains("good.yaml"), "{printed}");
    // Undoing it in a second commit does not help: the first is still new.
    scene.commit(&checkout, "infra/xrd.yaml", b"kind: X\n").await;
    let (pushed, printed) = scene.git("alice", &checkout, &["push", "origin", "main"]).await;
    assert!(!pushed, "{printed}");
    assert_eq!(scene.tip("main").await, before);
    // Refused objects leave nothing behind, and neither do the pipes.
    let left = std::fs::read_dir(scene.path("forge/hooks")).unwrap().count();
    assert_eq!(left, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_not_for_everybody_to_rewrite() {
    let scene = Scene::new().await;
    let checkout = scene.checkout("alice", "work").await;
    scene
        .commit(&checkout, "environments/team-a/one.yaml", b"1\n")
        .await;
    scene
        .git_ok("alice", &checkout, &["push", "-q", "origin", "main"])
        .await;
    scene
        .git_ok(
            "alice",
            &checkout,
            &["commit", "-q", "--amend", "-m", "Another message"],
        )
        .await;
    let (pushed, printed) = scene
        .git("alice", &checkout, &["push", "-f", "origin", "main"])
        .await;
    assert!(!pushed && printed.contains("/refs/heads/main"), "{printed}");
    let (pushed, printed) = scene
        .git("alice", &checkout, &["push", "origin", "HEAD~1:refs/heads/free"])
        .await;
    assert!(!pushed && printed.contains("/refs/heads/free"), "{printed}");
    let (pushed, printed) = scene
        .git("alice", &checkout, &["push", "origin", "HEAD:refs/notes/x"])
        .await;
    assert!(
        !pushed && printed.contains("only branches and tags can"),
        "{printed}"
    );
    // With a change of her own on it the branch is hers to make, and only hers.
    scene
        .git_ok(
            "alice",
            &checkout,
            &["push", "-q", "origin", "HEAD:refs/heads/topic"],
        )
        .await;
    let (pushed, _) = scene
        .git("alice", &checkout, &["push", "origin", ":refs/heads/topic"])
        .await;
    assert!(!pushed);
    scene
        .git_ok("admin", &checkout, &["push", "-q", "-f", "URL", "main"])
        .await;
    scene
        .git_ok("admin", &checkout, &["push", "-q", "URL", ":refs/heads/topic"])
        .await;
    let (pushed, printed) = scene
        .git("admin", &checkout, &["push", "URL", ":refs/heads/main"])
        .await;
    assert!(!pushed && printed.contains("default branch"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_kept_out() {
    let scene = Scene::new().await;
    let (cloned, printed) = scene
        .git("bob", scene.root.path(), &["clone", "-q", "URL", "b"])
        .await;
    assert!(!cloned && printed.contains("403"), "{printed}");
    let url = scene.clone_url();
    let (cloned, printed) = scene
        .git("bob", scene.root.path(), &["clone", "-q", url.as_str(), "c"])
        .await;
    assert!(
        !cloned && printed.contains("could not read Username"),
        "{printed}"
    );
    let mut remote = scene.remote("alice");
    remote.credential = Some(pave_git::Credential::Bearer("wrong".to_owned()));
    let mirror = Mirror::open(&scene.path("m"), remote.clone()).await.unwrap();
    assert!(matches!(mirror.fetch().await, Err(GitError::Unauthorized { .. })));
    remote.credential = Some(pave_git::Credential::Bearer(scene.token("alice").to_owned()));
    Mirror::open(&scene.path("n"), remote.clone())
        .await
        .unwrap()
        .fetch()
        .await
        .unwrap();
    remote.url.set_path("/pave/platform/_git/nothing");
    let mirror = Mirror::open(&scene.path("o"), remote).await.unwrap();
    assert!(matches!(mirror.fetch().await, Err(GitError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_the_projects_name_needs_no_project() {
    let scene = Scene::new().await;
    let repository = scene
        .forge
        .create_repository("pave", "My Tool", "My Tool")
        .await
        .unwrap();
    let files = [Change::write("a", "1")];
    scene
        .forge
        .seed(&repository, &files, "First", &scene.admin)
        .await
        .unwrap();
    let mut remote = scene.remote("admin");
    for path in [
        "/pave/_git/My%20Tool",
        "/PAVE/my%20tool/_git/my%20tool",
        "/pave/My%20Tool/_git/My%20Tool.git",
    ] {
        remote.url.set_path(path);
        let mirror = Mirror::open(&scene.path(&path.replace(['/', '%'], "")), remote.clone())
            .await
            .unwrap();
        mirror.fetch().await.unwrap();
        mirror.resolve("").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_commit_once_and_fast() {
    let scene = Scene::new().await;
    let (remote, author) = (
        scene.remote("alice"),
        Signature::new("Alice", "alice@example.com"),
    );
    let work = scene.path("work");
    let mut times = Vec::new();
    for index in 0..12 {
        let change = [Change::write(
            format!("environments/team-a/e{index}.yaml"),
            format!("n: {index}\n"),
        )];
        let key = format!("task/{index}");
        let started = Instant::now();
        let pushed = commit_and_push(&work, &remote, "main", &author, "Add", &change, Some(&key))
            .await
            .unwrap();
        times.push(started.elapsed());
        assert_eq!(scene.tip("main").await.unwrap(), pushed.commit.as_str());
        let again = commit_and_push(&work, &remote, "main", &author, "Add", &change, Some(&key))
            .await
            .unwrap();
        assert_eq!((again.commit, again.already), (pushed.commit, true));
    }
    times.sort();
    // Loose, because tests share the machine.
    assert!(times[0].as_millis() < 500, "{times:?}");
    let evil = [Change::write("infra/xrd.yaml", "evil")];
    let refused = commit_and_push(&work, &remote, "main", &author, "Evil", &evil, None)
        .await
        .unwrap_err();
    let GitError::Rejected { branch, reason } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(branch, "main");
    assert!(
        reason.starts_with("alice may not change infra/xrd.yaml"),
        "{reason}"
    );
    assert!(reason.contains("ask the group platform"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rivals_all_get_through() {
    let scene = Scene::new().await;
    let author = Signature::new("Alice", "alice@example.com");
    let rival = async |index: usize| {
        let work = scene.path(&format!("rival{index}"));
        let change = [Change::write(format!("environments/team-a/{index}.yaml"), "x")];
        commit_and_push(
            &work,
            &scene.remote("alice"),
            "main",
            &author,
            "Race",
            &change,
            None,
        )
        .await
        .unwrap()
    };
    let (a, b, c) = tokio::join!(rival(1), rival(2), rival(3));
    assert!(!a.already && !b.already && !c.already);
    let objects = scene.repository.objects();
    let tip = pave_git::Commit::parse(&scene.tip("main").await.unwrap()).unwrap();
    assert_eq!(
        objects
            .list(&tip, "environments/team-a", false)
            .await
            .unwrap()
            .len(),
        4
    );
    assert_eq!(objects.log(&tip, None, 10).await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn big_pushes_and_clones_stream() {
    let scene = Scene::new().await;
    let checkout = scene.checkout("alice", "work").await;
    // Bytes that do not compress.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(10 * 1024 * 1024)
    .collect();
    scene
        .commit(&checkout, "environments/team-a/big.bin", &noise)
        .await;
    // Git's small default buffer makes it send the pack in chunks.
    scene
        .git_ok("alice", &checkout, &["push", "-q", "origin", "main"])
        .await;
    let again = scene.checkout("alice", "again").await;
    assert!(std::fs::read(again.join("environments/team-a/big.bin")).unwrap() == noise);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_negotiation_comes_packed() {
    let scene = Scene::new().await;
    let checkout = scene.checkout("admin", "work").await;
    // Many local commits that the forge does not know make a request of more than a kilobyte.
    for index in 0..40 {
        scene
            .git_ok(
                "admin",
                &checkout,
                &["commit", "-q", "--allow-empty", "-m", &index.to_string()],
            )
            .await;
    }
    let other = scene.checkout("admin", "other").await;
    scene.commit(&other, "new", b"x").await;
    scene
        .git_ok("admin", &other, &["push", "-q", "origin", "main"])
        .await;
    for protocol in ["protocol.version=0", "protocol.version=2"] {
        scene
            .git_ok("admin", &checkout, &["-c", protocol, "fetch", "-q"])
            .await;
    }
    let fetched = scene
        .git_ok("admin", &checkout, &["rev-parse", "origin/main"])
        .await;
    assert_eq!(fetched.trim(), scene.tip("main").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pushes_past_the_forge() {
    let scene = Scene::new().await;
    let checkout = scene.checkout("alice", "work").await;
    scene.commit(&checkout, "infra/x", b"x").await;
    let bare = scene.repository.directory().display().to_string();
    let hooks = format!("core.hooksPath={}", scene.path("forge/hooks").display());
    let receive = format!("--receive-pack=git -c {hooks} receive-pack");
    let (pushed, printed) = scene
        .git("alice", &checkout, &["push", &receive, &bare, "main"])
        .await;
    assert!(!pushed && printed.contains("through the forge only"), "{printed}");
}
