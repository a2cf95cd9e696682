//! Cherry-picks and reverts: changes of some commits, made once more or undone on a new branch.

use pave_auth::Principal;
use pave_git::{Commit, Program, Signature};
use serde_json::Value;

use super::Failure;
use crate::changes::{EMPTY_TREE, ZERO};
use crate::forge::Forge;
use crate::pull::{PullRequest, complete::listed, merge, merge::Merged};
use crate::repository::Repository;
use crate::store::{Job, Kind, Update};

/// The most commits of one request.
const COPIED: usize = 100;

/// The way from one tree to another, to be gone again.
struct Change {
    from: String,
    to: String,
    /// What it is called, and its commit.
    subject: String,
    commit: String,
    author: Signature,
}

pub(super) async fn copy(
    forge: &Forge,
    principal: &Principal,
    repository: &Repository,
    job: &Job,
) -> Result<(), Failure> {
    let text = |pointer: &str| job.parameters.pointer(pointer).and_then(Value::as_str);
    let onto = text("/ontoRefName").unwrap_or_default();
    let name = text("/generatedRefName").unwrap_or_default().to_owned();
    let git = repository.git();
    let head = repository.tip(onto).await?;
    let gone = || Failure::new("targetBranchDeleted", format!("There is no branch {onto}."));
    let mut head = head.ok_or_else(gone)?.to_string();
    let by = Signature::new(&principal.display_name, &principal.email);
    for change in changes(forge, repository, &job.parameters).await? {
        head = apply(&git, &head, &change, job.kind, &by).await?;
    }
    let _turn = forge.turn(repository).await;
    if repository.tip(&name).await?.is_some() {
        let message = format!("There is a branch {name} already; choose another name.");
        return Err(Failure::new("refNameConflict", message));
    }
    let update = Update {
        name,
        old: ZERO.to_owned(),
        new: head,
    };
    forge.update(principal, repository, &[update]).await?;
    Ok(())
}

async fn changes(forge: &Forge, repository: &Repository, parameters: &Value) -> Result<Vec<Change>, Failure> {
    if let Some(id) = parameters
        .pointer("/source/pullRequestId")
        .and_then(Value::as_i64)
    {
        let pull = forge.store().pull(id).await?;
        let pull = pull.filter(|it| it.repository == repository.id);
        let missing = || Failure::new("other", format!("There is no pull request {id} here."));
        return of_pull(&pull.ok_or_else(missing)?).map(|change| vec![change]);
    }
    let wanted = parameters.pointer("/source/commitList").and_then(Value::as_array);
    let ids: Vec<&str> = wanted
        .into_iter()
        .flatten()
        .filter_map(|it| it.get("commitId").and_then(Value::as_str))
        .collect();
    if ids.len() > COPIED {
        let message = format!("At most {COPIED} commits are taken at once.");
        return Err(Failure::new("other", message));
    }
    let objects = repository.objects();
    let mut found = Vec::new();
    for id in ids {
        let commit = objects.first_commit(&[id.to_owned()]).await?;
        let commit = commit.ok_or_else(|| Failure::new("other", format!("There is no commit {id}.")))?;
        let log = objects.log(&commit, None, 1).await?;
        for info in log {
            let mut author = Signature::new(&info.author, &info.email);
            author.time = Some(info.time);
            // A merge changes what its first parent did not have.
            let parent = info.parents.first().map_or(EMPTY_TREE, Commit::as_str);
            found.push(Change {
                from: parent.to_owned(),
                to: commit.to_string(),
                subject: info.message(),
                commit: commit.to_string(),
                author,
            });
        }
    }
    Ok(found)
}

/// All that a pull request changes, or changed when it was completed.
fn of_pull(pull: &PullRequest) -> Result<Change, Failure> {
    let last = pull.iterations.last();
    let (from, to) = match last {
        Some(_) if pull.closed_by.is_some() && !pull.merge.commit.is_empty() => {
            (pull.merge.target.clone(), pull.merge.commit.clone())
        }
        Some(last) if !last.common.is_empty() => (last.common.clone(), last.source.clone()),
        _ => return Err(Failure::new("other", "The pull request changes nothing.")),
    };
    let by = &pull.created_by;
    Ok(Change {
        commit: to.clone(),
        from,
        to,
        subject: format!("Merged PR {}: {}", pull.id, pull.title),
        author: Signature::new(&by.display_name, &by.email),
    })
}

async fn apply(
    git: &Program,
    head: &str,
    change: &Change,
    kind: Kind,
    by: &Signature,
) -> Result<String, Failure> {
    let (subject, commit) = (change.subject.trim(), &change.commit);
    let (from, to, message) = if kind == Kind::Revert {
        let line = subject.lines().next().unwrap_or_default();
        let message = format!("Revert \"{line}\"\n\nThis reverts commit {commit}.\n");
        (&change.to, &change.from, message)
    } else {
        let message = format!("{subject}\n\n(cherry picked from commit {commit})\n");
        (&change.from, &change.to, message)
    };
    let tree = match merge::trees(git, head, to, Some(from)).await? {
        Merged::Tree(tree) => tree,
        Merged::Conflicts(paths) => {
            let message = format!("Commit {commit} conflicts in: {}.", listed(&paths));
            let mut failure = Failure::new("other", message);
            failure.conflict = true;
            return Err(failure);
        }
        Merged::Impossible(problem) => return Err(Failure::new("other", problem)),
    };
    if tree == merge::tree_of(git, head).await? {
        // It is there, or undone, already.
        return Ok(head.to_owned());
    }
    let author = if kind == Kind::Revert { by } else { &change.author };
    Ok(merge::commit(git, &tree, &[head], author, by, &message).await?)
}
