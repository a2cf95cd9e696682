use super::value::Value;
use crate::names::{self, NameError};

/// Something in a configuration that Azure would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The attribute, by names joined with dots.
    pub path: &'static str,
    /// What is wrong, in words.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Problem {
    pub(super) fn new(path: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            path,
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Checks the text at a path, if there is a known one.
pub(super) fn name(
    value: &Value,
    path: &'static str,
    check: impl FnOnce(&str) -> Result<(), NameError>,
) -> Option<Problem> {
    let error = check(value.text_at(path)?).err()?;
    Some(Problem::new(path, error.message, error.help))
}

/// Checks that a text is one of a few.
pub(super) fn one_of(value: &Value, path: &'static str, allowed: &[&str]) -> Option<Problem> {
    let said = value.text_at(path)?;
    if allowed.contains(&said) {
        return None;
    }
    let nearest = pave_diagnostic::nearest(said, allowed.iter().copied());
    let guess = nearest
        .map(|nearest| format!("; did you mean `{nearest}`?"))
        .unwrap_or_default();
    let help = format!("write one of {}{guess}", quoted(allowed));
    Some(Problem::new(
        path,
        format!("`{said}` is not a value of `{path}`"),
        help,
    ))
}

/// Checks that a number lies between two.
pub(super) fn between(value: &Value, path: &'static str, least: f64, most: f64) -> Option<Problem> {
    let said = value.at(path).as_number()?;
    let fits = (least..=most).contains(&said);
    (!fits).then(|| {
        Problem::new(
            path,
            format!("{said} is out of range"),
            format!("write {least} to {most}"),
        )
    })
}

/// Location, which nearly every resource has.
pub(super) fn location(value: &Value) -> Option<Problem> {
    name(value, "location", names::check_location)
}

/// The resource group that a resource stands in.
pub(super) fn group(value: &Value) -> Option<Problem> {
    name(value, "resource_group_name", names::check_resource_group)
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}
