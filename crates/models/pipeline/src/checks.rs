//! Checks that a resource demands before a stage may use it: which there are, and those that are decided by facts alone.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::expression::{ExpressionError, Scope, StatusFunction, Value, evaluate, parse};
use crate::trigger::wildcard;

/// A check that can be configured here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// People say yes.
    Approval,
    /// The run's branch is among those allowed.
    BranchControl,
    /// It is the right time of the week.
    BusinessHours,
    /// No other run uses the resource.
    ExclusiveLock,
    /// The pipeline extends a template.
    RequiredTemplate,
    /// A service says yes.
    RestCall,
}

/// Type, its name, definition and its name as upstream has them. The type `Task Check` has a definition besides.
struct Ids {
    kind: CheckKind,
    id: &'static str,
    name: &'static str,
    definition: &'static str,
    definition_name: &'static str,
}

const TASK: &str = "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7";

const KINDS: [Ids; 6] = [
    Ids {
        kind: CheckKind::Approval,
        id: "8c6f20a7-a545-4486-9777-f762fafe0d4d",
        name: "Approval",
        definition: "",
        definition_name: "",
    },
    Ids {
        kind: CheckKind::BranchControl,
        id: TASK,
        name: "Task Check",
        definition: "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b",
        definition_name: "evaluatebranchProtection",
    },
    Ids {
        kind: CheckKind::BusinessHours,
        id: TASK,
        name: "Task Check",
        definition: "445fde2f-6c39-441c-807f-8a59ff2e075f",
        definition_name: "evaluateBusinessHours",
    },
    Ids {
        kind: CheckKind::ExclusiveLock,
        id: "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563",
        name: "ExclusiveLock",
        definition: "",
        definition_name: "",
    },
    Ids {
        kind: CheckKind::RequiredTemplate,
        id: "4020e66e-b0f3-47e1-bc88-48f3cc59b5f3",
        name: "ExtendsCheck",
        definition: "",
        definition_name: "",
    },
    Ids {
        kind: CheckKind::RestCall,
        id: TASK,
        name: "Task Check",
        definition: "9c3e8943-130d-4c78-ac63-8af81df62dfb",
        definition_name: "InvokeRESTAPI",
    },
];

impl CheckKind {
    /// The check that a configuration means by the ids or names of its type and, for task checks, of its definition. An
    /// error says what it is, in words.
    pub fn find(id: &str, name: &str, definition: &str, definition_name: &str) -> Result<Self, String> {
        let squeeze = |text: &str| text.replace([' ', '-', '_'], "").to_lowercase();
        let of_type = |ids: &&Ids| {
            if id.is_empty() {
                squeeze(ids.name) == squeeze(name)
            } else {
                ids.id.eq_ignore_ascii_case(id)
            }
        };
        let of_definition = |ids: &&Ids| {
            if definition.is_empty() {
                squeeze(ids.definition_name) == squeeze(definition_name)
            } else {
                ids.definition.eq_ignore_ascii_case(definition)
            }
        };
        let fitting: Vec<&Ids> = KINDS.iter().filter(of_type).collect();
        if fitting.is_empty() {
            return Err(format!(
                "the check `{}`",
                [name, id].iter().find(|it| !it.is_empty()).unwrap_or(&"")
            ));
        }
        let found = fitting
            .into_iter()
            .find(|ids| ids.definition.is_empty() || of_definition(ids));
        found.map(|ids| ids.kind).ok_or_else(|| {
            let words = [definition_name, definition];
            let named = words
                .iter()
                .find(|it| !it.is_empty())
                .unwrap_or(&"without a definition");
            format!("the task check `{named}`")
        })
    }

    fn ids(self) -> &'static Ids {
        KINDS.iter().find(|ids| ids.kind == self).unwrap_or(&KINDS[0])
    }

    /// Id and name of its type.
    #[must_use]
    pub fn type_of(self) -> (&'static str, &'static str) {
        (self.ids().id, self.ids().name)
    }

    /// Name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Approval => "Approval",
            Self::BranchControl => "Branch control",
            Self::BusinessHours => "Business hours",
            Self::ExclusiveLock => "Exclusive lock",
            Self::RequiredTemplate => "Required template",
            Self::RestCall => "Invoke REST API",
        }
    }

    /// Type of its record in the timeline.
    #[must_use]
    pub fn record(self) -> &'static str {
        match self {
            Self::Approval => "Checkpoint.Approval",
            Self::ExclusiveLock => "Checkpoint.ExclusiveLock",
            Self::RequiredTemplate => "Checkpoint.ExtendsCheck",
            _ => "Checkpoint.TaskCheck",
        }
    }

    /// When it is looked at: what facts decide first, the lock when all else is granted.
    #[must_use]
    pub fn turn(self) -> u8 {
        match self {
            Self::BranchControl | Self::RequiredTemplate => 0,
            Self::Approval | Self::BusinessHours | Self::RestCall => 1,
            Self::ExclusiveLock => 2,
        }
    }
}

