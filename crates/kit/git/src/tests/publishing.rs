use super::{Scene, alice, git};
use crate::{Change, GitError, commit_and_push};

#[tokio::test]
async fn first_commit_and_next() {
    let scene = Scene::new().await;
    let first = scene
        .push("work", "First", &[Change::write("a/b", "1")], None)
        .await;
    assert!(!first.already);
    assert_eq!(
        scene.remote_git(&["rev-parse", "main"]).await,
        first.commit.as_str()
    );
    let mut script = Change::write("run.sh", "#!/bin/sh\n");
    script.executable = true;
    let second = scene
        .push("work", "Second", &[Change::delete("a"), script], None)
        .await;
    assert_eq!(
        scene.remote_git(&["rev-parse", "main~1"]).await,
        first.commit.as_str()
    );
    assert!(
        scene
            .remote_git(&["ls-tree", "-r", second.commit.as_str()])
            .await
            .starts_with("100755 blob")
    );
    assert_eq!(
        scene.remote_git(&["ls-tree", "-r", "--name-only", "main"]).await,
        "run.sh"
    );
    assert_eq!(
        git(&scene.work("work"), &["for-each-ref", "refs/pave/scratch"]).await,
        ""
    );
}

#[tokio::test]
async fn the_same_step_commits_once() {
    let scene = Scene::new().await;
    let change = [Change::write("a", "1")];
    let first = scene.push("one", "Add a", &change, Some("task/1")).await;
    scene
        .push("one", "Other", &[Change::write("a", "2")], Some("task/10"))
        .await;
    // Neither the same work directory nor another one makes a second commit.
    for work in ["one", "two"] {
        let again = scene.push(work, "Add a", &change, Some("task/1")).await;
        assert_eq!((again.commit, again.already), (first.commit.clone(), true));
    }
    assert_eq!(scene.remote_git(&["rev-list", "--count", "main"]).await, "2");
    assert_eq!(
        scene.remote_git(&["log", "-1", "--format=%B", "main~1"]).await,
        "Add a\n\nPave-Step: task/1"
    );
}

#[tokio::test]
async fn a_crash_after_the_push_is_found_again() {
    let scene = Scene::new().await;
    scene
        .push("work", "First", &[Change::write("a", "1")], None)
        .await;
    let known = git(&scene.work("work"), &["rev-parse", "refs/remotes/origin/main"]).await;
    let pushed = scene
        .push("work", "Second", &[Change::write("a", "2")], Some("k"))
        .await;
    // As if we had died before the push was noted locally.
    git(
        &scene.work("work"),
        &["update-ref", "refs/remotes/origin/main", &known],
    )
    .await;
    let again = scene
        .push("work", "Second", &[Change::write("a", "2")], Some("k"))
        .await;
    assert_eq!((again.commit, again.already), (pushed.commit, true));
}

#[tokio::test]
async fn nothing_to_change_makes_no_commit() {
    let scene = Scene::new().await;
    let first = scene.push("one", "First", &[Change::write("a", "1")], None).await;
    let again = scene
        .push(
            "one",
            "Again",
            &[Change::write("a", "1"), Change::delete("nope")],
            None,
        )
        .await;
    assert_eq!((again.commit, again.already), (first.commit, true));
    // Our memory says "unchanged", the remote has moved on.
    scene
        .push("two", "Second", &[Change::write("a", "2")], None)
        .await;
    let third = scene.push("one", "Third", &[Change::write("a", "1")], None).await;
    assert!(!third.already);
    assert_eq!(scene.remote_git(&["show", "main:a"]).await, "1");
}

#[tokio::test]
async fn rivals_all_get_through() {
    let scene = Scene::new().await;
    scene
        .push("seed", "Seed", &[Change::write("seed", "")], None)
        .await;
    let author = alice();
    let rival = |index: u32| {
        let (scene, author) = (&scene, &author);
        async move {
            let change = [Change::write(format!("f{index}"), "x")];
            let work = scene.work(&format!("w{index}"));
            commit_and_push(&work, &scene.remote, "main", author, "Race", &change, None)
                .await
                .unwrap();
        }
    };
    tokio::join!(rival(0), rival(1), rival(2), rival(3));
    assert_eq!(scene.remote_git(&["rev-list", "--count", "main"]).await, "5");
    assert_eq!(
        scene.remote_git(&["ls-tree", "--name-only", "main"]).await,
        "f0\nf1\nf2\nf3\nseed"
    );
}

#[tokio::test]
async fn a_new_branch_starts_at_the_default_branch() {
    let scene = Scene::new().await;
    let main = scene
        .push("work", "First", &[Change::write("a", "1")], None)
        .await;
    let change = [Change::write("b", "2")];
    let pushed = commit_and_push(
        &scene.work("work"),
        &scene.remote,
        "team/x",
        &alice(),
        "Branch",
        &change,
        None,
    )
    .await
    .unwrap();
    assert_eq!(pushed.branch, "team/x");
    assert_eq!(
        scene.remote_git(&["rev-parse", "team/x~1"]).await,
        main.commit.as_str()
    );
    // Merged and deleted on the other side: it starts anew.
    scene.remote_git(&["branch", "-D", "team/x"]).await;
    let again = commit_and_push(
        &scene.work("work"),
        &scene.remote,
        "team/x",
        &alice(),
        "Anew",
        &change,
        None,
    )
    .await
    .unwrap();
    assert_eq!(
        scene.remote_git(&["rev-parse", "team/x"]).await,
        again.commit.as_str()
    );
    assert_eq!(scene.remote_git(&["rev-list", "--count", "team/x"]).await, "2");
}

#[tokio::test]
async fn paths_that_lead_out_are_refused() {
    let scene = Scene::new().await;
    for path in ["../x", "/x", ".git/config", "a/../../x", ""] {
        let change = [Change::write(path, "x")];
        let refused = commit_and_push(
            &scene.work("work"),
            &scene.remote,
            "main",
            &alice(),
            "Bad",
            &change,
            None,
        )
        .await;
        assert!(matches!(refused, Err(GitError::InvalidPath { .. })), "{path}");
    }
    assert!(!scene.work("work").exists());
}
