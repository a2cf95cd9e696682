//! Builds that branch policies ask for.

use pave_devops::ValidationRequest;

use super::policy::{Kind, Policy};
use super::{Check, PullRequest};
use crate::ForgeError;
use crate::forge::Forge;
use crate::repository::Repository;

const MINUTE: i64 = 60_000;

impl Forge {
    /// Queues the builds that policies ask for, and looks at those that were queued.
    pub(crate) async fn sync_checks(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
        policies: &[Policy],
    ) -> Result<(), ForgeError> {
        let Some(neighbours) = self.neighbours() else {
            return Ok(());
        };
        let wanted: Vec<&Policy> = policies.iter().filter(|it| it.is(Kind::Build)).collect();
        pull.checks
            .retain(|id, _| wanted.iter().any(|policy| policy.id == *id));
        if wanted.is_empty() {
            return Ok(());
        }
        let paths = self.changed_by(repository, pull).await?;
        for policy in wanted {
            if policy.evaluate(pull, &paths).status == "notApplicable" {
                continue;
            }
            if wants_build(policy, pull) {
                self.queue_build(repository, pull, policy).await?;
            }
            let Some(check) = pull.checks.get_mut(&policy.id) else {
                continue;
            };
            if let Some(build) = check.build
                && !check.state.is_some_and(pave_devops::RunState::is_final)
            {
                match neighbours.builds.state(build).await {
                    Ok(Some(state)) => check.state = Some(state),
                    Ok(None) => check.problem = format!("build {build} is gone; queue it again"),
                    Err(error) => tracing::warn!(build, %error, "build cannot be looked at"),
                }
            }
        }
        Ok(())
    }

    /// Queues the build of one policy, whatever was queued before.
    pub(crate) async fn queue_build(
        &self,
        repository: &Repository,
        pull: &mut PullRequest,
        policy: &Policy,
    ) -> Result<(), ForgeError> {
        let (Some(neighbours), false) = (self.neighbours(), pull.merge.commit.is_empty()) else {
            return Ok(());
        };
        let request = ValidationRequest {
            definition: policy.number("buildDefinitionId").unwrap_or_default(),
            pull_request: self.pull_at(repository, pull).await?,
        };
        let (build, problem) = match neighbours.builds.validate(request).await {
            Ok(build) => (Some(build), String::new()),
            Err(error) => (None, format!("the build could not be queued: {error}")),
        };
        let check = Check {
            build,
            state: None,
            merge: pull.merge.commit.clone(),
            source: pull.merge.source.clone(),
            queued_at: pave_runtime::clock::unix_millis(),
            problem,
        };
        pull.checks.insert(policy.id, check);
        Ok(())
    }
}

/// Whether the build that was queued last, if any, says nothing about what would be merged now.
fn wants_build(policy: &Policy, pull: &PullRequest) -> bool {
    if pull.merge.commit.is_empty()
        || pull.draft && policy.flag("skipDrafts")
        || policy.flag("manualQueueOnly")
    {
        return false;
    }
    let Some(check) = pull.checks.get(&policy.id) else {
        return true;
    };
    if check.merge == pull.merge.commit {
        return false;
    }
    if !policy.flag("queueOnSourceUpdateOnly") || check.source != pull.merge.source {
        return true;
    }
    // The target moved only: the build stays valid for a time, for ever if none is given.
    let minutes = policy.number("validDuration").unwrap_or_default();
    minutes > 0 && pave_runtime::clock::unix_millis() - check.queued_at > minutes * MINUTE
}
