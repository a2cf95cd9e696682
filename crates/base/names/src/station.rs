use std::fmt;

use serde::{Deserialize, Serialize};

/// A stop on the road of a request, in the order in which a request passes them. No request passes all: after the
/// commit it is either synced into the cluster, or proposed, merged and run by a pipeline, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Station {
    /// A template run of the scaffolder.
    Task,
    /// A commit in Git.
    Commit,
    /// A pull request that proposes the commit.
    PullRequest,
    /// What people and checks say of the pull request.
    Review,
    /// The merge of the pull request.
    Merge,
    /// A run of a pipeline.
    Run,
    /// Terraform's plan in a run.
    Plan,
    /// Terraform's apply in a run.
    Apply,
    /// A sync of a GitOps Application.
    Sync,
    /// A claim in the cluster.
    Claim,
    /// The composite resource behind a claim.
    Composite,
    /// A managed resource.
    Resource,
    /// The thing in the cloud, as its API reports it.
    Cloud,
    /// The connection secret.
    Secret,
}

impl Station {
    /// All stations, in the order of the road.
    pub const ALL: [Self; 14] = [
        Self::Task,
        Self::Commit,
        Self::PullRequest,
        Self::Review,
        Self::Merge,
        Self::Run,
        Self::Plan,
        Self::Apply,
        Self::Sync,
        Self::Claim,
        Self::Composite,
        Self::Resource,
        Self::Cloud,
        Self::Secret,
    ];

    /// The word shown to people and stored in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Commit => "commit",
            Self::PullRequest => "pull-request",
            Self::Review => "review",
            Self::Merge => "merge",
            Self::Run => "run",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Sync => "sync",
            Self::Claim => "claim",
            Self::Composite => "composite",
            Self::Resource => "resource",
            Self::Cloud => "cloud",
            Self::Secret => "secret",
        }
    }
}

impl fmt::Display for Station {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Which way a request travels: a creation or change goes up the road, a deletion comes back down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Towards the cloud.
    #[default]
    Up,
    /// Back: something is being taken away.
    Down,
}

/// The eight states of everything that Pave shows, the same words everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Known, not begun.
    Pending,
    /// Under way.
    Running,
    /// Waits for a person.
    Waiting,
    /// As wanted.
    Ok,
    /// Works, but differs from what was asked.
    Drifted,
    /// Works in part.
    Degraded,
    /// Ended without what was asked.
    Failed,
    /// Gone, as asked.
    Deleted,
}

impl State {
    /// The word shown to people and stored in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Ok => "ok",
            Self::Drifted => "drifted",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }

    /// Whether nothing more will happen by itself.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Ok | Self::Failed | Self::Deleted)
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
