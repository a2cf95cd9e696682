//! Which paths an update of a reference changes.

use std::collections::BTreeSet;

use pave_git::{GitError, Program};

use crate::ForgeError;
use crate::store::Update;

/// Forty zeros: no object.
pub(crate) const ZERO: &str = "0000000000000000000000000000000000000000";
/// The tree without files; Git knows it without having it.
pub(crate) const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// The paths that a principal must be allowed to push for this update.
///
/// They are those of every commit that is new to the repository, so that a change and its undoing in one push do
/// not slip by, and those that differ between the old and the new end. What is not a change of files (a branch
/// at a known commit, a deletion, a rewritten history, a tag) asks for the reference's own name, such as
/// `refs/heads/main`.
pub(crate) async fn touched(
    git: &Program,
    default_branch: &str,
    update: &Update,
) -> Result<BTreeSet<String>, ForgeError> {
    let name = &update.name;
    let is_branch = name.starts_with("refs/heads/");
    if !is_branch && !name.starts_with("refs/tags/") {
        return refuse(format!("{name} cannot be pushed: only branches and tags can"));
    }
    if update.new == ZERO {
        if name == default_branch {
            return refuse(format!("{name} is the default branch and cannot be deleted"));
        }
        return Ok(BTreeSet::from([name.clone()]));
    }
    let news = news(git, &update.new).await?;
    let mut paths = news.paths.clone();
    let rewrites = if is_branch {
        let base = if update.old == ZERO {
            default_tip(git, default_branch).await?
        } else {
            Some(update.old.clone())
        };
        let one_step = news.commits.len() == 1
            && news
                .commits
                .iter()
                .all(|commit| commit.follows_only(base.as_deref()));
        if !one_step {
            paths.extend(difference(git, base.as_deref(), update).await?);
        }
        update.old != ZERO && !is_forward(git, &news, update).await?
    } else {
        // A tag that moves takes something away from whoever relied on it.
        update.old != ZERO
    };
    if rewrites || paths.is_empty() {
        paths.insert(name.clone());
    }
    Ok(paths)
}

/// A commit that the repository does not have in any branch or tag yet.
#[derive(Debug)]
struct NewCommit {
    parents: Vec<String>,
}

impl NewCommit {
    fn follows_only(&self, base: Option<&str>) -> bool {
        self.parents.iter().map(String::as_str).eq(base)
    }
}

#[derive(Debug, Default)]
struct News {
    commits: Vec<NewCommit>,
    paths: BTreeSet<String>,
}

/// The commits that come with the push and the paths they touch; for a merge those that differ from all parents.
async fn news(git: &Program, new: &str) -> Result<News, ForgeError> {
    let format = "--format=%x1e%H%x00%P%x00";
    let arguments = [
        "log",
        "-z",
        "-c",
        "--no-renames",
        "--name-only",
        format,
        new,
        "--not",
        // Those are the forge's own and were never pushed.
        "--exclude=refs/pull/*",
        "--exclude=refs/pave/*",
        "--all",
    ];
    let printed = git.run(&arguments, b"").await?;
    let mut news = News::default();
    let mut parents_next = false;
    for token in printed.split(|byte| *byte == 0) {
        let token = String::from_utf8_lossy(token);
        if parents_next {
            let parents = token
                .split(' ')
                .filter(|parent| !parent.is_empty())
                .map(str::to_owned)
                .collect();
            news.commits.push(NewCommit { parents });
            parents_next = false;
        } else if token.trim_start_matches('\n').starts_with('\u{1e}') {
            parents_next = true;
        } else {
            let path = token.strip_prefix('\n').unwrap_or(&token);
            if !path.is_empty() {
                news.paths.insert(path.to_owned());
            }
        }
    }
    Ok(news)
}

async fn default_tip(git: &Program, default_branch: &str) -> Result<Option<String>, ForgeError> {
    let printed = git
        .run(&["for-each-ref", "--format=%(objectname)", default_branch], b"")
        .await?;
    let text = String::from_utf8_lossy(&printed).trim().to_owned();
    Ok((!text.is_empty()).then_some(text))
}

/// What differs in the end; a new branch is compared to where it left the default branch.
async fn difference(git: &Program, base: Option<&str>, update: &Update) -> Result<Vec<String>, ForgeError> {
    let printed = match base {
        None => diff_tree(git, EMPTY_TREE, &update.new, false).await?,
        Some(base) if update.old != ZERO => diff_tree(git, base, &update.new, false).await?,
        Some(base) => match diff_tree(git, base, &update.new, true).await {
            // Histories without a common commit: everything in the new one counts.
            Err(GitError::Failed { .. }) => diff_tree(git, EMPTY_TREE, &update.new, false).await?,
            other => other?,
        },
    };
    let names = printed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect())
}

async fn diff_tree(git: &Program, from: &str, to: &str, merge_base: bool) -> Result<Vec<u8>, GitError> {
    let mut arguments = vec!["diff-tree", "-r", "-z", "--no-renames", "--name-only"];
    if merge_base {
        arguments.push("--merge-base");
    }
    arguments.extend([from, to]);
    git.run(&arguments, b"").await
}

/// Whether the new end contains the old one.
async fn is_forward(git: &Program, news: &News, update: &Update) -> Result<bool, ForgeError> {
    if news
        .commits
        .iter()
        .any(|commit| commit.parents.contains(&update.old))
    {
        return Ok(true);
    }
    match git
        .run(&["merge-base", "--is-ancestor", &update.old, &update.new], b"")
        .await
    {
        Ok(_) => Ok(true),
        Err(GitError::Failed { status: Some(1), .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn refuse<T>(line: String) -> Result<T, ForgeError> {
    Err(ForgeError::Refused(vec![line]))
}
