//! What a composite resource becomes.

mod identity;

use std::collections::BTreeMap;

use pave_diagnostic::{Diagnostic, Severity};
use serde_json::{Map, Value, json};

use crate::composition::{Composition, Step, Template};
use crate::connection::{self, Details};
use crate::finding::Finding;
use crate::keys::SECRET_TYPE;
use crate::patch::{Direction, Outcome, Patch, PatchError};
use crate::readiness;

pub use identity::{Reference, deterministic_name, prefix};

/// A composed resource as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The object.
    pub object: Value,
    /// Its connection secret.
    pub connection: Details,
}

/// Observed composed resources by the names of their templates.
pub type ObservedResources = BTreeMap<String, Observed>;

/// A composed resource as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Name of its template.
    pub name: String,
    /// The object, to be applied as it stands.
    pub object: Value,
    /// Whether the observed one passes its readiness checks.
    pub ready: bool,
    /// What the first failing check waits for.
    pub waiting_for: Option<String>,
    /// Why it must not be applied now; it is not deleted for that.
    pub blocked: Option<String>,
    /// Whether the name was made up here rather than given by base, patch or the observed object.
    pub generated_name: bool,
}

/// Where a value in a composed resource or in the status came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Name of the template.
    pub resource: String,
    /// Which direction the value went.
    pub direction: Direction,
    /// Fields that it was read from.
    pub from: Vec<String>,
    /// Field that it was written to.
    pub to: String,
    /// JSON pointer of the patch in the Composition.
    pub patch: String,
}

/// What came of rendering.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendered {
    /// Composed resources in the order of the Composition.
    pub resources: Vec<Desired>,
    /// Status of the composite resource without conditions; an empty object if no patch wrote any.
    pub status: Value,
    /// What goes into the connection secret.
    pub connection: Details,
    /// Whether all resources are ready and none is blocked.
    pub ready: bool,
    /// Remarks, each at a patch or a template.
    pub findings: Vec<Finding>,
    /// Optional patches that did nothing: template name and sentence.
    pub skipped: Vec<(String, String)>,
    /// Where each patched field came from.
    pub provenance: Vec<Provenance>,
    /// Why nothing at all may be applied.
    pub fatal: Option<String>,
}

impl Rendered {
    /// Names of the templates whose resources are not ready.
    #[must_use]
    pub fn unready(&self) -> Vec<String> {
        self.resources
            .iter()
            .filter(|it| !it.ready)
            .map(|it| it.name.clone())
            .collect()
    }
}

/// Renders a composite resource with a Composition (or revision) against what is observed.
#[must_use]
pub fn render(composite: &Value, composition: &Composition, observed: &ObservedResources) -> Rendered {
    let mut renderer = Renderer {
        composite,
        observed,
        desired_composite: json!({}),
        environment: json!({}),
        details: Details::new(),
        out: Rendered {
            status: json!({}),
            ..Rendered::default()
        },
    };
    if let Some(reason) = composition.unsupported.first() {
        renderer.out.fatal = Some(reason.clone());
        return renderer.out;
    }
    for step in &composition.steps {
        renderer.step(step);
    }
    renderer.finish()
}

struct Renderer<'a> {
    composite: &'a Value,
    observed: &'a ObservedResources,
    desired_composite: Value,
    environment: Value,
    details: Details,
    out: Rendered,
}