/// Whether a reference is among those that a list separated by commas allows; `*` stands for any characters.
#[must_use]
pub fn allows_branch(allowed: &str, reference: &str) -> bool {
    allowed
        .split(',')
        .map(str::trim)
        .filter(|pattern| !pattern.is_empty())
        .any(|pattern| {
            let full = if pattern == "*" || pattern.starts_with("refs/") {
                pattern.to_owned()
            } else {
                format!("refs/heads/{pattern}")
            };
            wildcard(&full, false).is_match(reference)
        })
}

/// Hours of some days of the week.
#[derive(Clone, Debug)]
pub struct BusinessHours {
    days: Vec<Weekday>,
    start: Time,
    end: Time,
    zone: TimeZone,
}

impl BusinessHours {
    /// Reads upstream's inputs: names of days separated by commas, `09:00`, `17:30`. An error says what is wrong.
    pub fn parse(days: &str, start: &str, end: &str, zone: TimeZone) -> Result<Self, String> {
        let named: Result<Vec<Weekday>, String> = days
            .split(',')
            .map(str::trim)
            .filter(|day| !day.is_empty())
            .map(weekday)
            .collect();
        let hours = Self {
            days: named?,
            start: time(start)?,
            end: time(end)?,
            zone,
        };
        if hours.days.is_empty() {
            return Err("`businessDays` names no day".to_owned());
        }
        if hours.start >= hours.end {
            return Err(format!("`startTime` {start} is not before `endTime` {end}"));
        }
        Ok(hours)
    }

    /// Whether it is one of the hours.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        let here = now.to_zoned(self.zone.clone());
        self.days.contains(&here.weekday()) && (self.start..self.end).contains(&here.time())
    }

    /// When they next begin.
    #[must_use]
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        let mut date: Date = now.to_zoned(self.zone.clone()).date();
        for _ in 0..9 {
            let opening = date.to_datetime(self.start).to_zoned(self.zone.clone()).ok();
            let fits = |at: &Zoned| self.days.contains(&date.weekday()) && at.timestamp() > now;
            if let Some(at) = opening.filter(fits) {
                return Some(at.timestamp());
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        let days: Vec<String> = self.days.iter().map(|day| format!("{day:?}")).collect();
        let zone = self.zone.iana_name().unwrap_or("UTC");
        format!(
            "{} {} to {} ({zone})",
            days.join(", "),
            self.start.strftime("%H:%M"),
            self.end.strftime("%H:%M")
        )
    }
}

fn weekday(text: &str) -> Result<Weekday, String> {
    let all = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    all.into_iter()
        .find(|day| format!("{day:?}").eq_ignore_ascii_case(text))
        .ok_or_else(|| format!("`{text}` in `businessDays` is not the English name of a day"))
}

fn time(text: &str) -> Result<Time, String> {
    let wrong = || format!("`{text}` is not a time such as 09:00");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse::<i8>().map_err(|_| wrong());
    let minute = minute.split(':').next().unwrap_or(minute);
    Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| wrong())
}

/// A template that a pipeline must extend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredTemplate {
    /// `project/repository`.
    pub repository: String,
    /// Branch or tag.
    pub reference: String,
    /// Path in the repository.
    pub path: String,
}

impl RequiredTemplate {
    /// Whether it is the same template.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let full = |reference: &str| {
            if reference.starts_with("refs/") {
                reference.to_owned()
            } else {
                format!("refs/heads/{reference}")
            }
        };
        self.repository.eq_ignore_ascii_case(&other.repository)
            && full(&self.reference) == full(&other.reference)
            && self.path.trim_start_matches('/') == other.path.trim_start_matches('/')
    }
}

impl std::fmt::Display for RequiredTemplate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.trim_start_matches('/');
        write!(formatter, "{path}@{} ({})", self.repository, self.reference)
    }
}

/// What an answer's criteria may name.
struct AnswerScope(Value);

impl Scope for AnswerScope {
    fn named(&self, name: &str) -> Option<Value> {
        name.eq_ignore_ascii_case("root").then(|| self.0.clone())
    }

    fn status(&self, _: StatusFunction, _: &[String]) -> Result<bool, String> {
        Err("there are no status functions here".to_owned())
    }
}

