//! What is worked out while a pipeline runs: conditions, `$[ ]`, `$(macros)`, names in the environment.

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::expression::{ExpressionError, Scope, StatusFunction, Value, evaluate, parse};

/// Names that expressions at run time may use.
pub(crate) const RUNTIME_NAMES: [&str; 5] = [
    "variables",
    "dependencies",
    "stageDependencies",
    "pipeline",
    "resources",
];

/// What an expression sees while a pipeline runs.
#[derive(Clone, Debug, Default)]
pub struct RuntimeScope {
    /// Variables; names ignore case, later ones win. Secrets are among them, as upstream.
    pub variables: Vec<(String, String)>,
    /// Names of variables whose values no reason may show.
    pub secrets: Vec<String>,
    /// What the stage or job depends on, directly or not, with how it ended.
    pub dependencies: Vec<Dependency>,
    /// For jobs: jobs of the stages that their stage depends on, by stage.
    pub stage_dependencies: Vec<(String, Vec<Dependency>)>,
    /// What the status functions are asked of.
    pub level: Level,
    /// Whether somebody has canceled the run.
    pub canceled: bool,
    /// When the run started, for `pipeline.startTime`.
    pub start_time: Option<jiff::civil::DateTime>,
    /// Gives the next number of a counter; without it `counter` fails.
    pub counter: Option<Counter>,
}

/// Gives the next number for a prefix, beginning with a seed.
#[derive(Clone)]
pub struct Counter(pub std::sync::Arc<CountingFunction>);

/// From prefix and seed to the next number.
pub type CountingFunction = dyn Fn(&str, i64) -> i64 + Send + Sync;

impl std::fmt::Debug for Counter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Counter")
    }
}

/// A stage or job that another one depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dependency {
    /// Name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it is named in `dependsOn` itself.
    pub direct: bool,
    /// Output variables as they are addressed: `step.variable` of a job, `job.step.variable` of a stage.
    pub outputs: Vec<(String, String)>,
}

/// What a condition belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// A stage or a job: status functions ask its dependencies.
    #[default]
    Dependencies,
    /// A step: status functions ask how its job has gone so far.
    Step {
        /// Outcome of the steps so far.
        job: Outcome,
    },
}

impl Scope for RuntimeScope {
    fn named(&self, name: &str) -> Option<Value> {
        match name {
            "variables" => Some(texts(&self.variables)),
            "dependencies" => Some(dependencies(self.dependencies.iter().filter(|one| one.direct))),
            "stageDependencies" => Some(Value::object(
                self.stage_dependencies
                    .iter()
                    .map(|(stage, jobs)| (stage, dependencies(jobs.iter()))),
            )),
            "pipeline" => {
                let started = self.start_time.map(Value::Date);
                Some(Value::object(started.map(|date| ("startTime", date))))
            }
            _ => None,
        }
    }

    fn status(&self, function: StatusFunction, names: &[String]) -> Result<bool, String> {
        let outcomes = match self.level {
            Level::Step { job } => vec![job],
            Level::Dependencies => self.outcomes(names)?,
        };
        let any = |outcome: Outcome| outcomes.contains(&outcome);
        Ok(match function {
            StatusFunction::Always => true,
            StatusFunction::Canceled => self.canceled || any(Outcome::Canceled),
            StatusFunction::Failed => !self.canceled && any(Outcome::Failed),
            StatusFunction::Succeeded => {
                !self.canceled && outcomes.iter().all(|outcome| outcome.is_success())
            }
            StatusFunction::SucceededOrFailed => {
                let ran = |outcome: &Outcome| outcome.is_success() || *outcome == Outcome::Failed;
                !self.canceled && (names.is_empty() || outcomes.iter().any(ran))
            }
        })
    }

    fn counter(&self, prefix: &str, seed: i64) -> Option<i64> {
        self.counter.as_ref().map(|Counter(next)| next(prefix, seed))
    }
}

impl RuntimeScope {
    /// Outcomes that a status function looks at: those named, or the graph above. A skipped one counts only where it is
    /// named in `dependsOn`, a failed or canceled one wherever it is above.
    fn outcomes(&self, names: &[String]) -> Result<Vec<Outcome>, String> {
        if names.is_empty() {
            let counts =
                |one: &&Dependency| one.direct || matches!(one.outcome, Outcome::Failed | Outcome::Canceled);
            return Ok(self
                .dependencies
                .iter()
                .filter(counts)
                .map(|one| one.outcome)
                .collect());
        }
        names
            .iter()
            .map(|name| {
                self.dependencies
                    .iter()
                    .find(|one| one.name.eq_ignore_ascii_case(name))
                    .map(|one| one.outcome)
                    .ok_or_else(|| format!("`{name}` is nothing that this depends on"))
            })
            .collect()
    }
}

