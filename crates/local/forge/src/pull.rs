//! Pull requests: what they are, and how they follow their branches until they are merged.
//!
//! One row of the database holds all of a pull request. Whoever changes one holds the repository's turn, so that
//! a pull request and the branches it is about are never seen half changed. Start at [`PullRequest`], then
//! `follow` (what happens when a branch moves) and `complete` (the merge).

mod checks;
pub(crate) mod complete;
pub(crate) mod conflict;
mod follow;
pub(crate) mod merge;
pub(crate) mod people;
pub(crate) mod policy;
mod worker;

use std::collections::BTreeMap;

use pave_auth::Principal;
use pave_devops::RunState;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use worker::run;

/// Upstream's word for what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Status {
    Active,
    Abandoned,
    Completed,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Abandoned => "abandoned",
            Self::Completed => "completed",
        }
    }
}

/// How the last test merge went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    #[default]
    Queued,
    Conflicts,
    Succeeded,
    RejectedByPolicy,
    Failure,
}

impl Outcome {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Conflicts => "conflicts",
            Self::Succeeded => "succeeded",
            Self::RejectedByPolicy => "rejectedByPolicy",
            Self::Failure => "failure",
        }
    }
}

/// The last test merge: of which heads, and what came out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TestMerge {
    pub(crate) source: String,
    pub(crate) target: String,
    /// `refs/pull/{id}/merge`; empty unless it succeeded.
    pub(crate) commit: String,
    pub(crate) outcome: Outcome,
    pub(crate) conflicts: Vec<String>,
    pub(crate) problem: String,
}

/// Somebody who is asked for a vote: a person or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reviewer {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) unique: String,
    /// The group, where it is one.
    pub(crate) group: Option<String>,
    /// 10 approved, 5 with suggestions, 0 none, -5 waits for the author, -10 rejected.
    pub(crate) vote: i64,
    pub(crate) required: bool,
    pub(crate) flagged: bool,
    /// Groups of the person at the time of the vote, for which it counts as well.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
}

/// What the source branch was at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Iteration {
    pub(crate) id: i64,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) common: String,
    pub(crate) author: Principal,
    pub(crate) created_at: String,
    /// create, push or forcePush.
    pub(crate) reason: String,
}

/// A word in a discussion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: i64,
    pub(crate) parent: i64,
    pub(crate) author: Principal,
    pub(crate) content: String,
    pub(crate) kind: String,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) deleted: bool,
    /// Who likes it.
    #[serde(default)]
    pub(crate) likes: Vec<Principal>,
}

/// A discussion, of the whole or of a place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thread {
    pub(crate) id: i64,
    /// Upstream's word: active, fixed, wontFix, closed, byDesign, pending; empty for a note.
    pub(crate) status: String,
    /// `threadContext`, `pullRequestThreadContext` and `properties` as the client gave them.
    pub(crate) context: Value,
    pub(crate) iteration: Value,
    pub(crate) properties: Value,
    pub(crate) comments: Vec<Comment>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) deleted: bool,
}

/// What some service says of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posted {
    pub(crate) id: i64,
    pub(crate) state: String,
    pub(crate) description: String,
    pub(crate) target_url: Option<String>,
    pub(crate) name: String,
    pub(crate) genre: String,
    pub(crate) iteration: Option<i64>,
    pub(crate) created_by: Principal,
    pub(crate) created_at: String,
}

/// A build that a policy asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    /// The build, once it is queued.
    pub(crate) build: Option<i64>,
    pub(crate) state: Option<RunState>,
    /// What it was queued for: the test merge and its source.
    pub(crate) merge: String,
    pub(crate) source: String,
    pub(crate) queued_at: i64,
    /// Why it could not be queued.
    pub(crate) problem: String,
}

/// A merge that was about to happen. While it is there, a start compares it with the target branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Completing {
    pub(crate) commit: String,
    pub(crate) by: Principal,
    pub(crate) options: Value,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PullRequest {
    pub(crate) id: i64,
    pub(crate) repository: Uuid,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) status: Status,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) draft: bool,
    pub(crate) created_by: Principal,
    pub(crate) created_at: String,
    pub(crate) closed_by: Option<Principal>,
    pub(crate) closed_at: Option<String>,
    pub(crate) merge: TestMerge,
    pub(crate) reviewers: Vec<Reviewer>,
    pub(crate) iterations: Vec<Iteration>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) statuses: Vec<Posted>,
    pub(crate) labels: Vec<String>,
    pub(crate) checks: BTreeMap<i64, Check>,
    pub(crate) auto_complete: Option<Principal>,
    /// `completionOptions` as last given.
    pub(crate) options: Value,
    pub(crate) merge_options: Value,
    pub(crate) completing: Option<Completing>,
    /// What tools noted on it.
    #[serde(default)]
    pub(crate) properties: serde_json::Map<String, Value>,
    /// Why auto-complete could not complete it, told once.
    #[serde(default)]
    pub(crate) held_up: String,
}

impl PullRequest {
    /// The reference of its test merge.
    pub(crate) fn merge_ref(&self) -> String {
        format!("refs/pull/{}/merge", self.id)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// The highest id of threads and comments so far, plus one.
    pub(crate) fn next_thread(&self) -> i64 {
        self.threads.iter().map(|it| it.id).max().unwrap_or_default() + 1
    }
}

/// The name of a branch without `refs/heads/`.
pub(crate) fn short(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}
