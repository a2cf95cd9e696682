//! Patches: how a value comes from one object into another.

use std::collections::BTreeMap;
use std::fmt;

use pave_diagnostic::nearest;
use serde_json::Value;

use crate::gofmt::sprintf;
use crate::merge::Merge;
use crate::path::{FieldPath, PathError};
use crate::transform::{Transform, apply_all};

/// From where to where a patch moves a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Observed composite resource to desired composed resource.
    FromComposite,
    /// Observed composed resource to status of the composite resource.
    ToComposite,
    /// Environment to desired composed resource.
    FromEnvironment,
    /// Observed composed resource to environment.
    ToEnvironment,
}

/// Where the value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// One field.
    Field(FieldPath),
    /// Several fields, formatted into a string.
    Combine {
        /// Go format.
        format: String,
        /// The fields.
        variables: Vec<FieldPath>,
    },
}

/// Which patch of a Composition this is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Position among the patches of the resource, as written.
    pub index: usize,
    /// Patch set and position in it, if the patch stands in one.
    pub set: Option<(String, usize)>,
    /// JSON pointer into the Composition.
    pub pointer: String,
}

/// `patch 2`, or `patch 2 (patch set common, patch 0)`.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "patch at index {}", self.index)?;
        if let Some((set, index)) = &self.set {
            write!(formatter, " (patch set `{set}`, index {index})")?;
        }
        Ok(())
    }
}

/// One patch, patch sets resolved.
#[derive(Clone, Debug)]
pub struct Patch {
    /// From where to where.
    pub direction: Direction,
    /// Where the value comes from.
    pub source: Source,
    /// Where it goes.
    pub target: FieldPath,
    /// What happens to it on the way.
    pub transforms: Vec<Transform>,
    /// Whether a missing source is an error.
    pub required: bool,
    /// What happens to a value that is already there.
    pub merge: Merge,
    /// Which patch this is.
    pub place: Place,
}

/// A patch that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchProblem {
    /// Which one.
    pub place: Place,
    /// Why.
    pub message: String,
}

/// What a patch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Moved a value.
    Applied {
        /// Paths it was read from.
        from: Vec<String>,
        /// Paths it was written to.
        to: Vec<String>,
    },
    /// Did nothing, because an optional source is not set.
    Skipped {
        /// The path that is not set.
        missing: String,
    },
}

