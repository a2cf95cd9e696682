//! Whether objects work, by kind, and an application as a whole.

use std::fmt;

use pave_names::GroupVersionKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{annotation, api_version_and_kind, options};

mod builtin;
mod crossplane;

/// The six words, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HealthCode {
    /// Works.
    Healthy,
    /// Was told to pause.
    Suspended,
    /// On its way.
    Progressing,
    /// Not there.
    Missing,
    /// Does not work.
    Degraded,
    /// Cannot be told.
    Unknown,
}

impl HealthCode {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Suspended => "Suspended",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for HealthCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whether one thing works, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The word.
    pub code: HealthCode,
    /// In more words; may be empty.
    pub message: String,
}

impl Health {
    /// A judgement with its reason.
    #[must_use]
    pub fn new(code: HealthCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Judges a live object; nothing if there is no rule for its kind.
///
/// `is_composite` says whether a kind was made by an XRD. Upstream judges only Crossplane's own groups, so that the
/// composites and claims of a platform have no health at all; here they follow the same rule.
#[must_use]
pub fn assess(live: &Value, is_composite: &dyn Fn(&GroupVersionKind) -> bool) -> Option<Health> {
    if !live["metadata"]["deletionTimestamp"].is_null() {
        return Some(Health::new(HealthCode::Progressing, "Pending deletion"));
    }
    let gvk = api_version_and_kind(live);
    let in_group = |suffix: &str| gvk.group == suffix[1..] || gvk.group.ends_with(suffix);
    if in_group(".crossplane.io") || in_group(".upbound.io") || is_composite(&gvk) {
        return Some(crossplane::assess(&gvk, live));
    }
    builtin::assess(&gvk, live)
}

/// One managed object, for the judgement of the whole.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Its kind.
    pub gvk: &'a GroupVersionKind,
    /// The live object; nothing if it is missing.
    pub live: Option<&'a Value>,
    /// Its health, where there is a rule.
    pub health: Option<&'a Health>,
    /// Whether it is a hook, which does not count.
    pub hook: bool,
}

/// The worst health of the managed objects that have one.
///
/// As upstream since 3.4 a missing object counts only if no object lives at all; child Applications that are missing
/// or unknown are passed over. The reason is taken from the worst object.
#[must_use]
pub fn aggregate(members: &[Member<'_>]) -> Health {
    let counted: Vec<_> = members.iter().filter(|member| !member.hook).collect();
    if !counted.is_empty() && counted.iter().all(|member| member.live.is_none()) {
        return Health::new(HealthCode::Missing, "");
    }
    let mut worst = Health::new(HealthCode::Healthy, "");
    for member in counted {
        let (Some(live), Some(health)) = (member.live, member.health) else {
            continue;
        };
        let child = member.gvk.group == "argoproj.io" && member.gvk.kind == "Application";
        let passed_over = matches!(health.code, HealthCode::Missing | HealthCode::Unknown) && child
            || annotation(live, options::IGNORE_HEALTH) == Some("true");
        if !passed_over && health.code > worst.code {
            worst = health.clone();
        }
    }
    worst
}

#[cfg(test)]
mod tests;
