//! Which builds a query wants, and in which order.

use std::cmp::Ordering;
use std::collections::HashMap;

use axum::response::IntoResponse as _;
use http::HeaderValue;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use pave_devops::{AreaError, AreaRequest};
use serde_json::Value;

use super::builds::place;
use super::shape::{Links, build_result, status};
use super::{Answer, list, project, top};
use crate::access::Realm;
use crate::pipelines::Pipelines;
use crate::run::Run;
use crate::store::Kind;
use crate::things::Definition;

/// Enumerations come as words or as numbers; several at once are separated by commas, or added up.
const STATUSES: [(&str, i64); 6] = [
    ("inProgress", 1),
    ("completed", 2),
    ("cancelling", 4),
    ("postponed", 8),
    ("notStarted", 32),
    ("all", 47),
];
const RESULTS: [(&str, i64); 4] = [
    ("succeeded", 2),
    ("partiallySucceeded", 4),
    ("failed", 8),
    ("canceled", 32),
];
const REASONS: [(&str, i64); 13] = [
    ("manual", 1),
    ("individualCI", 2),
    ("batchedCI", 4),
    ("schedule", 8),
    ("scheduleForced", 16),
    ("userCreated", 32),
    ("validateShelveset", 64),
    ("checkInShelveset", 128),
    ("pullRequest", 256),
    ("buildCompletion", 512),
    ("resourceTrigger", 1024),
    ("triggered", 1967),
    ("all", 2031),
];

pub(super) async fn listed(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let here = project(request)?;
    let links = Links {
        base: &request.base_url,
    };
    let query = Query::of(request)?;
    let most = top(request, 1000);
    let store = pipelines.store();
    let runs = store.runs(here.id, query.definitions.clone(), usize::MAX).await?;
    let mut seen: HashMap<String, bool> = HashMap::new();
    let mut found = Vec::new();
    for stored in runs {
        if !query.may_be_of(stored.id) {
            continue;
        }
        let run = match pipelines.active(stored.id) {
            Some(active) => active.lock().await.clone(),
            None => stored,
        };
        if !query.matches(&run) {
            continue;
        }
        let allowed = if let Some(allowed) = seen.get(&run.definition_name) {
            *allowed
        } else {
            let name = run.definition_name.clone();
            let asked = pipelines.allows(&request.principal, "get", Realm::Pipelines, here, &name);
            let verdict = asked.await.is_ok();
            seen.insert(name, verdict);
            verdict
        };
        if allowed {
            found.push(run);
            if query.is_newest_first() && found.len() > most {
                break;
            }
        }
    }
    let found = query.ordered(found);
    let token = (found.len() > most && most > 0).then(|| found[most - 1].id);
    let mut folders: HashMap<i64, crate::store::Stored<Definition>> = HashMap::new();
    for it in store
        .things::<Definition>(Kind::Definition, Some(here.id))
        .await?
    {
        folders.insert(it.id, it);
    }
    let shown = found.iter().take(most).map(|run| {
        let mut shape = links.build(run);
        place(&mut shape["definition"], folders.get(&run.definition));
        shape
    });
    paged(shown.collect(), token)
}

/// A list with the token that its next page is asked for by.
pub(super) fn paged(values: Vec<Value>, token: Option<i64>) -> Answer {
    let mut answer = list(values)?.into_response();
    if let Some(token) = token {
        answer
            .headers_mut()
            .insert("x-ms-continuationtoken", HeaderValue::from(token));
    }
    Ok(answer)
}

/// One page of a list that is at hand wholly; the token counts what was given before.
pub(super) fn page_of(request: &AreaRequest, values: Vec<Value>, default: usize) -> Answer {
    let given = request.parameter("continuationToken").filter(|it| !it.is_empty());
    let before: usize = match given {
        Some(given) => given
            .parse()
            .map_err(|_| AreaError::bad_request(format!("`{given}` is no continuation token.")))?,
        None => 0,
    };
    let after = before.saturating_add(top(request, default));
    let token = (values.len() > after && after > before).then(|| i64::try_from(after).unwrap_or(i64::MAX));
    let own = values.into_iter().skip(before).take(after - before);
    paged(own.collect(), token)
}

/// What the order is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Queued,
    Started,
    Finished,
}

/// The filters of a query.
struct Query<'a> {
    request: &'a AreaRequest,
    definitions: Vec<i64>,
    ids: Vec<i64>,
    key: Key,
    ascending: bool,
    /// The last build of the page before.
    after: Option<i64>,
    per_definition: Option<usize>,
    from: Option<Moment>,
    until: Option<Moment>,
}

