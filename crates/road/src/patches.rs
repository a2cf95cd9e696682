//! Patches of a Composition: does the field exist that they read, and the one that they write?

use pave_composite::composition::Template;
use pave_composite::patch::{Direction, Patch, Source};
use pave_diagnostic::{Diagnostic, Diagnostics, nearest};
use pave_schema::Schema;
use serde_json::Value;

use crate::against::quoted;
use crate::managed::Model;
use crate::pointer;
use crate::world::{Composed, Defined};

/// A patch at which one looks.
pub(crate) struct PatchCheck<'a> {
    pub(crate) composed: &'a Composed,
    pub(crate) defined: Option<&'a Defined>,
    pub(crate) model: Option<Model>,
    pub(crate) version: &'a str,
}

impl PatchCheck<'_> {
    /// Checks all patches of a template.
    pub(crate) fn all(&self, template: &Template) -> Diagnostics {
        let composite = self.defined.map(Defined::composite_schema);
        let resource = self.model.map(|model| model.schema(self.version));
        let mut found = Vec::new();
        for patch in &template.patches {
            let (from, to) = match patch.direction {
                Direction::FromComposite => (composite.as_ref(), resource.as_ref()),
                Direction::ToComposite => (resource.as_ref(), composite.as_ref()),
                Direction::FromEnvironment => (None, resource.as_ref()),
                Direction::ToEnvironment => (resource.as_ref(), None),
            };
            if let Some(schema) = from {
                for (path, place) in sources(patch) {
                    found.extend(self.source(patch, &path, &place, schema));
                }
            }
            if let Some(schema) = to {
                found.extend(self.target(patch, schema));
            }
        }
        found
    }

    fn who(&self, outward: bool) -> String {
        match (outward, self.model) {
            (true, Some(model)) => format!("the schema of {}", model.kind()),
            _ => "the XRD".to_owned(),
        }
    }

    fn source(&self, patch: &Patch, field: &[String], place: &str, schema: &Schema) -> Option<Diagnostic> {
        let (depth, known) = gap(schema, field)?;
        let from_resource = patch.direction != Direction::FromComposite;
        let who = self.who(from_resource);
        let shown = dotted(field);
        let message = format!("the patch reads `{shown}`, which {who} does not have");
        let mut diagnostic = Diagnostic::error("PV2113", message)
            .with_label(self.composed.subject.value_label(place))
            .with_effect("the patch is skipped without a word, and what it should fill in stays empty");
        if let (Some(defined), false) = (self.defined, from_resource) {
            let above = defined.field_pointer(&field[..depth]);
            diagnostic = diagnostic.with_label(
                defined
                    .subject
                    .label(&format!("{above}/properties"))
                    .with_text(format!("{who} has {}", quoted(&known))),
            );
        }
        Some(diagnostic.with_help(help(field, depth, &known)))
    }

    fn target(&self, patch: &Patch, schema: &Schema) -> Option<Diagnostic> {
        let field = pointer::of_path(&patch.target);
        if patch.direction == Direction::ToComposite && field.first().is_some_and(|first| first != "status") {
            return None;
        }
        let (depth, known) = gap(schema, &field)?;
        let to_resource = patch.direction != Direction::ToComposite;
        let place = format!("{}/toFieldPath", patch.place.pointer);
        let who = self.who(to_resource);
        let message = format!("the patch writes `{}`, which {who} does not have", dotted(&field));
        Some(
            Diagnostic::error("PV2114", message)
                .with_label(self.composed.subject.value_label(&place))
                .with_help(help(&field, depth, &known))
                .with_effect("the value is dropped, or the API refuses the object"),
        )
    }
}

fn help(path: &[String], depth: usize, known: &[String]) -> String {
    let near = path
        .get(depth)
        .and_then(|word| nearest(word, known.iter().map(String::as_str)));
    match near {
        Some(near) => {
            let mut right = path[..depth].to_vec();
            right.push(near.to_owned());
            format!("did you mean `{}`?", dotted(&right))
        }
        None if known.is_empty() => "remove the patch, or name another field".to_owned(),
        None => format!("known there are {}", quoted(known)),
    }
}

fn dotted(path: &[String]) -> String {
    pointer::to_path(
        &path
            .iter()
            .fold(String::new(), |pointer, step| pointer::child(&pointer, step)),
    )
}

/// The fields that a patch reads, with the pointers at which they are named.
pub(crate) fn sources(patch: &Patch) -> Vec<(Vec<String>, String)> {
    let place = &patch.place.pointer;
    match &patch.source {
        Source::Field(field) => vec![(pointer::of_path(field), format!("{place}/fromFieldPath"))],
        Source::Combine { variables, .. } => variables
            .iter()
            .enumerate()
            .map(|(index, field)| {
                (
                    pointer::of_path(field),
                    format!("{place}/combine/variables/{index}/fromFieldPath"),
                )
            })
            .collect(),
    }
}

/// How far a schema knows a path, and what it knows there instead; none if it knows all of it.
fn gap(schema: &Schema, path: &[String]) -> Option<(usize, Vec<String>)> {
    let mut current = schema.clone();
    for (depth, step) in path.iter().enumerate() {
        if let Some(values) = current.map_values() {
            current = values.clone();
            continue;
        }
        match current.property(&[step]) {
            Some(next) => current = next,
            None if current.preserves_unknown_fields() => return None,
            None => {
                let known = current.property_names().into_iter().map(str::to_owned).collect();
                return Some((depth, known));
            }
        }
    }
    None
}

/// All field paths of composite resources that a Composition reads anywhere.
pub(crate) fn read_paths(value: &Value, found: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                match item.as_str() {
                    Some(path) if key == "fromFieldPath" || key == "fromCompositeFieldPath" => {
                        found.push(pointer::steps(path));
                    }
                    _ => read_paths(item, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| read_paths(item, found)),
        // Functions have languages of their own; a field that is named in one is read.
        Value::String(text) => found.extend(text.match_indices("spec.").map(|(at, _)| {
            let word: String = text[at..]
                .chars()
                .take_while(|char| char.is_alphanumeric() || *char == '.')
                .collect();
            pointer::steps(word.trim_end_matches('.'))
        })),
        _ => {}
    }
}
