//! Branch policies: what must hold before a branch takes a pull request.

use pave_auth::Principal;
use pave_devops::RunState;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::PullRequest;
use super::merge::Strategy;

/// What a policy asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Approvers,
    RequiredReviewers,
    Build,
    Comments,
    MergeStrategy,
    Status,
}

/// A kind with the id and name that clients know.
pub(crate) struct KindInfo {
    pub(crate) kind: Kind,
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
}

const fn info(kind: Kind, id: &'static str, name: &'static str) -> KindInfo {
    KindInfo { kind, id, name }
}

/// The kinds that are understood.
pub(crate) const KINDS: [KindInfo; 6] = [
    info(
        Kind::Approvers,
        "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd",
        "Minimum number of reviewers",
    ),
    info(
        Kind::RequiredReviewers,
        "fd2167ab-b0be-447a-8ec8-39368250530e",
        "Required reviewers",
    ),
    info(Kind::Build, "0609b952-1397-4640-95ec-e00a01b2c241", "Build"),
    info(
        Kind::Comments,
        "c6a1889d-b943-4856-b76f-9e46bb6b0df2",
        "Comment requirements",
    ),
    info(
        Kind::MergeStrategy,
        "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab",
        "Require a merge strategy",
    ),
    info(Kind::Status, "cbdc66da-9728-4af8-aada-9a5a32e4a226", "Status"),
];

/// A policy as it was configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    #[serde(default)]
    pub(crate) id: i64,
    pub(crate) project: Uuid,
    pub(crate) kind: String,
    pub(crate) enabled: bool,
    pub(crate) blocking: bool,
    pub(crate) settings: Value,
    pub(crate) created_by: Principal,
    pub(crate) created_at: String,
    pub(crate) revision: i64,
}

/// What a policy says of a pull request, in upstream's words, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evaluation {
    pub(crate) status: &'static str,
    pub(crate) reason: String,
}

impl Evaluation {
    fn new(status: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { status, reason }
    }

    fn approved() -> Self {
        Self::new("approved", "")
    }

    pub(crate) fn passes(&self) -> bool {
        matches!(self.status, "approved" | "notApplicable")
    }
}