impl Renderer<'_> {
    fn step(&mut self, step: &Step) {
        for patch in &step.environment_patches {
            let result = match patch.direction {
                Direction::FromComposite | Direction::ToEnvironment => {
                    patch.apply(self.composite, &mut self.environment)
                }
                Direction::ToComposite | Direction::FromEnvironment => {
                    patch.apply(&self.environment, &mut self.desired_composite)
                }
            };
            if let Err(error) = result {
                self.warn("", patch, &error);
            }
        }
        for template in &step.templates {
            self.template(template, step);
        }
    }

    fn template(&mut self, template: &Template, step: &Step) {
        let earlier = self.out.resources.iter().position(|it| it.name == template.name);
        let Some(base) = template
            .base
            .clone()
            .or_else(|| Some(self.out.resources[earlier?].object.clone()))
        else {
            let message = format!(
                "resource `{}` has no base, and no earlier step makes it",
                template.name
            );
            self.out.fatal.get_or_insert(message);
            return;
        };
        let observed = self.observed.get(&template.name);
        let mut object = base;
        identity::adopt(&mut object, observed.map(|it| &it.object));
        let mut blocked = template.problems.first().cloned();
        for patch in &template.patches {
            if let Some(error) = self.patch(patch, template, &mut object, observed) {
                // The function goes on with an existing resource when a required field is missing; 1.x drops it.
                let goes_on =
                    !step.name.is_empty() && observed.is_some() && matches!(error, PatchError::Required(_));
                if !goes_on {
                    blocked.get_or_insert(format!("{}: {error}", patch.place));
                }
            }
        }
        let generated_name = identity::complete(
            &mut object,
            self.composite,
            template,
            observed.map(|it| &it.object),
        );
        let readiness = match observed {
            Some(observed) => readiness::evaluate(&template.readiness_checks, &observed.object),
            None => readiness::Readiness::default(),
        };
        for warning in &readiness.warnings {
            let diagnostic = Diagnostic::warning("PV1333", format!("readiness check: {warning}"));
            self.out
                .findings
                .push(Finding::new(template.pointer.clone(), diagnostic).about(&template.name));
        }
        if let Some(observed) = observed {
            let details = &template.connection_details;
            self.details.extend(connection::extract(
                details,
                self.composite,
                &observed.object,
                &observed.connection,
            ));
        }
        let desired = Desired {
            name: template.name.clone(),
            object,
            ready: readiness.ready && blocked.is_none(),
            waiting_for: readiness.waiting_for,
            blocked,
            generated_name,
        };
        match earlier {
            Some(position) => self.out.resources[position] = desired,
            None => self.out.resources.push(desired),
        }
    }

    /// Runs one patch; an error that concerns the resource is returned after it was reported.
    fn patch(
        &mut self,
        patch: &Patch,
        template: &Template,
        object: &mut Value,
        observed: Option<&Observed>,
    ) -> Option<PatchError> {
        let outward = matches!(patch.direction, Direction::ToComposite | Direction::ToEnvironment);
        let result = match (patch.direction, observed) {
            (Direction::FromComposite, _) => patch.apply(self.composite, object),
            (Direction::FromEnvironment, _) => patch.apply(&self.environment, object),
            // Nothing can be read from what does not exist yet.
            (_, None) => return None,
            (Direction::ToComposite, Some(observed)) => {
                patch.apply(&observed.object, &mut self.desired_composite)
            }
            (Direction::ToEnvironment, Some(observed)) => {
                patch.apply(&observed.object, &mut self.environment)
            }
        };
        match result {
            Ok(Outcome::Applied { from, to }) => {
                self.out.provenance.extend(to.into_iter().map(|to| Provenance {
                    resource: template.name.clone(),
                    direction: patch.direction,
                    from: from.clone(),
                    to,
                    patch: patch.place.pointer.clone(),
                }));
                None
            }
            Ok(Outcome::Skipped { missing }) => {
                // What a composed resource does not report yet is no surprise; what the request lacks may be.
                if !outward {
                    self.skip(patch, template, &missing);
                }
                None
            }
            Err(error) => {
                self.warn(&template.name, patch, &error);
                if outward {
                    return None;
                }
                Some(error)
            }
        }
    }

    fn skip(&mut self, patch: &Patch, template: &Template, missing: &str) {
        let message = format!(
            "{} of resource `{}` was skipped: `{missing}` is not set",
            patch.place, template.name
        );
        let diagnostic = Diagnostic::info("PV1330", message.clone()).with_help(
            "set the field, give it a default in the XRD, or make the patch `policy.fromFieldPath: Required`",
        );
        self.out
            .findings
            .push(Finding::new(patch.place.pointer.clone(), diagnostic).about(&template.name));
        self.out.skipped.push((template.name.clone(), message));
    }

    fn warn(&mut self, resource: &str, patch: &Patch, error: &PatchError) {
        let code = if matches!(error, PatchError::Required(_)) {
            "PV1331"
        } else {
            "PV1332"
        };
        let message = if resource.is_empty() {
            format!("environment {}: {error}", patch.place)
        } else {
            format!("{} of resource `{resource}`: {error}", patch.place)
        };
        let finding = Finding::new(patch.place.pointer.clone(), Diagnostic::warning(code, message));
        self.out.findings.push(if resource.is_empty() {
            finding
        } else {
            finding.about(resource)
        });
    }

    fn finish(mut self) -> Rendered {
        if let Some(status) = self.desired_composite.get("status").filter(|it| it.is_object()) {
            self.out.status = status.clone();
        }
        if self.composite.pointer("/spec/crossplane").is_some() && !self.details.is_empty() {
            let secret = self.secret();
            self.out.resources.push(secret);
        }
        self.out.connection = self.details;
        self.out.ready = self.out.resources.iter().all(|it| it.ready);
        self.out
            .findings
            .sort_by_key(|it| std::cmp::Reverse(it.diagnostic.severity == Severity::Error));
        self.out
    }

    /// Composite resources of 2.x have no connection secret of their own, so it is composed like any other resource.
    fn secret(&self) -> Desired {
        let text = |pointer: &str| self.composite.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or_default();
        let template = Template {
            name: format!("{name}-connection-secret"),
            ..Template::default()
        };
        let data: Map<String, Value> = self
            .details
            .iter()
            .map(|(key, value)| (key.clone(), json!(encode(value))))
            .collect();
        let mut metadata = json!({"name": text("/spec/writeConnectionSecretToRef/name").map_or_else(|| format!("{name}-connection"), str::to_owned)});
        let namespace =
            text("/spec/writeConnectionSecretToRef/namespace").or_else(|| text("/metadata/namespace"));
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": SECRET_TYPE, "data": data});
        identity::complete(&mut object, self.composite, &template, None);
        Desired {
            name: template.name,
            object,
            ready: true,
            waiting_for: None,
            blocked: None,
            generated_name: false,
        }
    }
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests;
