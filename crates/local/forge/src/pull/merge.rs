//! Merging in a bare repository: trees by `git merge-tree`, commits by `git commit-tree`. Nothing here moves a
//! branch.

use std::process::Stdio;
use std::time::Duration;

use pave_git::{GitError, Program, Signature, trailers};
use pave_names::annotation::{REQUESTED_BY_TRAILER, ROAD_TRAILER};

use crate::ForgeError;

/// How long one merge may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most commits that are replayed one by one.
const REPLAYED: usize = 2_000;
/// Trailers of the source that must not get lost: what ties a commit to the request it came from.
const KEPT: [&str; 2] = [ROAD_TRAILER, REQUESTED_BY_TRAILER];

/// What merging two trees gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Merged {
    Tree(String),
    /// The paths that both sides changed.
    Conflicts(Vec<String>),
    /// It cannot be tried at all, e.g. without a common history.
    Impossible(String),
}

/// Upstream's ways to complete a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    NoFastForward,
    Squash,
    Rebase,
    RebaseMerge,
}

impl Strategy {
    pub(crate) const ALL: [Self; 4] = [Self::NoFastForward, Self::Squash, Self::Rebase, Self::RebaseMerge];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NoFastForward => "noFastForward",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
            Self::RebaseMerge => "rebaseMerge",
        }
    }
}

