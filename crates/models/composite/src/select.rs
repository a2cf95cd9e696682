//! Which Composition, and which revision of it, a composite resource uses.

use std::fmt;

use serde_json::Value;

use crate::revision;
use crate::xrd::Definition;

/// The Composition to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Its name.
    pub name: String,
    /// Whether the name has to be written into the composite resource.
    pub persist: bool,
}

/// A Composition that was not chosen, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Labels that it would need: key and value, and what it has instead.
    pub missing: Vec<(String, String, Option<String>)>,
    /// The kind it is for, if that is another one.
    pub other_type: Option<String>,
}

/// No Composition can be used. The message starts with upstream's words and adds what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectionFailure {
    /// What failed, in upstream's words.
    pub message: String,
    /// Nearest candidates first.
    pub candidates: Vec<Candidate>,
}

impl std::error::Error for SelectionFailure {}

impl fmt::Display for SelectionFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        for (index, candidate) in self.candidates.iter().take(3).enumerate() {
            formatter.write_str(if index == 0 { "; nearest: " } else { "; " })?;
            write!(formatter, "`{}` ", candidate.name)?;
            if let Some(other) = &candidate.other_type {
                write!(formatter, "is for {other}")?;
            }
            for (position, (key, wanted, found)) in candidate.missing.iter().enumerate() {
                let glue = if position > 0 || candidate.other_type.is_some() {
                    " and "
                } else {
                    ""
                };
                match found {
                    None => write!(formatter, "{glue}lacks the label `{key}: {wanted}`")?,
                    Some(found) => write!(
                        formatter,
                        "{glue}has the label `{key}: {found}` instead of `{wanted}`"
                    )?,
                }
            }
        }
        Ok(())
    }
}

/// Chooses the Composition of a composite resource.
///
/// Upstream picks at random among several that fit; this takes the first by name, so that check, preview and a
/// second try agree.
pub fn composition(
    composite: &Value,
    definition: &Definition,
    compositions: &[Value],
) -> Result<Selection, SelectionFailure> {
    let machinery = definition.layout().machinery(composite);
    let current = machinery.pointer("/compositionRef/name").and_then(Value::as_str);
    let named = definition.enforced_composition.as_deref().or(current);
    let selector = machinery
        .pointer("/compositionSelector/matchLabels")
        .and_then(Value::as_object);
    let fallback = definition
        .default_composition
        .as_deref()
        .filter(|_| selector.is_none());
    if let Some(name) = named.or(fallback) {
        return by_name(name, current, composite, compositions);
    }
    let mut candidates: Vec<Candidate> = compositions
        .iter()
        .map(|it| compare(it, composite, selector.into_iter().flatten()))
        .collect();
    candidates.sort_by(|left, right| left.name.cmp(&right.name));
    candidates.sort_by_key(|it| (it.other_type.is_some(), it.missing.len()));
    match candidates.first() {
        Some(best) if best.other_type.is_none() && best.missing.is_empty() => Ok(Selection {
            name: best.name.clone(),
            persist: true,
        }),
        _ => Err(SelectionFailure {
            message: no_match(composite, selector),
            candidates,
        }),
    }
}

fn by_name(
    name: &str,
    current: Option<&str>,
    composite: &Value,
    compositions: &[Value],
) -> Result<Selection, SelectionFailure> {
    let Some(found) = compositions.iter().find(|it| text(it, "/metadata/name") == name) else {
        let names = compositions.iter().map(|it| text(it, "/metadata/name"));
        let hint = pave_diagnostic::nearest(name, names)
            .map_or_else(String::new, |it| format!("; did you mean `{it}`?"));
        let message = format!("cannot get referenced Composition: there is no Composition `{name}`{hint}");
        return Err(SelectionFailure {
            message,
            candidates: Vec::new(),
        });
    };
    if let Some(other) = compare(found, composite, std::iter::empty()).other_type {
        let message = format!(
            "the Composition `{name}` is not compatible with this composite resource: it is for {other}"
        );
        return Err(SelectionFailure {
            message,
            candidates: Vec::new(),
        });
    }
    Ok(Selection {
        name: name.to_owned(),
        persist: current != Some(name),
    })
}

fn compare<'a>(
    composition: &Value,
    composite: &Value,
    selector: impl Iterator<Item = (&'a String, &'a Value)>,
) -> Candidate {
    let type_of = |object: &Value, prefix: &str| {
        (
            text(object, &format!("{prefix}/apiVersion")).to_owned(),
            text(object, &format!("{prefix}/kind")).to_owned(),
        )
    };
    let is_for = type_of(composition, "/spec/compositeTypeRef");
    let same = is_for == type_of(composite, "");
    let labels = composition.pointer("/metadata/labels");
    let missing = selector.filter_map(|(key, wanted)| {
        let found = labels.and_then(|it| it.get(key)).and_then(Value::as_str);
        let wanted = wanted.as_str().unwrap_or_default();
        (found != Some(wanted)).then(|| (key.clone(), wanted.to_owned(), found.map(str::to_owned)))
    });
    Candidate {
        name: text(composition, "/metadata/name").to_owned(),
        missing: missing.collect(),
        other_type: (!same).then(|| format!("{} {}", is_for.0, is_for.1)),
    }
}

fn no_match(composite: &Value, selector: Option<&serde_json::Map<String, Value>>) -> String {
    let labels: Vec<String> = selector
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let kind = format!("{} {}", text(composite, "/apiVersion"), text(composite, "/kind"));
    let field = if composite
        .pointer("/spec/crossplane/compositionSelector")
        .is_some()
    {
        "spec.crossplane.compositionSelector"
    } else {
        "spec.compositionSelector"
    };
    if labels.is_empty() {
        format!("no compatible Compositions found: none is for {kind}")
    } else {
        format!(
            "no compatible Compositions found: none for {kind} has the labels {} that `{field}` asks for",
            labels.join(", ")
        )
    }
}

/// Chooses the revision: a pinned one under policy Manual, else the one with the highest number.
pub fn composition_revision<'a>(
    composite: &Value,
    definition: &Definition,
    revisions: &'a [Value],
) -> Result<&'a Value, SelectionFailure> {
    let machinery = definition.layout().machinery(composite);
    let policy = machinery.get("compositionUpdatePolicy").and_then(Value::as_str);
    let manual = policy.unwrap_or(&definition.default_update_policy) == "Manual";
    let pinned = machinery
        .pointer("/compositionRevisionRef/name")
        .and_then(Value::as_str);
    let failure = |message: String| SelectionFailure {
        message,
        candidates: Vec::new(),
    };
    if let (true, Some(pinned)) = (manual, pinned) {
        return revisions
            .iter()
            .find(|it| text(it, "/metadata/name") == pinned)
            .ok_or_else(|| failure(format!("there is no CompositionRevision `{pinned}`")));
    }
    let selector = machinery
        .pointer("/compositionRevisionSelector/matchLabels")
        .and_then(Value::as_object);
    let fits = |it: &&Value| {
        manual
            || selector.into_iter().flatten().all(|(key, wanted)| {
                it.pointer("/metadata/labels").and_then(|labels| labels.get(key)) == Some(wanted)
            })
    };
    revisions
        .iter()
        .filter(fits)
        .max_by_key(|it| revision::number(it))
        .ok_or_else(|| failure("no compatible CompositionRevisions found".to_owned()))
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
