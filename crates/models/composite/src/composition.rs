//! Compositions: what a composite resource becomes.

use pave_diagnostic::Diagnostic;
use pave_names::GroupVersionKind;
use pave_yaml::Dialect;
use serde_json::Value;

use crate::connection::ConnectionDetail;
use crate::finding::Finding;
use crate::keys::EXTRA_CONNECTION_DETAILS;
use crate::patch::{Patch, PatchSets, parse_all};
use crate::readiness::Check;

/// A Composition or a revision of one.
#[derive(Clone, Debug, Default)]
pub struct Composition {
    /// Its name.
    pub name: String,
    /// Kind of composite resource that it is for.
    pub composite_type: GroupVersionKind,
    /// Where composite resources keep their secrets if they do not say so themselves.
    pub secrets_namespace: Option<String>,
    /// What is run, in order.
    pub steps: Vec<Step>,
    /// Why it cannot be run at all: a step that needs a function which is not built in, and the like.
    pub unsupported: Vec<String>,
}

/// A patch-and-transform step. Mode Resources is one such step.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Name of the pipeline step; empty in mode Resources.
    pub name: String,
    /// Resource templates.
    pub templates: Vec<Template>,
    /// Patches between composite resource and environment.
    pub environment_patches: Vec<Patch>,
}

/// Template of one composed resource.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// Name; its position for an anonymous template.
    pub name: String,
    /// Whether it has no name of its own.
    pub anonymous: bool,
    /// What the resource starts as; none to patch what an earlier step made.
    pub base: Option<Value>,
    /// Patches.
    pub patches: Vec<Patch>,
    /// What is published.
    pub connection_details: Vec<ConnectionDetail>,
    /// When it is ready; none for the default check.
    pub readiness_checks: Vec<Check>,
    /// Parts that could not be read. The resource is not applied while there are any.
    pub problems: Vec<String>,
    /// JSON pointer into the Composition.
    pub pointer: String,
}

impl Composition {
    /// Reads a Composition or a revision of one. What cannot be read is reported, and blocks only what needs it.
    #[must_use]
    pub fn parse(object: &Value) -> (Self, Vec<Finding>) {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let mut reader = Reader {
            findings: Vec::new(),
            extra: extra_details(object),
        };
        let composite_type = GroupVersionKind::from_api_version(
            text("/spec/compositeTypeRef/apiVersion"),
            text("/spec/compositeTypeRef/kind"),
        )
        .unwrap_or_default();
        if composite_type.kind.is_empty() {
            reader.error(
                "/spec/compositeTypeRef",
                "PV1320",
                "`compositeTypeRef` names no kind of composite resource",
            );
        }
        let mut composition = Self {
            name: text("/metadata/name").to_owned(),
            composite_type,
            secrets_namespace: Some(text("/spec/writeConnectionSecretsToNamespace").to_owned())
                .filter(|it| !it.is_empty()),
            ..Self::default()
        };
        let mode = match text("/spec/mode") {
            // An object without a mode is from 1.x, or for 2.x if it has a pipeline.
            "" if object.pointer("/spec/pipeline").is_some() => "Pipeline",
            "" => "Resources",
            mode => mode,
        };
        match mode {
            "Resources" => {
                let step = reader.step("", &object["spec"], "/spec");
                composition.steps.push(step);
            }
            "Pipeline" => reader.pipeline(object, &mut composition),
            other => composition.unsupported.push(format!(
                "mode `{other}` is unknown; known are Resources, Pipeline"
            )),
        }
        for reason in &composition.unsupported {
            reader.error("/spec/mode", "PV1321", reason);
        }
        (composition, reader.findings)
    }

    /// The template of a composed resource, from the last step that has one.
    #[must_use]
    pub fn template(&self, name: &str) -> Option<&Template> {
        self.steps
            .iter()
            .rev()
            .flat_map(|step| &step.templates)
            .find(|template| template.name == name)
    }
}