/// Merges the trees of two commits; `base` replaces the common ancestor.
pub(crate) async fn trees(
    git: &Program,
    ours: &str,
    theirs: &str,
    base: Option<&str>,
) -> Result<Merged, ForgeError> {
    let base = base.map(|base| format!("--merge-base={base}"));
    let mut arguments = vec!["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
    arguments.extend(base.as_deref());
    arguments.extend([ours, theirs]);
    let output = merge_tree(git, &arguments).await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut parts = text.split('\0').filter(|part| !part.trim().is_empty());
    match (output.status.code(), parts.next()) {
        (Some(0), Some(tree)) => Ok(Merged::Tree(tree.trim().to_owned())),
        (Some(1), Some(_)) => {
            let mut paths: Vec<String> = parts.map(str::to_owned).collect();
            paths.dedup();
            Ok(Merged::Conflicts(paths))
        }
        _ => Ok(Merged::Impossible(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}

/// Runs `git merge-tree`, whose status 1 is an answer too.
pub(super) async fn merge_tree(
    git: &Program,
    arguments: &[&str],
) -> Result<std::process::Output, ForgeError> {
    let mut command = git.command(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let failed = |message: String| GitError::Failed {
        command: "merge-tree".to_owned(),
        status: None,
        message,
    };
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .map_err(|_| failed("it took longer than a minute".to_owned()))?;
    Ok(output.map_err(|error| failed(error.to_string()))?)
}

/// Makes a commit of a tree.
pub(crate) async fn commit(
    git: &Program,
    tree: &str,
    parents: &[&str],
    author: &Signature,
    committer: &Signature,
    message: &str,
) -> Result<String, ForgeError> {
    let mut git = git.clone();
    for (role, who) in [("AUTHOR", author), ("COMMITTER", committer)] {
        let time = who.time.unwrap_or_else(pave_runtime::clock::now).as_second();
        let name = if who.name.trim().is_empty() {
            "unknown"
        } else {
            &who.name
        };
        git = git
            .env(&format!("GIT_{role}_NAME"), name)
            .env(&format!("GIT_{role}_EMAIL"), &who.email)
            .env(&format!("GIT_{role}_DATE"), &format!("{time} +0000"));
    }
    let mut arguments = vec!["commit-tree", tree];
    for parent in parents {
        arguments.extend(["-p", parent]);
    }
    let printed = git.run(&arguments, message.as_bytes()).await?;
    Ok(String::from_utf8_lossy(&printed).trim().to_owned())
}

/// The tree of a commit.
pub(crate) async fn tree_of(git: &Program, commit: &str) -> Result<String, ForgeError> {
    let name = format!("{commit}^{{tree}}");
    let printed = git.run(&["rev-parse", "--verify", &name], b"").await?;
    Ok(String::from_utf8_lossy(&printed).trim().to_owned())
}

/// The newest common ancestor.
pub(crate) async fn common(git: &Program, one: &str, other: &str) -> Result<Option<String>, ForgeError> {
    match git.run(&["merge-base", one, other], b"").await {
        Ok(printed) => Ok(Some(String::from_utf8_lossy(&printed).trim().to_owned())),
        Err(GitError::Failed { status: Some(1), .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether `ancestor` is part of the history of `commit`.
pub(crate) async fn contains(git: &Program, commit: &str, ancestor: &str) -> Result<bool, ForgeError> {
    match git
        .run(&["merge-base", "--is-ancestor", ancestor, commit], b"")
        .await
    {
        Ok(_) => Ok(true),
        Err(GitError::Failed { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Puts the commits of `source` that `target` lacks on top of it, one by one; gives the new head, or the paths
/// that are in the way.
pub(crate) async fn replay(
    git: &Program,
    target: &str,
    source: &str,
    committer: &Signature,
) -> Result<Result<String, Merged>, ForgeError> {
    let objects = pave_git::Objects::new(git.directory());
    let range = format!("{target}..{source}");
    let printed = git
        .run(
            &[
                "rev-list",
                "--reverse",
                "--topo-order",
                "--no-merges",
                "--parents",
                &range,
            ],
            b"",
        )
        .await?;
    let text = String::from_utf8_lossy(&printed).into_owned();
    let lines: Vec<&str> = text.lines().take(REPLAYED + 1).collect();
    if lines.len() > REPLAYED {
        let problem =
            format!("more than {REPLAYED} commits would have to be rebased; squash or merge instead");
        return Ok(Err(Merged::Impossible(problem)));
    }
    let mut head = target.to_owned();
    for line in lines {
        let mut ids = line.split(' ');
        let (Some(id), Some(parent)) = (ids.next(), ids.next()) else {
            return Ok(Err(Merged::Impossible(
                "the histories have no common commit".to_owned(),
            )));
        };
        if parent == head {
            // It lies there already: nothing to rewrite.
            id.clone_into(&mut head);
            continue;
        }
        let tree = match trees(git, &head, id, Some(parent)).await? {
            Merged::Tree(tree) => tree,
            other => return Ok(Err(other)),
        };
        if tree == tree_of(git, &head).await? {
            continue;
        }
        let log = objects.log(&pave_git::Commit::parse(id)?, None, 1).await?;
        let Some(info) = log.into_iter().next() else {
            continue;
        };
        let message = info.message();
        let mut author = Signature::new(info.author, info.email);
        author.time = Some(info.time);
        head = commit(git, &tree, &[&head], &author, committer, &message).await?;
    }
    Ok(Ok(head))
}

/// The message with the trailers of the source's commits that it lacks.
pub(crate) async fn with_trailers(
    git: &Program,
    target: &str,
    source: &str,
    message: &str,
) -> Result<String, ForgeError> {
    let range = format!("{target}..{source}");
    let printed = git
        .run(
            &[
                "log",
                "-z",
                "--reverse",
                "--max-count=1000",
                "--format=%B",
                &range,
            ],
            b"",
        )
        .await?;
    let text = String::from_utf8_lossy(&printed).into_owned();
    Ok(merge_trailers(message, text.split('\0')))
}

/// Adds what `others` say under the trailers that must be kept.
fn merge_trailers<'a>(message: &str, others: impl Iterator<Item = &'a str>) -> String {
    let message = message.trim();
    // A first line alone is a subject, whatever it looks like.
    let body = message.split_once("\n\n").map_or("", |(_, body)| body);
    let mut present = trailers(body);
    let continues = !present.is_empty();
    let mut lines = String::new();
    for other in others {
        let body = other.trim().split_once("\n\n").map_or("", |(_, body)| body);
        for (key, value) in trailers(body) {
            let Some(key) = KEPT.iter().find(|kept| kept.eq_ignore_ascii_case(&key)) else {
                continue;
            };
            let known = present
                .iter()
                .any(|(name, old)| name.eq_ignore_ascii_case(key) && *old == value);
            if !known {
                lines.extend(["\n", key, ": ", &value]);
                present.push(((*key).to_owned(), value));
            }
        }
    }
    match (lines.is_empty(), continues) {
        (true, _) => format!("{message}\n"),
        (false, true) => format!("{message}{lines}\n"),
        (false, false) => format!("{message}\n{lines}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::merge_trailers;

    #[test]
    fn the_road_survives_a_squash() {
        let check = |message: &str, others: &[&str], expected: &str| {
            assert_eq!(
                merge_trailers(message, others.iter().copied()),
                expected,
                "{message}"
            );
        };
        let made = "Add x\n\nPave-Road: 7\nPave-Step: a/b";
        check("Merged", &[made], "Merged\n\nPave-Road: 7\n");
        check("Merged", &[made, made], "Merged\n\nPave-Road: 7\n");
        check(
            "Merged\n\nwhy\n\nPave-Road: 1",
            &[made],
            "Merged\n\nwhy\n\nPave-Road: 1\nPave-Road: 7\n",
        );
        check("Merged", &["Pave-Road: 7"], "Merged\n");
        check(
            "Merged: all",
            &["s\n\npave-road: 8"],
            "Merged: all\n\nPave-Road: 8\n",
        );
    }
}