impl Policy {
    pub(crate) fn info(&self) -> Option<&'static KindInfo> {
        KINDS.iter().find(|it| it.id.eq_ignore_ascii_case(&self.kind))
    }

    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.info().is_some_and(|it| it.kind == kind)
    }

    /// The name that people know it by.
    pub(crate) fn label(&self) -> String {
        let name = self.info().map_or("policy", |it| it.name);
        match self.settings.get("displayName").and_then(Value::as_str) {
            Some(own) if !own.is_empty() => format!("{name} ({own})"),
            _ => name.to_owned(),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.settings
            .get(name)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        let value = self.settings.get(name)?;
        value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
    }

    /// Whether it is about this branch. A policy without a scope is about every branch of the project.
    pub(crate) fn covers(&self, repository: Uuid, branch: &str) -> bool {
        let Some(scopes) = self.settings.get("scope").and_then(Value::as_array) else {
            return true;
        };
        let covers = |scope: &Value| {
            let text = |key: &str| scope.get(key).and_then(Value::as_str).filter(|it| !it.is_empty());
            let here = text("repositoryId").is_none_or(|id| id.eq_ignore_ascii_case(&repository.to_string()));
            let prefix = text("matchKind").is_some_and(|kind| kind.eq_ignore_ascii_case("prefix"));
            let named = text("refName").is_none_or(|name| {
                let name = name.strip_suffix("/*").unwrap_or(name);
                if prefix {
                    branch == name
                        || branch
                            .strip_prefix(name)
                            .is_some_and(|rest| rest.starts_with('/') || name.ends_with('/'))
                } else {
                    branch == name
                }
            });
            here && named
        };
        scopes.is_empty() || scopes.iter().any(covers)
    }

    /// Whether it stands in the way of direct pushes to the branch.
    pub(crate) fn guards(&self, repository: Uuid, branch: &str) -> bool {
        self.enabled && self.blocking && self.covers(repository, branch)
    }

    /// Whether the paths that a pull request changes are among those the policy is about.
    fn concerns(&self, paths: &[String]) -> bool {
        let patterns: Vec<&str> = self
            .settings
            .get("filenamePatterns")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if patterns.is_empty() {
            return true;
        }
        paths.iter().any(|path| {
            let path = format!("/{path}");
            // The last pattern that matches decides; one with `!` in front excludes.
            let mut concerned = false;
            for pattern in &patterns {
                match pattern.strip_prefix('!') {
                    Some(excluded) if matches_path(excluded, &path) => concerned = false,
                    None if matches_path(pattern, &path) => concerned = true,
                    _ => {}
                }
            }
            concerned
        })
    }

    /// The people and groups that a required-reviewers policy names for these paths.
    pub(crate) fn required(&self, paths: &[String]) -> Vec<String> {
        if !self.is(Kind::RequiredReviewers) || !self.enabled || !self.concerns(paths) {
            return Vec::new();
        }
        let ids = self.settings.get("requiredReviewerIds").and_then(Value::as_array);
        ids.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// What it says of a pull request that changes `paths`.
    pub(crate) fn evaluate(&self, pull: &PullRequest, paths: &[String]) -> Evaluation {
        match self.info().map(|it| it.kind) {
            _ if !self.concerns(paths) => Evaluation::new("notApplicable", "no changed path is among its"),
            Some(Kind::Approvers) => self.approvers(pull),
            Some(Kind::RequiredReviewers) => self.reviewers(pull, paths),
            Some(Kind::Build) => self.build(pull),
            Some(Kind::Comments) => comments(pull),
            Some(Kind::Status) => self.status(pull),
            Some(Kind::MergeStrategy) => Evaluation::approved(),
            None => Evaluation::new("notApplicable", "its type is not known here"),
        }
    }

    fn approvers(&self, pull: &PullRequest) -> Evaluation {
        let needed = self.number("minimumApproverCount").unwrap_or(1);
        let last_pusher = pull.iterations.last().map(|it| it.author.id);
        let counts = |id: Uuid| {
            (self.flag("creatorVoteCounts") || id != pull.created_by.id)
                && !(self.flag("blockLastPusherVote") && Some(id) == last_pusher)
        };
        let people = || pull.reviewers.iter().filter(|it| it.group.is_none());
        if !self.flag("allowDownvotes")
            && let Some(against) = people().find(|it| it.vote < 0)
        {
            return Evaluation::new("rejected", format!("{} voted against it", against.name));
        }
        let approvals = people().filter(|it| it.vote >= 5 && counts(it.id)).count();
        let approvals = i64::try_from(approvals).unwrap_or(i64::MAX);
        if approvals >= needed {
            return Evaluation::approved();
        }
        let mut reason = format!("{approvals} of {needed} approvals");
        if people().any(|it| it.vote >= 5 && !counts(it.id)) {
            reason.push_str("; the vote of its creator or last pusher does not count");
        }
        Evaluation::new("running", reason)
    }

    fn reviewers(&self, pull: &PullRequest, paths: &[String]) -> Evaluation {
        let mut waiting = Vec::new();
        for wanted in self.required(paths) {
            let reviewer = pull
                .reviewers
                .iter()
                .find(|it| it.id.to_string().eq_ignore_ascii_case(&wanted));
            let Some(reviewer) = reviewer else {
                waiting.push(wanted);
                continue;
            };
            let asked = pull.reviewers.iter().filter(|it| match &reviewer.group {
                Some(group) => it.group.is_none() && it.groups.contains(group),
                None => it.id == reviewer.id,
            });
            let counts = |id: Uuid| self.flag("creatorVoteCounts") || id != pull.created_by.id;
            let votes: Vec<(Uuid, i64)> = asked.map(|it| (it.id, it.vote)).collect();
            if votes.iter().any(|(_, vote)| *vote < 0) {
                return Evaluation::new("rejected", format!("{} voted against it", reviewer.name));
            }
            if !votes.iter().any(|(id, vote)| *vote >= 5 && counts(*id)) {
                waiting.push(reviewer.name.clone());
            }
        }
        if waiting.is_empty() {
            Evaluation::approved()
        } else {
            Evaluation::new("running", format!("waits for {}", waiting.join(", ")))
        }
    }

    fn build(&self, pull: &PullRequest) -> Evaluation {
        let definition = self.number("buildDefinitionId").unwrap_or_default();
        let Some(check) = pull.checks.get(&self.id) else {
            return Evaluation::new("queued", format!("definition {definition} was not run yet"));
        };
        let build = check.build.unwrap_or_default();
        match check.state {
            _ if !check.problem.is_empty() => Evaluation::new("rejected", check.problem.clone()),
            Some(RunState::Succeeded) => Evaluation::approved(),
            Some(RunState::Failed) => Evaluation::new("rejected", format!("build {build} failed")),
            Some(RunState::Canceled) => Evaluation::new("rejected", format!("build {build} was canceled")),
            Some(RunState::Running) => Evaluation::new("running", format!("build {build} runs")),
            Some(RunState::Waiting) | None => Evaluation::new("queued", format!("build {build} waits")),
        }
    }

    fn status(&self, pull: &PullRequest) -> Evaluation {
        let text = |key: &str| self.settings.get(key).and_then(Value::as_str).unwrap_or_default();
        let (genre, name) = (text("statusGenre"), text("statusName"));
        let posted = pull
            .statuses
            .iter()
            .rev()
            .find(|it| it.genre == genre && it.name == name);
        match posted.map(|it| it.state.as_str()) {
            Some("succeeded") => Evaluation::approved(),
            Some("notApplicable") => Evaluation::new("notApplicable", ""),
            Some("failed" | "error") => {
                Evaluation::new("rejected", format!("status {genre}/{name} is not good"))
            }
            _ => Evaluation::new("queued", format!("status {genre}/{name} was not posted")),
        }
    }

    /// Whether a merge-strategy policy lets this one pass.
    pub(crate) fn allows(&self, strategy: Strategy) -> bool {
        if !self.is(Kind::MergeStrategy) {
            return true;
        }
        if self.settings.get("useSquashMerge").is_some() {
            return !self.flag("useSquashMerge") || strategy == Strategy::Squash;
        }
        self.flag(match strategy {
            Strategy::NoFastForward => "allowNoFastForward",
            Strategy::Squash => "allowSquash",
            Strategy::Rebase => "allowRebase",
            Strategy::RebaseMerge => "allowRebaseMerge",
        })
    }
}

fn comments(pull: &PullRequest) -> Evaluation {
    let open = pull
        .threads
        .iter()
        .filter(|it| !it.deleted && matches!(it.status.as_str(), "active" | "pending"))
        .count();
    if open == 0 {
        Evaluation::approved()
    } else {
        Evaluation::new("running", format!("{open} comments are not resolved"))
    }
}

/// Upstream's patterns: `*` is any text, slashes included; without a leading slash the end of a path is meant.
fn matches_path(pattern: &str, path: &str) -> bool {
    let pattern = if pattern.starts_with('/') || pattern.starts_with('*') {
        pattern.to_owned()
    } else {
        format!("*/{pattern}")
    };
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches_path;

    #[test]
    fn patterns_name_paths() {
        let check = |pattern: &str, path: &str, expected: bool| {
            assert_eq!(matches_path(pattern, path), expected, "{pattern} {path}");
        };
        check("/infra/*", "/infra/a/b.tf", true);
        check("/infra/*", "/other/infra/a", false);
        check("*.tf", "/infra/a.tf", true);
        check("*.tf", "/infra/a.tf.json", false);
        check("/README.md", "/README.md", true);
        check("README.md", "/docs/README.md", true);
        check("/a*b*c", "/aXbYc", true);
        check("/a*b*c", "/aXc", false);
    }
}
