//! The one way by which references change.
//!
//! Smart HTTP and REST both go through these steps, holding the repository's turn: [`Forge::admit`] authorizes
//! and writes the intent down; references move; [`Forge::settle`] looks which of them did, writes that down and
//! owes the event to whoever subscribed. A crash in between is made good by [`Forge::recover`] at the next start.

use std::collections::BTreeSet;

use pave_auth::Principal;
use pave_git::{GitError, Program};

use crate::ForgeError;
use crate::changes::{ZERO, touched};
use crate::forge::Forge;
use crate::pull::policy::Policy;
use crate::repository::Repository;
use crate::store::{Push, Update};

/// Upstream's words for a push past the policies of a branch.
const REFUSAL: &str =
    "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.";

/// Why references move.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// Somebody pushes: branch policies stand in the way.
    Push,
    /// A pull request is completed: its policies were looked at. `source` may go with it, being merged.
    Merge { source: &'a str },
}

impl Forge {
    /// Refuses updates that `principal` may not make.
    pub(crate) async fn may_update(
        &self,
        principal: &Principal,
        repository: &Repository,
        git: &Program,
        updates: &[Update],
        purpose: Purpose<'_>,
    ) -> Result<(), ForgeError> {
        self.check_locks(principal, repository, updates).await?;
        if matches!(purpose, Purpose::Push) {
            self.check_guards(principal, repository, updates).await?;
        }
        let default_branch = repository.default_branch().await;
        let mut paths = BTreeSet::new();
        for update in updates {
            let goes_with_merge =
                matches!(purpose, Purpose::Merge { source } if source == update.name && update.new == ZERO);
            if !goes_with_merge {
                paths.extend(touched(git, &default_branch, update).await?);
            }
        }
        let refusal = self.review(principal, repository, &paths).await;
        if refusal.is_empty() {
            return Ok(());
        }
        tracing::info!(
            user = principal.user,
            repository = repository.full_name(),
            "push refused"
        );
        Err(ForgeError::Refused(refusal))
    }

