//! Which pushes and pull requests start a pipeline.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// When a pipeline starts by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Trigger {
    /// Nothing written: every branch.
    #[default]
    Default,
    /// `none`.
    None,
    /// With filters.
    Filtered {
        /// Branches.
        branches: Filter,
        /// Paths of changed files.
        paths: Filter,
        /// Tags.
        tags: Filter,
        /// Whether pushes wait for the running build and are built together.
        batch: bool,
        /// Whether drafts of pull requests count.
        drafts: bool,
    },
}

impl Trigger {
    /// Whether a push to a full reference name, with these paths changed, starts the pipeline.
    ///
    /// With no list of branches but one of tags, branches do not trigger, as upstream; tags trigger only when listed.
    #[must_use]
    pub fn matches(&self, reference: &str, changed_paths: &[String]) -> bool {
        match self {
            Self::Default => !reference.starts_with("refs/tags/"),
            Self::None => false,
            Self::Filtered {
                branches,
                paths,
                tags,
                ..
            } => {
                if let Some(tag) = reference.strip_prefix("refs/tags/") {
                    return !tags.is_empty() && tags.matches(tag);
                }
                let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
                let branch_fits = if branches.is_empty() {
                    tags.is_empty()
                } else {
                    branches.matches(branch)
                };
                branch_fits && (paths.is_empty() || changed_paths.iter().any(|path| paths.matches_path(path)))
            }
        }
    }

    /// Whether pushes wait for the running build.
    #[must_use]
    pub fn is_batched(&self) -> bool {
        matches!(self, Self::Filtered { batch: true, .. })
    }
}

/// Whether a commit message asks for no run.
#[must_use]
pub fn skips_ci(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "[skip ci]",
        "[ci skip]",
        "skip-checks: true",
        "skip-checks:true",
        "[skip azurepipelines]",
        "[azurepipelines skip]",
        "[skip azpipelines]",
        "[azpipelines skip]",
        "[skip azp]",
        "[azp skip]",
        "***no_ci***",
    ]
    .iter()
    .any(|mark| message.contains(mark))
}

/// Names to include and to exclude, with `*`, `**` and `?`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// Included; empty: everything.
    pub include: Vec<String>,
    /// Excluded, which wins.
    pub exclude: Vec<String>,
}

impl Filter {
    /// Whether it filters nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether a branch or tag passes. Upstream lets the more exact pattern win where both lists match.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let strip = |pattern: &str| {
            let pattern = pattern.strip_prefix("refs/heads/").unwrap_or(pattern);
            pattern.strip_prefix("refs/tags/").unwrap_or(pattern).to_owned()
        };
        self.decide(|pattern| wildcard(&strip(pattern), false).is_match(name))
    }

    /// Whether a path passes. A pattern also covers what lies below it; case matters.
    #[must_use]
    pub fn matches_path(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        self.decide(|pattern| {
            let pattern = pattern.trim_start_matches('/').trim_end_matches('/');
            pattern.is_empty() || wildcard(pattern, true).is_match(path)
        })
    }

    fn decide(&self, matches: impl Fn(&str) -> bool) -> bool {
        let best = |patterns: &[String]| {
            patterns
                .iter()
                .filter(|pattern| matches(pattern))
                .map(|pattern| pattern.chars().filter(|char| !matches!(char, '*' | '?')).count())
                .max()
        };
        match (best(&self.include), best(&self.exclude)) {
            (_, None) if self.include.is_empty() => true,
            (Some(_), None) => true,
            (Some(included), Some(excluded)) => included > excluded,
            (None, _) => false,
        }
    }
}

/// `*` and `**` stand for any characters, `?` for one; upstream's branch patterns let `*` cross `/`.
pub(crate) fn wildcard(pattern: &str, below: bool) -> Regex {
    let mut text = String::from("^");
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '*' => {
                let double = chars.next_if_eq(&'*').is_some();
                if double && below && chars.next_if_eq(&'/').is_some() {
                    text.push_str("(?:.*/)?");
                } else {
                    text.push_str(if below && !double { "[^/]*" } else { ".*" });
                }
            }
            '?' => text.push_str(if below { "[^/]" } else { "." }),
            other => text.push_str(&regex::escape(&other.to_string())),
        }
    }
    text.push_str(if below { "(?:/.*)?$" } else { "$" });
    Regex::new(&text).unwrap_or_else(|_| never())
}

/// A pattern that matches nothing, for the case that cannot happen: every piece above is escaped.
fn never() -> Regex {
    #[expect(clippy::unwrap_used, reason = "a constant pattern that compiles")]
    Regex::new("[^\\s\\S]").unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let own = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
        Filter {
            include: own(include),
            exclude: own(exclude),
        }
    }

    fn filtered(branches: Filter, paths: Filter, tags: Filter) -> Trigger {
        Trigger::Filtered {
            branches,
            paths,
            tags,
            batch: false,
            drafts: true,
        }
    }

    fn check(trigger: &Trigger, reference: &str, paths: &[&str], expected: bool) {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        assert_eq!(
            trigger.matches(reference, &paths),
            expected,
            "{trigger:?} {reference} {paths:?}"
        );
    }

    #[test]
    fn pushes_that_start_a_pipeline() {
        let none = || filter(&[], &[]);
        check(&Trigger::Default, "refs/heads/any", &["a"], true);
        check(&Trigger::Default, "refs/tags/v1", &["a"], false);
        check(&Trigger::None, "refs/heads/main", &["a"], false);
        let main = filtered(filter(&["main"], &[]), none(), none());
        check(&main, "refs/heads/main", &[], true);
        check(&main, "refs/heads/mainly", &[], false);
        let releases = filtered(
            filter(&["releases/*", "main"], &["releases/old*"]),
            none(),
            none(),
        );
        check(&releases, "refs/heads/releases/1/2", &[], true);
        check(&releases, "refs/heads/releases/old1", &[], false);
        check(&releases, "refs/heads/feature", &[], false);
        let only_excluded = filtered(filter(&[], &["wip/*"]), none(), none());
        check(&only_excluded, "refs/heads/wip/a", &[], false);
        check(&only_excluded, "refs/heads/a", &[], true);
        let paths = filtered(
            filter(&["main"], &[]),
            filter(&["terraform/changed"], &[]),
            none(),
        );
        check(&paths, "refs/heads/main", &["terraform/changed/main.tf"], true);
        check(&paths, "refs/heads/main", &["/terraform/changed/main.tf"], true);
        check(&paths, "refs/heads/main", &["terraform/base/main.tf"], false);
        let globs = filtered(filter(&["main"], &[]), filter(&["**/*.tf"], &["docs"]), none());
        check(&globs, "refs/heads/main", &["a/b/c.tf"], true);
        check(&globs, "refs/heads/main", &["c.tf"], true);
        check(&globs, "refs/heads/main", &["docs/readme.md"], false);
        let tags = filtered(none(), none(), filter(&["v*"], &[]));
        check(&tags, "refs/tags/v1.2", &[], true);
        check(&tags, "refs/tags/x", &[], false);
        check(&tags, "refs/heads/main", &[], false);
    }

    #[test]
    fn a_commit_message_can_ask_for_no_run() {
        assert!(skips_ci("Fix typo [skip ci]"));
        assert!(skips_ci("x\n\n***NO_CI***"));
        assert!(!skips_ci("Do not skip"));
    }
}
