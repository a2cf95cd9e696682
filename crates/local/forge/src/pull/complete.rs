//! Completing a pull request: one commit (or several), one move of references, one row.
//!
//! The row says what is about to happen before the references move. They move in one transaction, the deletion of
//! the source branch with the merge. Whoever finds the note later, a start above all, looks at the target branch:
//! either the merge is there and the pull request is completed, or it is not and nothing has happened.

use pave_auth::Principal;
use pave_git::Signature;
use serde_json::Value;

use super::merge::{self, Merged, Strategy};
use super::policy::Policy;
use super::{Completing, Outcome, PullRequest, Status, short};
use crate::ForgeError;
use crate::changes::ZERO;
use crate::forge::Forge;
use crate::receive::Purpose;
use crate::repository::Repository;
use crate::store::{Note, Update};

/// How many names are listed one by one.
const NAMED: usize = 10;

impl Forge {
    /// Merges a pull request that is up to date. The caller holds the turn.
    pub(crate) async fn complete(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
        by: &Principal,
        options: &Value,
    ) -> Result<(), ForgeError> {
        mergeable(pull)?;
        let policies = self.policies_of(repository, &pull.target).await?;
        let bypass = flag(options, "bypassPolicy");
        if bypass {
            self.check_bypass(repository, pull, by).await?;
        } else {
            self.check_policies(repository, pull, &policies).await?;
        }
        let strategy = choose(options, &policies, bypass)?;
        let commit = self.merge_commit(repository, pull, by, strategy, options).await?;
        let mut updates = vec![Update {
            name: pull.target.clone(),
            old: pull.merge.target.clone(),
            new: commit.clone(),
        }];
        if flag(options, "deleteSourceBranch") && self.may_go(repository, pull, by).await? {
            updates.push(Update {
                name: pull.source.clone(),
                old: pull.merge.source.clone(),
                new: ZERO.to_owned(),
            });
        }
        let purpose = Purpose::Merge { source: &pull.source };
        // Refused before anything is written down, so that a refusal leaves no trace.
        self.may_update(by, repository, &repository.git(), &updates, purpose)
            .await?;
        pull.completing = Some(Completing {
            commit: commit.clone(),
            by: by.clone(),
            options: options.clone(),
        });
        self.keep_pull(repository, pull, Vec::new()).await?;
        if let Err(error) = self.update_for(by, repository, &updates, purpose).await {
            // The references may have moved all the same: what could fail is writing that down.
            self.resolve_completing(repository, pull).await?;
            return if pull.is_active() { Err(error) } else { Ok(()) };
        }
        self.conclude(repository, pull, commit, by.clone(), options.clone())
            .await
    }

    /// Compares what was about to happen with the target branch.
    pub(crate) async fn resolve_completing(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
    ) -> Result<(), ForgeError> {
        let Some(Completing { commit, by, options }) = pull.completing.clone() else {
            return Ok(());
        };
        let tip = repository.tip(&pull.target).await?;
        let merged = match &tip {
            Some(tip) => merge::contains(&repository.git(), tip.as_str(), &commit).await?,
            None => false,
        };
        tracing::info!(pull = pull.id, merged, "an interrupted merge was looked at");
        if merged {
            return self.conclude(repository, pull, commit, by, options).await;
        }
        pull.completing = None;
        self.keep_pull(repository, pull, Vec::new()).await
    }

    async fn conclude(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
        commit: String,
        by: Principal,
        options: Value,
    ) -> Result<(), ForgeError> {
        pull.status = Status::Completed;
        pull.closed_by = Some(by);
        pull.closed_at = Some(pave_runtime::clock::rfc3339());
        pull.merge.commit = commit;
        pull.merge.outcome = Outcome::Succeeded;
        pull.options = options;
        pull.completing = None;
        self.keep_pull(repository, pull, vec![Note::UPDATED, Note::MERGED])
            .await?;
        // The test merge has served; that it stays would do no harm.
        let name = pull.merge_ref();
        if let Err(error) = repository.git().run(&["update-ref", "-d", &name], b"").await {
            tracing::warn!(pull = pull.id, %error, "the test merge could not be removed");
        }
        Ok(())
    }

    async fn check_bypass(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        by: &Principal,
    ) -> Result<(), ForgeError> {
        let path = repository.access_path();
        let Err(reason) = self.allows(by, "bypass", path.clone()).await else {
            return Ok(());
        };
        Err(ForgeError::Refused(vec![
            format!(
                "{} may not bypass the policies of {} for pull request {}",
                by.user,
                short(&pull.target),
                pull.id
            ),
            format!("  missing rule: verb bypass on nonResourceURL {path}"),
            format!("  {reason}"),
        ]))
    }

    async fn check_policies(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        policies: &[Policy],
    ) -> Result<(), ForgeError> {
        let paths = self.changed_by(repository, pull).await?;
        let mut open = Vec::new();
        for policy in policies.iter().filter(|it| it.blocking) {
            let found = policy.evaluate(pull, &paths);
            if !found.passes() {
                open.push(format!("{} ({}): {}", policy.label(), found.status, found.reason));
            }
        }
        if open.is_empty() {
            Ok(())
        } else {
            Err(ForgeError::PolicyOpen(open))
        }
    }