/// Whether an answer fulfils criteria such as `eq(root['status'], 'ok')`.
pub fn answer_fulfils(criteria: &str, answer: &serde_json::Value) -> Result<bool, ExpressionError> {
    let expression = parse(criteria, &["root".to_owned()])?;
    evaluate(&expression, &AnswerScope(Value::from_json(answer))).map(|value| value.to_boolean())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_of_an_answer() {
        let answer = serde_json::json!({"status": "ok", "items": [{"count": 3}]});
        let check = |criteria: &str, expected: bool| {
            assert_eq!(answer_fulfils(criteria, &answer).unwrap(), expected, "{criteria}");
        };
        check("eq(root['status'], 'OK')", true);
        check(
            "and(eq(root.status, 'ok'), gt(root['items'][0]['count'], 3))",
            false,
        );
        assert!(answer_fulfils("eq(variables.x, 1)", &answer).is_err());
        assert!(answer_fulfils("always()", &answer).is_err());
        assert!(answer_fulfils("eq(root", &answer).is_err());
    }

    #[test]
    fn checks_are_known_by_id_or_by_name() {
        let check = |of: [&str; 4], expected: Result<CheckKind, &str>| {
            let found = CheckKind::find(of[0], of[1], of[2], of[3]);
            assert_eq!(found, expected.map_err(str::to_owned), "{of:?}");
        };
        check(
            ["8C6F20A7-A545-4486-9777-F762FAFE0D4D", "", "", ""],
            Ok(CheckKind::Approval),
        );
        check(["", "approval", "", ""], Ok(CheckKind::Approval));
        check(
            [TASK, "Task Check", "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b", "x"],
            Ok(CheckKind::BranchControl),
        );
        check(
            ["", "Task Check", "", "evaluateBusinessHours"],
            Ok(CheckKind::BusinessHours),
        );
        check(
            [TASK, "", "9C3E8943-130D-4C78-AC63-8AF81DF62DFB", ""],
            Ok(CheckKind::RestCall),
        );
        check(
            ["2ef31ad6-baa0-403a-8b45-2cbc9b4e5563", "", "", ""],
            Ok(CheckKind::ExclusiveLock),
        );
        check(["", "Extends Check", "", ""], Ok(CheckKind::RequiredTemplate));
        check(
            ["", "Evaluate Artifact", "", ""],
            Err("the check `Evaluate Artifact`"),
        );
        check(
            [TASK, "", "", "AzureFunction"],
            Err("the task check `AzureFunction`"),
        );
    }

    #[test]
    fn branches_that_are_allowed() {
        let check = |allowed: &str, branch: &str, expected: bool| {
            assert_eq!(allows_branch(allowed, branch), expected, "{allowed} {branch}");
        };
        check("refs/heads/main, refs/heads/features/*", "refs/heads/main", true);
        check(
            "refs/heads/main, refs/heads/features/*",
            "refs/heads/features/a/b",
            true,
        );
        check("refs/heads/main", "refs/heads/mainly", false);
        check("main", "refs/heads/main", true);
        check("*", "refs/pull/1/merge", true);
        check("", "refs/heads/main", false);
        check("refs/tags/*", "refs/tags/v1", true);
    }

    #[test]
    fn hours_of_the_week_in_a_zone() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let hours = BusinessHours::parse("Monday, friday", "9:00", "17:30", zone).unwrap();
        for (now, expected, next) in [
            ("2026-11-23T08:00:00Z", true, "2026-11-27T08:00:00Z"),
            ("2026-11-23T07:59:59Z", false, "2026-11-23T08:00:00Z"),
            ("2026-11-23T16:29:59Z", true, "2026-11-27T08:00:00Z"),
            ("2026-11-23T16:30:00Z", false, "2026-11-27T08:00:00Z"),
            ("2026-11-24T10:00:00Z", false, "2026-11-27T08:00:00Z"),
            // Summer time begins in between.
            ("2026-03-28T12:00:00Z", false, "2026-03-30T07:00:00Z"),
        ] {
            assert_eq!(hours.contains(at(now)), expected, "{now}");
            assert_eq!(hours.next_opening(at(now)), Some(at(next)), "{now}");
        }
        let utc = |days: &str, start: &str, end: &str| {
            BusinessHours::parse(days, start, end, TimeZone::UTC).map(|it| it.describe())
        };
        assert_eq!(
            utc("Sunday", "00:00", "23:59").unwrap(),
            "Sunday 00:00 to 23:59 (UTC)"
        );
        assert!(
            utc("Sonntag", "09:00", "10:00")
                .unwrap_err()
                .contains("`Sonntag`")
        );
        assert!(
            utc("Sunday", "10:00", "10:00")
                .unwrap_err()
                .contains("is not before")
        );
        assert!(utc("Sunday", "25:00", "26:00").unwrap_err().contains("`25:00`"));
        assert!(utc("", "09:00", "10:00").unwrap_err().contains("names no day"));
    }

    #[test]
    fn a_template_is_known_by_repository_reference_and_path() {
        let template = |repository: &str, reference: &str, path: &str| RequiredTemplate {
            repository: repository.to_owned(),
            reference: reference.to_owned(),
            path: path.to_owned(),
        };
        let wanted = template("shared/templates", "refs/heads/main", "/safe.yml");
        assert!(wanted.is(&template("Shared/templates", "main", "safe.yml")));
        assert!(!wanted.is(&template("shared/templates", "refs/heads/other", "safe.yml")));
        assert!(!wanted.is(&template("shared/templates", "main", "other.yml")));
        assert_eq!(wanted.to_string(), "safe.yml@shared/templates (refs/heads/main)");
    }
}