/// Connection details from the annotation, each with the `resource` that it belongs to.
fn extra_details(object: &Value) -> Vec<Value> {
    let text = object
        .pointer("/metadata/annotations")
        .and_then(|it| it.get(EXTRA_CONNECTION_DETAILS))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (documents, _) = pave_yaml::parse(EXTRA_CONNECTION_DETAILS, text, Dialect::Kubernetes);
    let items = documents.first().map(pave_yaml::Document::to_value);
    items
        .as_ref()
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

struct Reader {
    findings: Vec<Finding>,
    extra: Vec<Value>,
}

impl Reader {
    fn error(&mut self, pointer: &str, code: &str, message: &str) {
        self.findings
            .push(Finding::new(pointer, Diagnostic::error(code, message)));
    }

    fn pipeline(&mut self, object: &Value, composition: &mut Composition) {
        let steps = object
            .pointer("/spec/pipeline")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if steps.is_empty() {
            composition
                .unsupported
                .push("mode Pipeline needs at least one step".to_owned());
        }
        for (index, step) in steps.iter().enumerate() {
            let name = step.get("step").and_then(Value::as_str).unwrap_or_default();
            let function = step
                .pointer("/functionRef/name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if function.ends_with("function-patch-and-transform") {
                let pointer = format!("/spec/pipeline/{index}/input");
                let step = self.step(name, step.get("input").unwrap_or(&Value::Null), &pointer);
                composition.steps.push(step);
            } else if !function.ends_with("function-auto-ready") {
                composition.unsupported.push(format!(
                    "step `{name}` needs the function `{function}`, which is not built in; \
                     built in are function-patch-and-transform and function-auto-ready"
                ));
            }
        }
    }

    fn step(&mut self, name: &str, input: &Value, pointer: &str) -> Step {
        let sets = patch_sets(input, pointer);
        let resources = input
            .get("resources")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut templates: Vec<Template> = Vec::new();
        for (index, resource) in resources.iter().enumerate() {
            let template = self.template(resource, index, &format!("{pointer}/resources/{index}"), &sets);
            if templates.iter().any(|other| other.name == template.name) {
                let message = format!("the resource name `{}` is used twice", template.name);
                self.error(&format!("{}/name", template.pointer), "PV1322", &message);
            }
            templates.push(template);
        }
        if templates.iter().any(|it| it.anonymous) && templates.iter().any(|it| !it.anonymous) {
            let message = "either all resources have a `name` or none has";
            self.error(&format!("{pointer}/resources"), "PV1322", message);
        }
        let patches = input
            .pointer("/environment/patches")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let (environment_patches, problems) = parse_all(
            &patches,
            &format!("{pointer}/environment/patches"),
            &PatchSets::new(),
        );
        for problem in problems {
            self.error(
                &problem.place.pointer,
                "PV1323",
                &format!("{}: {}", problem.place, problem.message),
            );
        }
        Step {
            name: name.to_owned(),
            templates,
            environment_patches,
        }
    }

    fn template(&mut self, resource: &Value, index: usize, pointer: &str, sets: &PatchSets) -> Template {
        let list = |name: &str| {
            resource
                .get(name)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let name = resource
            .get("name")
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty());
        let mut template = Template {
            name: name.map_or_else(|| index.to_string(), str::to_owned),
            anonymous: name.is_none(),
            base: resource.get("base").filter(|base| !base.is_null()).cloned(),
            pointer: pointer.to_owned(),
            ..Template::default()
        };
        let (patches, problems) = parse_all(&list("patches"), &format!("{pointer}/patches"), sets);
        template.patches = patches;
        for problem in problems {
            let message = format!("{}: {}", problem.place, problem.message);
            self.problem(&mut template, &problem.place.pointer, "PV1323", message);
        }
        self.check_targets(&template);
        self.details(&mut template, &list("connectionDetails"));
        for (index, check) in list("readinessChecks").iter().enumerate() {
            match Check::parse(check) {
                Ok(check) => template.readiness_checks.push(check),
                Err(message) => {
                    let place = format!("{pointer}/readinessChecks/{index}");
                    self.problem(&mut template, &place, "PV1325", message);
                }
            }
        }
        self.check_base(&mut template);
        template
    }

    fn details(&mut self, template: &mut Template, own: &[Value]) {
        let extra = self.extra.clone();
        let extra = extra
            .iter()
            .filter(|it| it.get("resource").and_then(Value::as_str) == Some(&template.name));
        for (index, detail) in own.iter().chain(extra).enumerate() {
            let place = if index < own.len() {
                format!("{}/connectionDetails/{index}", template.pointer)
            } else {
                format!(
                    "/metadata/annotations/{}",
                    EXTRA_CONNECTION_DETAILS.replace('/', "~1")
                )
            };
            match ConnectionDetail::parse(detail) {
                Ok(detail) => {
                    if detail.is_extension() && index < own.len() {
                        let message = format!(
                            "connection detail `{}` of type FromCombine is a Pave extension",
                            detail.name
                        );
                        let help = format!(
                            "move it to the annotation `{EXTRA_CONNECTION_DETAILS}`, which Crossplane ignores, to keep this file usable there"
                        );
                        let diagnostic = Diagnostic::info("PV1326", message).with_help(help);
                        self.findings
                            .push(Finding::new(place, diagnostic).about(&template.name));
                    }
                    template.connection_details.push(detail);
                }
                // A detail that cannot be read costs that detail, never the resource.
                Err(message) => {
                    let diagnostic = Diagnostic::error("PV1324", message);
                    self.findings
                        .push(Finding::new(place, diagnostic).about(&template.name));
                }
            }
        }
    }

    fn check_targets(&mut self, template: &Template) {
        for patch in &template.patches {
            if patch.direction == crate::patch::Direction::ToComposite
                && !patch.target.to_string().starts_with("status")
            {
                let message = format!(
                    "{} writes `{}`, but only the status of a composite resource can be patched",
                    patch.place, patch.target
                );
                let finding = Finding::new(
                    patch.place.pointer.clone(),
                    Diagnostic::warning("PV1327", message),
                );
                self.findings.push(finding.about(&template.name));
            }
        }
    }

    fn check_base(&mut self, template: &mut Template) {
        let Some(base) = template.base.clone() else { return };
        let text = |name: &str| base.get(name).and_then(Value::as_str).unwrap_or_default();
        if let Err(error) = GroupVersionKind::from_api_version(text("apiVersion"), text("kind")) {
            let place = format!("{}/base", template.pointer);
            self.problem(
                template,
                &place,
                "PV1328",
                format!("the base of the resource is no object: {error}"),
            );
        }
        let mut literals = Vec::new();
        find_interpolations(&base, &format!("{}/base", template.pointer), &mut literals);
        for (pointer, text) in literals {
            let message = format!("`{text}` is sent as it stands: a Composition has no interpolation");
            let diagnostic = Diagnostic::warning("PV1329", message)
                .with_help("use a patch of type FromCompositeFieldPath or CombineFromComposite");
            self.findings
                .push(Finding::new(pointer, diagnostic).about(&template.name));
        }
    }

    fn problem(&mut self, template: &mut Template, pointer: &str, code: &str, message: String) {
        self.findings
            .push(Finding::new(pointer, Diagnostic::error(code, message.clone())).about(&template.name));
        template.problems.push(message);
    }
}

fn patch_sets(input: &Value, pointer: &str) -> PatchSets {
    let sets = input
        .get("patchSets")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    sets.iter()
        .enumerate()
        .filter_map(|(index, set)| {
            let name = set.get("name").and_then(Value::as_str)?;
            let patches = set
                .get("patches")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            Some((name.to_owned(), (patches, format!("{pointer}/patchSets/{index}"))))
        })
        .collect()
}

fn find_interpolations(value: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text.contains("${") => found.push((pointer.to_owned(), text.clone())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_interpolations(item, &format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                find_interpolations(item, &format!("{pointer}/{key}"), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