    /// Whether the source branch may be deleted: not the default branch, no policy guards it, nobody else locked it.
    async fn may_go(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        by: &Principal,
    ) -> Result<bool, ForgeError> {
        if pull.source == repository.default_branch().await {
            return Ok(false);
        }
        let locks = self.store().locks(repository.id).await?;
        if locks.iter().any(|it| it.stops(&pull.source, by)) {
            return Ok(false);
        }
        let policies = self.policies_of(repository, &pull.source).await?;
        Ok(!policies.iter().any(|it| it.guards(repository.id, &pull.source)))
    }

    async fn merge_commit(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        by: &Principal,
        strategy: Strategy,
        options: &Value,
    ) -> Result<String, ForgeError> {
        let git = repository.git();
        let (source, target) = (pull.merge.source.as_str(), pull.merge.target.as_str());
        let committer = Signature::new(&by.display_name, &by.email);
        let given = options.get("mergeCommitMessage").and_then(Value::as_str);
        let given = given.filter(|text| !text.trim().is_empty());
        let message = given.map_or_else(|| format!("Merged PR {}: {}", pull.id, pull.title), str::to_owned);
        let message = merge::with_trailers(&git, target, source, &message).await?;
        let tree = merge::tree_of(&git, &pull.merge.commit).await?;
        match strategy {
            Strategy::NoFastForward => {
                merge::commit(&git, &tree, &[target, source], &committer, &committer, &message).await
            }
            Strategy::Squash => {
                let author = Signature::new(&pull.created_by.display_name, &pull.created_by.email);
                merge::commit(&git, &tree, &[target], &author, &committer, &message).await
            }
            Strategy::Rebase | Strategy::RebaseMerge => {
                let head = match merge::replay(&git, target, source, &committer).await? {
                    Ok(head) => head,
                    Err(Merged::Conflicts(paths)) => return Err(ForgeError::Conflicts(paths)),
                    Err(Merged::Impossible(problem)) => return Err(ForgeError::NotMergeable(problem)),
                    Err(Merged::Tree(_)) => {
                        return Err(ForgeError::NotMergeable("the rebase stopped".to_owned()));
                    }
                };
                if strategy == Strategy::Rebase {
                    return Ok(head);
                }
                let tree = merge::tree_of(&git, &head).await?;
                merge::commit(&git, &tree, &[target, &head], &committer, &committer, &message).await
            }
        }
    }
}

fn mergeable(pull: &PullRequest) -> Result<(), ForgeError> {
    if !pull.is_active() {
        return Err(ForgeError::NotMergeable(format!("it is {}", pull.status.word())));
    }
    if pull.draft {
        return Err(ForgeError::NotMergeable(
            "it is a draft; publish it first".to_owned(),
        ));
    }
    match pull.merge.outcome {
        Outcome::Succeeded => Ok(()),
        Outcome::Conflicts => Err(ForgeError::Conflicts(pull.merge.conflicts.clone())),
        _ => Err(ForgeError::NotMergeable(pull.merge.problem.clone())),
    }
}

fn flag(options: &Value, name: &str) -> bool {
    options.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// The strategy that is asked for, or the first that the policies allow.
fn choose(options: &Value, policies: &[Policy], bypass: bool) -> Result<Strategy, ForgeError> {
    let allowed = |strategy: Strategy| {
        bypass
            || policies
                .iter()
                .filter(|it| it.blocking)
                .all(|policy| policy.allows(strategy))
    };
    let asked = match options.get("mergeStrategy") {
        Some(Value::String(word)) => Strategy::ALL
            .into_iter()
            .find(|it| it.word().eq_ignore_ascii_case(word)),
        Some(Value::Number(number)) => number
            .as_u64()
            .and_then(|number| number.checked_sub(1))
            .and_then(|index| Strategy::ALL.into_iter().nth(usize::try_from(index).ok()?)),
        _ if flag(options, "squashMerge") => Some(Strategy::Squash),
        _ => None,
    };
    let permitted: Vec<Strategy> = Strategy::ALL.into_iter().filter(|it| allowed(*it)).collect();
    match asked {
        None => permitted.first().copied().ok_or_else(|| {
            ForgeError::NotMergeable("its policies allow no merge strategy at all".to_owned())
        }),
        Some(asked) if permitted.contains(&asked) => Ok(asked),
        Some(asked) => {
            let words: Vec<&str> = permitted.iter().map(|it| it.word()).collect();
            Err(ForgeError::PolicyOpen(vec![format!(
                "Require a merge strategy (rejected): {} is not allowed here; use {}",
                asked.word(),
                words.join(" or ")
            )]))
        }
    }
}

/// The paths in the way, the first few by name.
pub(crate) fn listed(paths: &[String]) -> String {
    let text = paths.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match paths.len().checked_sub(NAMED) {
        None | Some(0) => text,
        Some(more) => format!("{text} and {more} more"),
    }
}
