use crate::stderr::{classify, remote_lines};
use crate::{Commit, Credential, GitError, RefName, Remote, check_path, trailers};

#[test]
fn paths_stay_inside() {
    let cases = [
        ("a", true),
        ("./a/b.yaml", true),
        ("a b/ü.yaml", true),
        ("environments/.gitkeep", true),
        ("", false),
        (".", false),
        ("/etc/passwd", false),
        ("..", false),
        ("a/../b", false),
        ("a//b", false),
        ("a/", false),
        (".git/config", false),
        ("a/.GIT/x", false),
        ("GIT~1/x", false),
        (".git. /x", false),
        ("a\\b", false),
        ("a\nb", false),
    ];
    for (path, good) in cases {
        assert_eq!(check_path(path).is_ok(), good, "{path:?}");
    }
}

#[test]
fn reference_names() {
    let cases = [
        ("main", true),
        ("refs/heads/team-a/x", true),
        ("v1.0", true),
        ("-x", false),
        ("a..b", false),
        ("a.lock", false),
        ("a b", false),
        ("a@{1}", false),
        ("a:b", false),
        ("a^", false),
        (".a", false),
        ("a//b", false),
        ("", false),
    ];
    for (name, good) in cases {
        assert_eq!(RefName::parse(name).is_ok(), good, "{name:?}");
    }
    assert_eq!(RefName::parse("main").unwrap().branch(), "refs/heads/main");
    assert!(Commit::parse("abc").is_err());
}

#[test]
fn trailers_are_the_last_paragraph() {
    assert_eq!(trailers("a\n\nK: v\nL: w\n x").last().unwrap().1, "w x");
    assert!(trailers("just: prose\nand more").is_empty());
    assert!(trailers("").is_empty());
}

#[test]
fn credentials_stay_hidden() {
    let mut remote = Remote::new("https://bob:s3cret@example.com/x".parse().unwrap());
    assert_eq!(remote.public_url().as_str(), "https://example.com/x");
    assert!(!format!("{remote:?}").contains("s3cret"));
    remote.credential = Some(Credential::token("t0ken"));
    assert!(!format!("{remote:?}").contains("t0ken"));
    let program = crate::Program::new(std::path::Path::new("/nowhere")).with_remote(&remote);
    assert!(!format!("{program:?}").contains("t0ken"));
    let command = program.command(&["fetch", "origin"]);
    let arguments: Vec<_> = command
        .as_std()
        .get_args()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    assert_eq!(arguments, ["fetch", "origin"]);
}

#[test]
fn failures_are_told_apart() {
    let url = "https://forge/x";
    let kind = |text: &str| match classify("fetch", url, Some(128), text) {
        GitError::Unauthorized { .. } => "unauthorized",
        GitError::NotFound { .. } => "not found",
        GitError::Unreachable { .. } => "unreachable",
        GitError::Failed { .. } => "failed",
        _ => "other",
    };
    assert_eq!(
        kind("fatal: Authentication failed for 'https://forge/x'"),
        "unauthorized"
    );
    assert_eq!(
        kind("fatal: could not read Username for 'https://forge': terminal prompts disabled"),
        "unauthorized"
    );
    assert_eq!(
        kind("fatal: repository 'https://forge/x/' not found"),
        "not found"
    );
    assert_eq!(kind("fatal: couldn't find remote ref refs/heads/x"), "not found");
    assert_eq!(
        kind("fatal: unable to access 'x': Failed to connect to 127.0.0.1 port 1"),
        "unreachable"
    );
    assert_eq!(kind("fatal: bad object"), "failed");
    assert_eq!(
        remote_lines("remote: one        \nremote: two\nremote: \nother"),
        ["one", "two"]
    );
}
