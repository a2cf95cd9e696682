//! Why something does not run, in words that name what its condition saw.

use std::ops::Range;

use crate::Outcome;
use crate::expression::{Expression, Value, evaluate, parse};
use crate::runtime::{Dependency, Level, RuntimeScope, inner, runtime_names};

/// Facts that are told of one condition.
const MOST_FACTS: usize = 6;
/// Letters of a value that are shown.
const LONGEST: usize = 80;

/// Why a condition does not hold. `what` depends on others of its kind: stages on stages, jobs on jobs.
pub(super) fn why_not(text: Option<&str>, scope: &RuntimeScope, what: &str) -> String {
    let counts =
        |one: &&Dependency| !one.outcome.is_success() && (one.direct || one.outcome != Outcome::Skipped);
    let bad: Vec<String> = scope
        .dependencies
        .iter()
        .filter(counts)
        .map(|one| format!("{what} `{}` {}", one.name, in_words(one.outcome)))
        .collect();
    let Some(text) = text else {
        return bad.join(", ");
    };
    let text = inner(text).unwrap_or(text).trim();
    let mut facts = facts(text, scope);
    facts.extend(bad);
    if facts.is_empty() && text.to_ascii_lowercase().contains("failed(") {
        facts.push(format!("no {what} before it has failed"));
    }
    told(text, &facts)
}

/// Why a step does not run whose condition is false, in half a sentence.
#[must_use]
pub fn why_step_skipped(text: Option<&str>, scope: &RuntimeScope) -> String {
    let so_far = match scope.level {
        _ if scope.canceled => "the job was canceled",
        Level::Step { job } if !job.is_success() => "a step before it failed",
        _ => "",
    };
    let Some(text) = text else {
        return so_far.to_owned();
    };
    let text = inner(text).unwrap_or(text).trim();
    let mut facts = facts(text, scope);
    if !so_far.is_empty() {
        facts.push(so_far.to_owned());
    } else if text.to_ascii_lowercase().contains("failed(") {
        facts.push("no step before it has failed".to_owned());
    }
    told(text, &facts)
}

fn told(text: &str, facts: &[String]) -> String {
    match facts {
        [] => format!("its condition is false: {text}"),
        facts => format!("its condition is false: {text}, where {}", facts.join(", ")),
    }
}

fn in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded | Outcome::SucceededWithIssues => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Canceled => "was canceled",
        Outcome::Skipped => "was skipped",
    }
}

/// What the names in a condition stand for.
fn facts(text: &str, scope: &RuntimeScope) -> Vec<String> {
    let Ok(parsed) = parse(text, &runtime_names()) else {
        return Vec::new();
    };
    let mut seen: Vec<Range<usize>> = Vec::new();
    let mut out: Vec<String> = Vec::new();
    parsed.visit(&mut |part| {
        // `a.b.c` is told of, and not `a.b`.
        let inside = |other: &Range<usize>| other.start <= part.range.start && part.range.end <= other.end;
        if !part.is_reference() || seen.iter().any(inside) {
            return;
        }
        seen.push(part.range.clone());
        let fact = text
            .get(part.range.clone())
            .and_then(|written| fact(written.trim(), part, scope));
        out.extend(fact.filter(|fact| !out.contains(fact)));
    });
    out.truncate(MOST_FACTS);
    out
}

fn fact(written: &str, part: &Expression, scope: &RuntimeScope) -> Option<String> {
    let variable = part.member().filter(|(name, _)| *name == "variables");
    let name = variable.map_or_else(|| written.to_owned(), |(_, key)| key);
    if scope
        .secrets
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(&name))
    {
        return Some(format!("{name} is a secret"));
    }
    let value = evaluate(part, scope).ok()?;
    if matches!(value, Value::Null) {
        return Some(format!("{name} is not set"));
    }
    let text = value.to_text()?;
    let short: String = text.chars().take(LONGEST).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    Some(if text.is_empty() {
        format!("{name} is empty")
    } else {
        format!("{name} is `{short}{dots}`")
    })
}
