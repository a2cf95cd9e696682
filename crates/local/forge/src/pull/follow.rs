//! Keeping a pull request in step with its branches: iterations, the test merge, builds, auto-complete.

use pave_auth::Principal;
use pave_devops::{Event, PullRequestAt};
use pave_git::{Commit, Signature};

use super::merge::{self, Merged};
use super::policy::{Kind, Policy};
use super::{Iteration, Outcome, PullRequest, TestMerge, short};
use crate::ForgeError;
use crate::changes::ZERO;
use crate::error::ApiError;
use crate::forge::Forge;
use crate::repository::Repository;
use crate::store::{Note, Update, Wanted};

/// How many pushes back the author of an iteration is looked for.
const PUSHES: usize = 200;

impl Forge {
    /// A pull request as it is now. The cheap way when neither branch has moved.
    pub(crate) async fn fresh_pull(
        &self,
        repository: &Repository,
        id: i64,
    ) -> Result<Option<PullRequest>, ForgeError> {
        let found = self.store().pull(id).await?;
        let Some(pull) = found.filter(|it| it.repository == repository.id) else {
            return Ok(None);
        };
        if !pull.is_active() || (pull.completing.is_none() && !self.has_moved(repository, &pull).await?) {
            return Ok(Some(pull));
        }
        let _turn = self.turn(repository).await;
        let Some(mut pull) = self.store().pull(id).await? else {
            return Ok(None);
        };
        self.follow(repository, &mut pull).await?;
        Ok(Some(pull))
    }

    async fn has_moved(&self, repository: &Repository, pull: &PullRequest) -> Result<bool, ForgeError> {
        let heads = self.heads(repository, pull).await?;
        let known = (pull.merge.source.clone(), pull.merge.target.clone());
        Ok(heads != known || pull.merge.outcome == Outcome::Queued)
    }

    /// Heads of source and target; zeros where there is none.
    async fn heads(
        &self,
        repository: &Repository,
        pull: &PullRequest,
    ) -> Result<(String, String), ForgeError> {
        let now = repository.current(&[&pull.source, &pull.target]).await?;
        let head = |name: &str| {
            let found = now.iter().find(|(other, _)| other == name);
            found.map_or(ZERO.to_owned(), |(_, object)| object.clone())
        };
        Ok((head(&pull.source), head(&pull.target)))
    }

    /// Brings a pull request up to date and writes it down if something changed. The caller holds the turn.
    pub(crate) async fn follow(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
    ) -> Result<(), ForgeError> {
        self.resolve_completing(repository, pull).await?;
        if !pull.is_active() {
            return Ok(());
        }
        let before = pull.clone();
        let policies = self.policies_of(repository, &pull.target).await?;
        let mut notes = Vec::new();
        if self.has_moved(repository, pull).await? {
            if self.rejoin(repository, pull, &policies).await? {
                notes.push(Note::PUSHED);
            }
            notes.push(Note::MERGED);
        }
        self.sync_checks(repository, pull, &policies).await?;
        if *pull != before {
            self.keep_pull(repository, pull, notes).await?;
        }
        self.try_auto_complete(repository, pull, &policies).await
    }

    /// Writes a pull request down and tells everybody.
    pub(crate) async fn keep_pull(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        notes: Vec<Note>,
    ) -> Result<(), ForgeError> {
        if !self.store().keep_pull(pull, repository, notes).await? {
            return Err(ForgeError::PullRequestExists);
        }
        self.wake();
        self.feed().publish(Event::PullRequest {
            pull_request: self.pull_at(repository, pull).await?,
        });
        Ok(())
    }

    /// A pull request as neighbours know it.
    pub(crate) async fn pull_at(
        &self,
        repository: &Repository,
        pull: &PullRequest,
    ) -> Result<PullRequestAt, ForgeError> {
        Ok(PullRequestAt {
            id: pull.id,
            repository: self.repository_at(repository).await?,
            source_ref: pull.source.clone(),
            target_ref: pull.target.clone(),
            source_commit: pull.merge.source.clone(),
            merge_commit: pull.merge.commit.clone(),
            status: pull.status.word().to_owned(),
            title: pull.title.clone(),
            created_by: pull.created_by.clone(),
        })
    }

