use super::Scene;
use crate::{Change, ChangeKind, Commit, EntryKind, GitError, Mirror};

async fn story() -> (Scene, Mirror) {
    let scene = Scene::new().await;
    let first = [
        Change::write("a/one.yaml", "1"),
        Change::write("a/b/zwei ü.yaml", "2"),
        Change::write("x", "x"),
    ];
    scene.push("work", "First", &first, None).await;
    scene
        .push(
            "work",
            "Second\n\nwhy\n\nPave-Road: 7",
            &[Change::write("a/one.yaml", "one")],
            Some("t/1"),
        )
        .await;
    let mirror = Mirror::open(&scene.work("mirror"), scene.remote.clone())
        .await
        .unwrap();
    mirror.fetch().await.unwrap();
    (scene, mirror)
}

#[tokio::test]
async fn lists_and_reads() {
    let (_scene, mirror) = story().await;
    let head = mirror.resolve("").await.unwrap();
    let paths = |entries: Vec<crate::TreeEntry>| entries.into_iter().map(|e| e.path).collect::<Vec<_>>();
    assert_eq!(
        paths(mirror.list(&head, "", true).await.unwrap()),
        ["a/b/zwei ü.yaml", "a/one.yaml", "x"]
    );
    assert_eq!(
        paths(mirror.list(&head, "a/", false).await.unwrap()),
        ["a/b", "a/one.yaml"]
    );
    assert_eq!(
        mirror.list(&head, "", false).await.unwrap()[0].kind,
        EntryKind::Folder
    );
    assert!(mirror.list(&head, "nothing", true).await.unwrap().is_empty());
    assert_eq!(mirror.read(&head, "a/one.yaml").await.unwrap().unwrap(), b"one");
    assert_eq!(mirror.read(&head, "a").await.unwrap(), None);
    assert_eq!(mirror.read(&head, "missing").await.unwrap(), None);
    let wanted = ["x", "no", "a/b/zwei ü.yaml"].map(str::to_owned);
    let read = mirror.read_many(&head, &wanted).await.unwrap();
    assert_eq!(
        read,
        [
            ("x".to_owned(), b"x".to_vec()),
            ("a/b/zwei ü.yaml".to_owned(), b"2".to_vec())
        ]
    );
}

#[tokio::test]
async fn resolves_every_way_of_naming_a_commit() {
    let (scene, mirror) = story().await;
    scene.remote_git(&["tag", "v1", "main~1"]).await;
    scene
        .remote_git(&[
            "-c",
            "user.name=a",
            "-c",
            "user.email=b",
            "tag",
            "-a",
            "v2",
            "-m",
            "x",
            "main",
        ])
        .await;
    mirror.fetch().await.unwrap();
    let head = mirror.resolve("HEAD").await.unwrap();
    assert_eq!(head.as_str(), scene.remote_git(&["rev-parse", "main"]).await);
    for revision in [
        "",
        "main",
        "refs/heads/main",
        "v2",
        "refs/tags/v2",
        head.as_str(),
        head.short(),
    ] {
        assert_eq!(mirror.resolve(revision).await.unwrap(), head, "{revision}");
    }
    assert_ne!(mirror.resolve("v1").await.unwrap(), head);
    assert!(mirror.has_commit(&head).await);
    assert!(!mirror.has_commit(&Commit::parse(&"1".repeat(40)).unwrap()).await);
    let missing = mirror.resolve("nope").await.unwrap_err();
    assert!(
        missing.to_string().starts_with("revision `nope` in file://"),
        "{missing}"
    );
    assert!(matches!(
        mirror.resolve("main^").await,
        Err(GitError::InvalidName { .. })
    ));
}

#[tokio::test]
async fn follows_deleted_branches_and_empty_repositories() {
    let empty = Scene::new().await;
    let mirror = Mirror::open(&empty.work("mirror"), empty.remote.clone())
        .await
        .unwrap();
    mirror.fetch().await.unwrap();
    assert!(matches!(mirror.resolve("").await, Err(GitError::NotFound { .. })));

    let (scene, mirror) = story().await;
    scene.remote_git(&["branch", "old", "main"]).await;
    mirror.fetch().await.unwrap();
    mirror.resolve("old").await.unwrap();
    scene.remote_git(&["branch", "-D", "old"]).await;
    mirror.fetch().await.unwrap();
    assert!(mirror.resolve("old").await.is_err());
}

#[tokio::test]
async fn tells_history_and_who_touched_what() {
    let (_scene, mirror) = story().await;
    let head = mirror.resolve("main").await.unwrap();
    let log = mirror.log(&head, None, 10).await.unwrap();
    assert_eq!(
        log.iter().map(|c| c.subject.as_str()).collect::<Vec<_>>(),
        ["Second", "First"]
    );
    assert_eq!(log[0].trailer("pave-road"), Some("7"));
    assert_eq!(log[0].trailer("Pave-Step"), Some("t/1"));
    assert_eq!(log[0].parents, [log[1].commit.clone()]);
    assert_eq!(
        (log[0].author.as_str(), log[0].email.as_str()),
        ("Alice", "alice@example.com")
    );
    assert_eq!(mirror.log(&head, Some("x"), 10).await.unwrap().len(), 1);
    assert_eq!(mirror.log(&head, None, 1).await.unwrap().len(), 1);

    let last = mirror.last_commits(&head, "").await.unwrap();
    let subjects: Vec<_> = last
        .iter()
        .map(|(path, c)| (path.as_str(), c.subject.as_str()))
        .collect();
    assert_eq!(
        subjects,
        [
            ("a/b/zwei ü.yaml", "First"),
            ("a/one.yaml", "Second"),
            ("x", "First")
        ]
    );
    assert_eq!(mirror.last_commits(&head, "a/b").await.unwrap().len(), 1);

    let changes = mirror.diff_names(&log[1].commit, &head).await.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].path.as_str(), changes[0].kind),
        ("a/one.yaml", ChangeKind::Modified)
    );
}

#[tokio::test]
async fn a_remote_that_is_not_there() {
    let scene = Scene::new().await;
    let mut remote = scene.remote.clone();
    remote.url = "http://127.0.0.1:1/pave/x/_git/x".parse().unwrap();
    let mirror = Mirror::open(&scene.work("m"), remote.clone()).await.unwrap();
    let error = mirror.fetch().await.unwrap_err();
    assert!(matches!(error, GitError::Unreachable { .. }), "{error:?}");
    remote.url = "ssh://somewhere/x".parse().unwrap();
    assert!(matches!(
        Mirror::open(&scene.work("n"), remote).await,
        Err(GitError::UnsupportedUrl { .. })
    ));
}