/// A time as a client writes it. Clients cut ours to as many digits as they know, so that only those count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    at: i128,
    /// Nanoseconds of the last digit that is written.
    unit: i128,
}

impl Moment {
    /// A parameter that is a time, if it is given.
    pub(super) fn of(request: &AreaRequest, key: &str) -> Result<Option<Self>, AreaError> {
        let given = request.parameter(key).map(str::trim).filter(|it| !it.is_empty());
        let parsed = given.map(|it| {
            Self::parse(it).ok_or_else(|| {
                AreaError::bad_request(format!(
                    "`{key}` is a time such as 2026-01-31T12:00:00Z, not `{it}`."
                ))
            })
        });
        parsed.transpose()
    }

    /// As in JSON, or as in mail: the client for Node.js writes times in URLs as browsers show them.
    fn parse(text: &str) -> Option<Self> {
        let mail = || DateTimeParser::new().parse_timestamp(text).ok();
        let time: Timestamp = text.parse().ok().or_else(mail)?;
        let fraction = text.split_once(['.', ',']).map_or("", |(_, rest)| rest);
        let digits = fraction.chars().take_while(char::is_ascii_digit).count();
        let zeros = u32::try_from(digits.min(9)).unwrap_or(9);
        let unit = 10_i128.pow(9 - zeros);
        Some(Self {
            at: time.as_nanosecond().div_euclid(unit),
            unit,
        })
    }

    /// How another time compares to this one.
    pub(super) fn compare(&self, other: Timestamp) -> Ordering {
        other.as_nanosecond().div_euclid(self.unit).cmp(&self.at)
    }
}

impl<'a> Query<'a> {
    fn of(request: &'a AreaRequest) -> Result<Self, AreaError> {
        let given = |key: &str| request.parameter(key).map(str::trim).filter(|it| !it.is_empty());
        let numbers = |key: &str| -> Result<Vec<i64>, AreaError> {
            let parts = given(key).into_iter().flat_map(|it| it.split(','));
            parts.map(|it| super::id(it.trim())).collect()
        };
        let (key, ascending) = order(given("queryOrder").unwrap_or_default());
        Ok(Self {
            request,
            definitions: numbers("definitions")?,
            ids: numbers("buildIds")?,
            key,
            ascending,
            after: given("continuationToken").map(super::id).transpose()?,
            per_definition: given("maxBuildsPerDefinition").and_then(|it| it.parse().ok()),
            from: Moment::of(request, "minTime")?,
            until: Moment::of(request, "maxTime")?,
        })
    }

    /// Whether builds are wanted in the order in which they are stored, so that one may stop early.
    fn is_newest_first(&self) -> bool {
        self.key == Key::Queued && !self.ascending && self.per_definition.is_none()
    }

    fn may_be_of(&self, id: i64) -> bool {
        let listed = self.ids.is_empty() || self.ids.contains(&id);
        listed && (!self.is_newest_first() || self.after.is_none_or(|after| id < after))
    }

    fn time(&self, run: &Run) -> Option<Timestamp> {
        let written = match self.key {
            Key::Queued => Some(&run.queued_at),
            Key::Started => run.started_at.as_ref(),
            Key::Finished => run.finished_at.as_ref(),
        };
        written.and_then(|it| it.parse().ok())
    }