    /// A locked reference is moved by nobody but who locked it, not even by a merge.
    async fn check_locks(
        &self,
        principal: &Principal,
        repository: &Repository,
        updates: &[Update],
    ) -> Result<(), ForgeError> {
        let locks = self.store().locks(repository.id).await?;
        let mut lines = Vec::new();
        for update in updates {
            if let Some(lock) = locks.iter().find(|it| it.stops(&update.name, principal)) {
                let path = repository.access_path();
                lines.push(lock.refusal());
                lines.push(format!(
                    "  {} can unlock it, or who has verb manage on nonResourceURL {path}",
                    lock.holder.user
                ));
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        tracing::info!(
            user = principal.user,
            repository = repository.full_name(),
            "change of a locked reference refused"
        );
        Err(ForgeError::Locked(lines))
    }

    /// A branch with a blocking policy takes pull requests only, except from who may bypass that.
    async fn check_guards(
        &self,
        principal: &Principal,
        repository: &Repository,
        updates: &[Update],
    ) -> Result<(), ForgeError> {
        let policies = self.store().policies(repository.project.id).await?;
        let mut lines = Vec::new();
        // A branch that does not exist yet has nothing to protect.
        for update in updates.iter().filter(|it| it.old != ZERO) {
            let guards: Vec<String> = policies
                .iter()
                .filter(|it| it.guards(repository.id, &update.name))
                .map(Policy::label)
                .collect();
            if guards.is_empty() {
                continue;
            }
            let path = repository.access_path();
            let Err(reason) = self.allows(principal, "bypass", path.clone()).await else {
                continue;
            };
            lines.push(REFUSAL.to_owned());
            lines.push(format!(
                "  {} of {} is guarded by: {}",
                update.name,
                repository.full_name(),
                guards.join(", ")
            ));
            lines.push("  push to another branch and open a pull request from it".to_owned());
            lines.push(format!(
                "  or ask for the rule that {} lacks: verb bypass on nonResourceURL {path}",
                principal.user
            ));
            lines.extend(reason.lines().map(|line| format!("  {line}")));
        }
        if lines.is_empty() {
            return Ok(());
        }
        tracing::info!(
            user = principal.user,
            repository = repository.full_name(),
            "push to a guarded branch refused"
        );
        Err(ForgeError::Guarded(lines))
    }

    /// Checks that `principal` may make these updates and notes that they are about to happen.
    ///
    /// `git` sees the new objects, wherever they wait.
    pub(crate) async fn admit(
        &self,
        principal: &Principal,
        repository: &Repository,
        git: &Program,
        updates: &[Update],
    ) -> Result<i64, ForgeError> {
        // The disk is slow, and so is Git: one writes while the other looks. An intent that was not allowed is
        // abandoned at once, or at the next start, which finds that nothing moved.
        let (allowed, intent) = tokio::join!(
            self.may_update(principal, repository, git, updates, Purpose::Push),
            self.store().intend(repository, principal, updates)
        );
        if let (Err(_), Ok(id)) = (&allowed, &intent) {
            self.store().conclude(*id, repository, Vec::new()).await?;
        }
        allowed?;
        Ok(intent?)
    }

    /// Notes which updates of an admitted push happened and sees that they are announced.
    pub(crate) async fn settle(
        &self,
        id: i64,
        repository: &Repository,
        updates: &[Update],
    ) -> Result<Vec<Update>, ForgeError> {
        let names: Vec<&str> = updates.iter().map(|update| update.name.as_str()).collect();
        let now = repository.current(&names).await?;
        let happened = |update: &&Update| {
            let object = now
                .iter()
                .find(|(name, _)| *name == update.name)
                .map_or(ZERO, |(_, object)| object);
            object == update.new
        };
        let applied: Vec<Update> = updates.iter().filter(happened).cloned().collect();
        self.store().conclude(id, repository, applied.clone()).await?;
        self.wake();
        self.tell_of_push(id, repository, &applied).await?;
        self.tidy_later(repository);
        Ok(applied)
    }

    /// Moves references in one transaction, all or none; the way of REST and of the first commit.
    ///
    /// The caller holds the repository's turn and has made the objects.
    pub(crate) async fn update(
        &self,
        principal: &Principal,
        repository: &Repository,
        updates: &[Update],
    ) -> Result<i64, ForgeError> {
        self.update_for(principal, repository, updates, Purpose::Push)
            .await
    }

    /// The same for another purpose.
    pub(crate) async fn update_for(
        &self,
        principal: &Principal,
        repository: &Repository,
        updates: &[Update],
        purpose: Purpose<'_>,
    ) -> Result<i64, ForgeError> {
        let git = repository.git();
        self.may_update(principal, repository, &git, updates, purpose)
            .await?;
        let id = self.store().intend(repository, principal, updates).await?;
        let mut input = String::from("start\n");
        for Update { name, old, new } in updates {
            let line = if *new == ZERO {
                format!("delete {name} {old}\n")
            } else {
                format!("update {name} {new} {old}\n")
            };
            input.push_str(&line);
        }
        input.push_str("prepare\ncommit\n");
        let moved = git.run(&["update-ref", "--stdin"], input.as_bytes()).await;
        let applied = self.settle(id, repository, updates).await?;
        match moved {
            Ok(_) => Ok(id),
            Err(_) if applied.len() == updates.len() => Ok(id),
            Err(GitError::Failed { message, .. }) if message.contains("cannot lock ref") => {
                let name = updates
                    .first()
                    .map(|update| update.name.clone())
                    .unwrap_or_default();
                Err(ForgeError::Stale(name))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes good what a crash interrupted, and announces references that changed behind our back.
    pub(crate) async fn recover(&self, repository: &Repository) -> Result<(), ForgeError> {
        let _turn = self.turn(repository).await;
        for Push { id, updates, .. } in self.store().intended(repository.id).await? {
            let applied = self.settle(id, repository, &updates).await?;
            tracing::info!(
                push = id,
                applied = applied.len(),
                repository = repository.full_name(),
                "push recovered"
            );
        }
        let announced = self.store().announced(repository.id).await?;
        let now = repository.references(&["refs/heads", "refs/tags"]).await?;
        let updates = differences(&announced, &now);
        if updates.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            count = updates.len(),
            repository = repository.full_name(),
            "references changed unannounced"
        );
        let id = self
            .store()
            .intend(repository, &Principal::anonymous(), &updates)
            .await?;
        self.settle(id, repository, &updates).await?;
        Ok(())
    }
}

fn differences(before: &[(String, String)], now: &[(String, String)]) -> Vec<Update> {
    let find = |list: &[(String, String)], name: &str| {
        list.iter()
            .find(|(other, _)| other == name)
            .map_or(ZERO.to_owned(), |(_, object)| object.clone())
    };
    let names: BTreeSet<&String> = before.iter().chain(now).map(|(name, _)| name).collect();
    let updates = names.into_iter().map(|name| Update {
        name: name.clone(),
        old: find(before, name),
        new: find(now, name),
    });
    updates.filter(|update| update.old != update.new).collect()
}