/// Why a patch failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// A required source is not set.
    #[error("required field `{0}` is not set")]
    Required(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl Patch {
    /// Moves the value. `from` and `to` are chosen by the caller according to the direction.
    pub fn apply(&self, from: &Value, to: &mut Value) -> Result<Outcome, PatchError> {
        let failed = |error: &dyn fmt::Display| PatchError::Failed(error.to_string());
        let (input, sources) = match self.read(from) {
            Ok(read) => read,
            Err(ReadError::Missing(path)) if self.required => return Err(PatchError::Required(path)),
            Err(ReadError::Missing(missing)) => return Ok(Outcome::Skipped { missing }),
            Err(ReadError::Other(error)) => return Err(failed(&error)),
        };
        let output = apply_all(&self.transforms, &input).map_err(|error| failed(&error))?;
        let targets = self.target.expand(to).map_err(|error| failed(&error))?;
        if targets.is_empty() {
            return Err(failed(&PathError::NothingMatches(self.target.to_string())));
        }
        for target in &targets {
            let merged = self.merge.merge(target.get(to).ok(), output.clone());
            target.set(to, merged).map_err(|error| failed(&error))?;
        }
        Ok(Outcome::Applied {
            from: sources,
            to: targets.iter().map(ToString::to_string).collect(),
        })
    }

    fn read(&self, from: &Value) -> Result<(Value, Vec<String>), ReadError> {
        let get = |path: &FieldPath| {
            path.get(from).map_err(|error| {
                if error.is_not_found() {
                    ReadError::Missing(path.to_string())
                } else {
                    ReadError::Other(error)
                }
            })
        };
        match &self.source {
            Source::Field(path) => Ok((get(path)?.clone(), vec![path.to_string()])),
            Source::Combine { format, variables } => {
                let values = variables
                    .iter()
                    .map(|path| get(path).cloned())
                    .collect::<Result<Vec<_>, _>>()?;
                let paths = variables.iter().map(ToString::to_string).collect();
                Ok((Value::String(sprintf(format, &values)), paths))
            }
        }
    }
}

enum ReadError {
    Missing(String),
    Other(PathError),
}

/// Patch sets by name: their patches and where they stand.
pub type PatchSets = BTreeMap<String, (Vec<Value>, String)>;

/// Reads a list of patches and puts patch sets in their place.
#[must_use]
pub fn parse_all(list: &[Value], pointer: &str, sets: &PatchSets) -> (Vec<Patch>, Vec<PatchProblem>) {
    let (mut patches, mut problems) = (Vec::new(), Vec::new());
    for (index, item) in list.iter().enumerate() {
        let place = Place {
            index,
            set: None,
            pointer: format!("{pointer}/{index}"),
        };
        if kind_of(item) == "PatchSet" {
            inline(item, &place, sets, &mut patches, &mut problems);
        } else {
            keep(item, place, &mut patches, &mut problems);
        }
    }
    (patches, problems)
}

fn keep(item: &Value, place: Place, patches: &mut Vec<Patch>, problems: &mut Vec<PatchProblem>) {
    match parse(item, place.clone()) {
        Ok(patch) => patches.push(patch),
        Err(message) => problems.push(PatchProblem { place, message }),
    }
}

fn inline(
    item: &Value,
    place: &Place,
    sets: &PatchSets,
    patches: &mut Vec<Patch>,
    problems: &mut Vec<PatchProblem>,
) {
    let name = item
        .get("patchSetName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some((members, pointer)) = sets.get(name) else {
        let hint = nearest(name, sets.keys().map(String::as_str))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let message = format!("there is no patch set `{name}`{hint}");
        problems.push(PatchProblem {
            place: place.clone(),
            message,
        });
        return;
    };
    for (position, member) in members.iter().enumerate() {
        let place = Place {
            index: place.index,
            set: Some((name.to_owned(), position)),
            pointer: format!("{pointer}/patches/{position}"),
        };
        if kind_of(member) == "PatchSet" {
            let message = "a patch set may not contain a patch set".to_owned();
            problems.push(PatchProblem { place, message });
        } else {
            keep(member, place, patches, problems);
        }
    }
}

fn kind_of(item: &Value) -> &str {
    item.get("type")
        .and_then(Value::as_str)
        .unwrap_or("FromCompositeFieldPath")
}

const KINDS: [(&str, Direction, bool); 8] = [
    ("FromCompositeFieldPath", Direction::FromComposite, false),
    ("ToCompositeFieldPath", Direction::ToComposite, false),
    ("CombineFromComposite", Direction::FromComposite, true),
    ("CombineToComposite", Direction::ToComposite, true),
    ("FromEnvironmentFieldPath", Direction::FromEnvironment, false),
    ("ToEnvironmentFieldPath", Direction::ToEnvironment, false),
    ("CombineFromEnvironment", Direction::FromEnvironment, true),
    ("CombineToEnvironment", Direction::ToEnvironment, true),
];

fn parse(item: &Value, place: Place) -> Result<Patch, String> {
    let kind = kind_of(item);
    let Some((_, direction, combines)) = KINDS.iter().find(|(name, ..)| *name == kind) else {
        let hint = nearest(kind, KINDS.iter().map(|(name, ..)| *name))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(format!("patch type `{kind}` is unknown{hint}"));
    };
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let path = |text: &str| FieldPath::parse(text).map_err(|error| error.to_string());
    let (source, default_target) = if *combines {
        (parse_combine(item.get("combine"))?, None)
    } else {
        let from = text("fromFieldPath").ok_or("`fromFieldPath` is missing")?;
        (Source::Field(path(from)?), Some(from))
    };
    let target = text("toFieldPath")
        .or(default_target)
        .ok_or("`toFieldPath` is missing")?;
    let transforms = item
        .get("transforms")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let transforms = transforms
        .iter()
        .enumerate()
        .map(|(index, it)| {
            Transform::parse(it).map_err(|error| format!("transform at index {index}: {error}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let policy = item.get("policy").unwrap_or(&Value::Null);
    let required = match policy
        .get("fromFieldPath")
        .and_then(Value::as_str)
        .unwrap_or("Optional")
    {
        "Optional" => false,
        "Required" => true,
        other => {
            return Err(format!(
                "`policy.fromFieldPath: {other}` is unknown; known are Optional, Required"
            ));
        }
    };
    Ok(Patch {
        direction: *direction,
        source,
        target: path(target)?,
        transforms,
        required,
        merge: Merge::parse(policy)?,
        place,
    })
}

fn parse_combine(combine: Option<&Value>) -> Result<Source, String> {
    let combine = combine.ok_or("`combine` is missing")?;
    match combine.get("strategy").and_then(Value::as_str) {
        Some("string") | None => {}
        Some(other) => return Err(format!("`combine.strategy: {other}` is unknown; known is string")),
    }
    let format = combine
        .pointer("/string/fmt")
        .and_then(Value::as_str)
        .ok_or("`combine.string.fmt` is missing")?;
    let variables = combine
        .get("variables")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    if variables.is_empty() {
        return Err("`combine.variables` is empty".to_owned());
    }
    let variables = variables
        .iter()
        .map(|variable| {
            let path = variable.get("fromFieldPath").and_then(Value::as_str);
            let path = path.ok_or_else(|| "a variable of `combine` has no `fromFieldPath`".to_owned())?;
            FieldPath::parse(path).map_err(|error| error.to_string())
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Source::Combine {
        format: format.to_owned(),
        variables,
    })
}

#[cfg(test)]
mod tests;