    fn matches(&self, run: &Run) -> bool {
        let given = |key: &str| self.request.parameter(key).filter(|it| !it.is_empty());
        let word = |key: &str, own: &str| given(key).is_none_or(|it| it.eq_ignore_ascii_case(own));
        let at = || self.time(run);
        let who = &run.requested_for;
        let is_who = |name: &str| {
            [&who.display_name, &who.email, &who.user, &who.id.to_string()]
                .into_iter()
                .any(|own| own.eq_ignore_ascii_case(name))
        };
        let tags = given("tagFilters").into_iter().flat_map(|it| it.split(','));
        let branch =
            given("branchName").is_none_or(|it| it == run.branch || format!("refs/heads/{it}") == run.branch);
        branch
            && one_of(given("statusFilter"), status(run), &STATUSES)
            && one_of(
                given("resultFilter"),
                run.result.map(build_result).unwrap_or_default(),
                &RESULTS,
            )
            && one_of(given("reasonFilter"), &run.reason, &REASONS)
            && given("buildNumber").is_none_or(|it| super::definitions::named(&run.number, it))
            && word("repositoryId", &run.repository.id.to_string())
            && word("repositoryType", "TfsGit")
            && given("queues").is_none_or(|it| it.split(',').any(|it| it.trim() == "1"))
            && given("requestedFor").is_none_or(is_who)
            // Nothing that is deleted is kept.
            && !given("deletedFilter").is_some_and(|it| it == "2" || it.eq_ignore_ascii_case("onlyDeleted"))
            && tags
                .map(str::trim)
                .all(|tag| run.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
            && self
                .from
                .is_none_or(|from| at().is_some_and(|at| from.compare(at).is_ge()))
            && self
                .until
                .is_none_or(|until| at().is_some_and(|at| until.compare(at).is_le()))
    }

    /// In the order that is wanted, from behind the page before on.
    fn ordered(&self, mut runs: Vec<Run>) -> Vec<Run> {
        if self.is_newest_first() {
            return runs;
        }
        // What has not come so far comes last in time.
        runs.sort_by_cached_key(|run| {
            let time = self.time(run);
            (time.is_none(), time, run.id)
        });
        if !self.ascending {
            runs.reverse();
        }
        if let Some(most) = self.per_definition {
            let mut counts: HashMap<i64, usize> = HashMap::new();
            runs.retain(|run| {
                let count = counts.entry(run.definition).or_default();
                *count += 1;
                *count <= most
            });
        }
        if let Some(after) = self.after
            && let Some(at) = runs.iter().position(|run| run.id == after)
        {
            runs.drain(..=at);
        }
        runs
    }
}

fn order(given: &str) -> (Key, bool) {
    match given.to_lowercase().as_str() {
        "2" | "finishtimeascending" => (Key::Finished, true),
        "3" | "finishtimedescending" => (Key::Finished, false),
        "5" | "queuetimeascending" => (Key::Queued, true),
        "6" | "starttimedescending" => (Key::Started, false),
        "7" | "starttimeascending" => (Key::Started, true),
        _ => (Key::Queued, false),
    }
}

/// Whether a value is among those that are wanted.
fn one_of(given: Option<&str>, own: &str, numbers: &[(&str, i64)]) -> bool {
    let Some(given) = given else { return true };
    let number_of = |word: &str| {
        let found = numbers.iter().find(|(it, _)| it.eq_ignore_ascii_case(word));
        found.map_or(0, |(_, number)| *number)
    };
    given.split(',').map(str::trim).any(|wanted| {
        let flags = wanted.parse().unwrap_or_else(|_| number_of(wanted));
        // Zero is "none", which filters nothing.
        if wanted == "0" || wanted.eq_ignore_ascii_case("none") {
            return true;
        }
        flags & number_of(own) != 0
    })
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Key, Moment, REASONS, RESULTS, STATUSES, one_of, order};

    #[test]
    fn times_compare_by_the_digits_that_are_written() {
        let check = |given: &str, other: &str, expected: Ordering| {
            let order = Moment::parse(given).map(|it| it.compare(other.parse().unwrap()));
            assert_eq!(order, Some(expected), "{other} by {given}");
        };
        check(
            "2026-01-01T00:00:05.249Z",
            "2026-01-01T00:00:05.249232417Z",
            Ordering::Equal,
        );
        check(
            "2026-01-01T00:00:05.249232417Z",
            "2026-01-01T00:00:05.249232418Z",
            Ordering::Greater,
        );
        check("2026-01-01T00:00:05Z", "2026-01-01T00:00:05.9Z", Ordering::Equal);
        check(
            "Thu, 01 Jan 2026 00:00:05 GMT",
            "2026-01-01T00:00:05.9Z",
            Ordering::Equal,
        );
        check(
            "2026-01-01T00:00:05.25+01:00",
            "2025-12-31T23:00:05.249Z",
            Ordering::Less,
        );
        assert!(Moment::parse("yesterday").is_none());
    }

    #[test]
    fn enumerations_are_words_or_numbers_that_add_up() {
        let check = |given: &str, own: &str, numbers: &[(&str, i64)], expected: bool| {
            assert_eq!(one_of(Some(given), own, numbers), expected, "{given} of {own}");
        };
        check("33", "notStarted", &STATUSES, true);
        check("33", "completed", &STATUSES, false);
        check("inProgress,notStarted", "notStarted", &STATUSES, true);
        check("All", "cancelling", &STATUSES, true);
        check("40", "failed", &RESULTS, true);
        check("40", "succeeded", &RESULTS, false);
        check("2", "", &RESULTS, false);
        check("0", "", &RESULTS, true);
        check("2031", "pullRequest", &REASONS, true);
        check("pullrequest", "pullRequest", &REASONS, true);
        check("nonsense", "manual", &REASONS, false);
        assert!(one_of(None, "anything", &REASONS));
    }

    #[test]
    fn orders_are_words_or_numbers() {
        assert_eq!(order("2"), (Key::Finished, true));
        assert_eq!(order("StartTimeDescending"), (Key::Started, false));
        assert_eq!(order(""), (Key::Queued, false));
    }
}
