//! What is read is what was pushed last, and nothing is fetched twice.

use futures::future::join_all;

use super::served::Served;
use crate::{HostReader, Reader};

/// The content of the only file of a folder.
async fn content(reader: &HostReader, url: &str) -> String {
    let tree = reader.read_tree(url).await.unwrap();
    let contents: Vec<_> = tree
        .files
        .iter()
        .map(|file| String::from_utf8_lossy(&file.bytes))
        .collect();
    contents.join(",")
}

#[tokio::test]
async fn a_push_is_seen_and_nothing_is_fetched_in_vain() {
    // What a comparison costs: greetings, questions, fetches. A host of version 2 is greeted once.
    for (newest, first, later) in [
        ("version=2", [1, 1, 0], [0, 1, 0]),
        ("version=1", [1, 0, 0], [1, 0, 0]),
        ("", [1, 0, 0], [1, 0, 0]),
    ] {
        let served = Served::new(newest).await;
        let (reader, url) = (served.reader(), served.url("?path=/t"));
        served.push("t/a", "one").await;
        assert_eq!(content(&reader, &url).await, "one", "{newest}");
        assert_eq!(served.counts()[2], 1, "{newest}");
        for compared in [first, later] {
            assert_eq!(content(&reader, &url).await, "one", "{newest}");
            assert_eq!(served.counts(), compared, "{newest}");
        }
        // Another folder is read from the copy.
        assert_eq!(
            content(&reader, &served.url("?version=GBmain")).await,
            "one",
            "{newest}"
        );
        assert_eq!(served.counts(), later, "{newest}");

        served.push("t/a", "two").await;
        assert_eq!(content(&reader, &url).await, "two", "{newest}");
        assert_eq!(served.counts()[2], 1, "{newest}");

        let restarted = served.reader();
        assert_eq!(content(&restarted, &url).await, "two", "{newest}");
        assert_eq!(served.counts()[2], 0, "{newest}: the copy was there already");
        // A crash of the machine may have lost what was not flushed: the first fetch after a start finds out.
        served.lose_objects();
        assert_eq!(content(&served.reader(), &url).await, "two", "{newest}");
        assert_eq!(served.counts()[2], 1, "{newest}");
    }
}

#[tokio::test]
async fn many_readers_share_a_comparison_and_none_sees_what_was_there_before_its_time() {
    let served = Served::new("version=2").await;
    let (reader, url) = (served.reader(), served.url("?path=/t"));
    for round in 0..3 {
        let pushed = format!("{round}");
        served.push("t/a", &pushed).await;
        let seen = join_all((0..20).map(|_| content(&reader, &url))).await;
        assert!(seen.iter().all(|content| *content == pushed), "{round}: {seen:?}");
        let [_, questions, fetches] = served.counts();
        // A fetch asks for itself.
        assert_eq!(fetches, 1, "{round}");
        assert!(questions <= 4, "{round}: {questions}");
    }
}

#[tokio::test]
async fn a_branch_that_is_gone_is_not_read_from_memory() {
    let served = Served::new("version=2").await;
    let reader = served.reader();
    served.push("t/a", "one").await;
    let remote = pave_git::Program::new(&served.root.path().join("remote.git"));
    remote.run(&["branch", "other", "main"], b"").await.unwrap();
    let url = served.url("?path=/t&version=GBother");
    assert_eq!(content(&reader, &url).await, "one");
    remote.run(&["branch", "-D", "other"], b"").await.unwrap();
    let error = reader.read_tree(&url).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    std::fs::remove_dir_all(served.root.path().join("remote.git")).unwrap();
    let gone = reader.read_tree(&served.url("?path=/t")).await;
    assert!(
        gone.is_err(),
        "a host that does not answer is not read from memory"
    );
}