fn texts(list: &[(String, String)]) -> Value {
    Value::object(list.iter().map(|(name, value)| (name, Value::text(value))))
}

fn dependencies<'a>(list: impl Iterator<Item = &'a Dependency>) -> Value {
    Value::object(list.map(|one| {
        let fields = [
            ("result", Value::text(one.outcome.as_str())),
            ("outputs", texts(&one.outputs)),
        ];
        (&one.name, Value::object(fields))
    }))
}

/// Names for the parser.
pub(crate) fn runtime_names() -> Vec<String> {
    RUNTIME_NAMES.iter().map(|&name| name.to_owned()).collect()
}

/// Whether a condition holds. The text may stand in `$[ ]`.
pub fn condition(text: &str, scope: &RuntimeScope) -> Result<bool, ExpressionError> {
    let text = inner(text).unwrap_or(text);
    let expression = parse(text, &runtime_names())?;
    evaluate(&expression, scope).map(|value| value.to_boolean())
}

/// The value of a text: of the expression in it when the whole text is `$[ … ]`, else the text itself.
pub fn runtime_value(text: &str, scope: &RuntimeScope) -> Result<String, ExpressionError> {
    let Some(inside) = inner(text) else {
        return Ok(text.to_owned());
    };
    let expression = parse(inside, &runtime_names())?;
    let value = evaluate(&expression, scope)?;
    value.to_text().ok_or_else(|| {
        ExpressionError::new(
            format!("an {} cannot be the value of a variable", value.kind()),
            0..inside.len(),
        )
        .with_help("use convertToJson(…) or join(',', …)")
    })
}

/// Whether a text is wholly `$[ … ]`.
#[must_use]
pub fn is_runtime_expression(text: &str) -> bool {
    inner(text).is_some()
}

/// What stands in `$[ … ]`.
pub(crate) fn inner(text: &str) -> Option<&str> {
    text.trim().strip_prefix("$[")?.strip_suffix(']')
}

/// Fills in `$(name)`. A name without a value stays as it is written. A value is not looked at again.
#[must_use]
pub fn expand_macros(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("$(") {
        out.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let end = inside
            .find([')', '(', '\n'])
            .filter(|&end| inside[end..].starts_with(')'));
        if let Some((end, value)) = end.and_then(|end| lookup(&inside[..end]).map(|value| (end, value))) {
            out.push_str(&value);
            rest = &inside[end + 1..];
        } else {
            out.push_str("$(");
            rest = inside;
        }
    }
    out.push_str(rest);
    out
}

/// Values of variables with each other's macros filled in. One that refers to itself keeps the macro, as upstream.
#[must_use]
pub fn expand_variables(variables: &[(String, String)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| {
            (
                name.clone(),
                expand_one(value, variables, &mut vec![name.clone()]),
            )
        })
        .collect()
}

fn expand_one(text: &str, variables: &[(String, String)], path: &mut Vec<String>) -> String {
    let path = std::cell::RefCell::new(path);
    expand_macros(text, &|name| {
        let known = path
            .borrow()
            .iter()
            .any(|earlier| earlier.eq_ignore_ascii_case(name));
        if known || path.borrow().len() > 50 {
            return None;
        }
        let (_, value) = variables
            .iter()
            .rev()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        let mut deeper: Vec<String> = path.borrow().to_vec();
        deeper.push(name.to_owned());
        Some(expand_one(value, variables, &mut deeper))
    })
}

/// The name that a variable has in the environment of a step.
#[must_use]
pub fn environment_name(variable: &str) -> String {
    variable
        .chars()
        .map(|char| match char {
            '.' | ' ' => '_',
            other => other.to_ascii_uppercase(),
        })
        .collect()
}

/// Legs of a matrix that a job wrote as JSON: `{"leg": {"variable": "value"}}`.
pub fn matrix_from_json(text: &str) -> Result<Vec<crate::Leg>, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("the matrix is not JSON: {error}"))?;
    let legs = value
        .as_object()
        .ok_or("the matrix is not a JSON object of legs")?;
    legs.iter()
        .map(|(name, leg)| {
            let variables = leg
                .as_object()
                .ok_or_else(|| format!("leg `{name}` is not an object of variables"))?;
            let text = |value: &serde_json::Value| {
                Value::from_json(value)
                    .to_text()
                    .unwrap_or_else(|| value.to_string())
            };
            Ok(crate::Leg {
                name: name.clone(),
                variables: variables
                    .iter()
                    .map(|(key, value)| (key.clone(), text(value)))
                    .collect(),
                ..crate::Leg::default()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