    /// Enabled policies of a branch.
    pub(crate) async fn policies_of(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Vec<Policy>, ForgeError> {
        let all = self.store().policies(repository.project.id).await?;
        let here = |it: &Policy| it.enabled && it.covers(repository.id, branch);
        Ok(all.into_iter().filter(here).collect())
    }

    /// Takes the new heads over; tells whether the source moved.
    async fn rejoin(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
        policies: &[Policy],
    ) -> Result<bool, ForgeError> {
        let (source, target) = self.heads(repository, pull).await?;
        let known = pull.iterations.last().map(|it| it.source.clone());
        let source_moved = source != ZERO && known.as_deref() != Some(source.as_str());
        if source_moved {
            self.iterate(repository, pull, known.as_deref(), &source, &target)
                .await?;
            if known.is_some() {
                reset_votes(pull, policies);
            }
        }
        self.test_merge(repository, pull, source, target).await?;
        let paths = self.changed_by(repository, pull).await?;
        for wanted in policies.iter().flat_map(|policy| policy.required(&paths)) {
            self.require(pull, &wanted).await?;
        }
        Ok(source_moved && known.is_some())
    }

    async fn require(&self, pull: &mut PullRequest, wanted: &str) -> Result<(), ForgeError> {
        let same = |id: uuid::Uuid| id.to_string().eq_ignore_ascii_case(wanted);
        if let Some(there) = pull.reviewers.iter_mut().find(|it| same(it.id)) {
            there.required = true;
        } else if let Some(mut reviewer) = self.reviewer(wanted).await? {
            // Whoever opened it cannot be asked to look at it as well.
            if reviewer.id != pull.created_by.id {
                reviewer.required = true;
                pull.reviewers.push(reviewer);
            }
        }
        Ok(())
    }

    async fn iterate(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
        known: Option<&str>,
        source: &str,
        target: &str,
    ) -> Result<(), ForgeError> {
        let git = repository.git();
        let reason = match known {
            None => "create",
            Some(known) if merge::contains(&git, source, known).await? => "push",
            Some(_) => "forcePush",
        };
        let author = match known {
            None => None,
            Some(_) => self.pusher(repository, &pull.source, source).await?,
        };
        let common = if target == ZERO {
            None
        } else {
            merge::common(&git, source, target).await?
        };
        let id = pull.iterations.last().map_or(0, |it| it.id) + 1;
        // Keeps what was reviewed, even after the branch was rewritten or deleted.
        let name = format!("refs/pave/pull/{}/{id}", pull.id);
        git.run(&["update-ref", &name, source], b"").await?;
        pull.iterations.push(Iteration {
            id,
            source: source.to_owned(),
            target: target.to_owned(),
            common: common.unwrap_or_default(),
            author: author.unwrap_or_else(|| pull.created_by.clone()),
            created_at: pave_runtime::clock::rfc3339(),
            reason: reason.to_owned(),
        });
        Ok(())
    }

    /// Who moved a branch to a commit.
    async fn pusher(
        &self,
        repository: &Repository,
        branch: &str,
        commit: &str,
    ) -> Result<Option<Principal>, ForgeError> {
        let pushes = self.store().pushes(repository.id, PUSHES).await?;
        let moved = |it: &Update| it.name == branch && it.new == commit;
        Ok(pushes
            .into_iter()
            .find(|push| push.updates.iter().any(moved))
            .map(|push| push.pusher))
    }

    /// Makes `refs/pull/{id}/merge` again.
    async fn test_merge(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
        source: String,
        target: String,
    ) -> Result<(), ForgeError> {
        let git = repository.git();
        let mut found = TestMerge {
            source,
            target,
            ..TestMerge::default()
        };
        if found.source == ZERO || found.target == ZERO {
            let gone = if found.source == ZERO {
                &pull.source
            } else {
                &pull.target
            };
            found.outcome = Outcome::Failure;
            found.problem = format!("the branch {} does not exist any more", short(gone));
        } else {
            match merge::trees(&git, &found.target, &found.source, None).await? {
                Merged::Tree(tree) => {
                    let by = Signature::new(&pull.created_by.display_name, &pull.created_by.email);
                    let message = format!(
                        "Merge pull request {} from {} into {}\n",
                        pull.id,
                        short(&pull.source),
                        short(&pull.target)
                    );
                    let parents = [found.target.as_str(), found.source.as_str()];
                    found.commit = merge::commit(&git, &tree, &parents, &by, &by, &message).await?;
                    found.outcome = Outcome::Succeeded;
                }
                Merged::Conflicts(paths) => {
                    found.outcome = Outcome::Conflicts;
                    found.conflicts = paths;
                }
                Merged::Impossible(problem) => {
                    found.outcome = Outcome::Failure;
                    found.problem = problem;
                }
            }
        }
        let name = pull.merge_ref();
        if found.commit.is_empty() {
            git.run(&["update-ref", "-d", &name], b"").await?;
        } else {
            git.run(&["update-ref", &name, &found.commit], b"").await?;
        }
        pull.merge = found;
        pull.held_up = String::new();
        Ok(())
    }

    /// The paths that merging would change.
    pub(crate) async fn changed_by(
        &self,
        repository: &Repository,
        pull: &PullRequest,
    ) -> Result<Vec<String>, ForgeError> {
        let Some(last) = pull.iterations.last() else {
            return Ok(Vec::new());
        };
        let Ok(from) = Commit::parse(&last.common) else {
            return Ok(Vec::new());
        };
        let to = Commit::parse(&last.source)?;
        let changes = repository.objects().diff_names(&from, &to).await?;
        Ok(changes.into_iter().map(|change| change.path).collect())
    }

    /// Completes what was to complete by itself, once nothing is in its way.
    async fn try_auto_complete(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
        policies: &[Policy],
    ) -> Result<(), ForgeError> {
        let ready = pull.is_active() && !pull.draft && pull.merge.outcome == Outcome::Succeeded;
        let (Some(by), true, true) = (pull.auto_complete.clone(), ready, pull.held_up.is_empty()) else {
            return Ok(());
        };
        let paths = self.changed_by(repository, pull).await?;
        let ignored = pull
            .options
            .get("autoCompleteIgnoreConfigIds")
            .and_then(|it| it.as_array());
        let waits_for = |policy: &Policy| {
            let named = |ids: &Vec<serde_json::Value>| ids.iter().any(|id| id.as_i64() == Some(policy.id));
            policy.blocking || !ignored.is_some_and(named)
        };
        let open = policies
            .iter()
            .any(|it| waits_for(it) && !it.evaluate(pull, &paths).passes());
        if open {
            return Ok(());
        }
        // As they are now: a right that was taken away since is gone.
        let by = self.person(by.id).await?.unwrap_or(by);
        let mut options = pull.options.clone();
        if let Some(options) = options.as_object_mut() {
            options.shift_remove("bypassPolicy");
        }
        match self.complete(repository, pull, &by, &options).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let reason = ApiError::from(error).message().to_owned();
                tracing::warn!(pull = pull.id, reason, "auto-complete was held up");
                pull.held_up = reason;
                self.keep_pull(repository, pull, vec![Note::UPDATED]).await
            }
        }
    }

    /// All active pull requests, of one repository or of all.
    pub(crate) async fn active_pulls(
        &self,
        repository: Option<uuid::Uuid>,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        let wanted = Wanted {
            repository,
            status: Some("active"),
        };
        Ok(self.store().pulls(wanted).await?)
    }
}

fn reset_votes(pull: &mut PullRequest, policies: &[Policy]) {
    let asks = |name: &str| {
        policies
            .iter()
            .any(|policy| policy.is(Kind::Approvers) && policy.flag(name))
    };
    let (all, rejections) = (asks("resetOnSourcePush"), asks("resetRejectionsOnSourcePush"));
    for reviewer in &mut pull.reviewers {
        if all || (rejections && reviewer.vote == -10) {
            reviewer.vote = 0;
        }
    }
}
