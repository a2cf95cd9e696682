//! Claims and composite resources: does what they say reach anything, and who makes it?

mod selection;

use std::collections::BTreeMap;

use pave_azure::mapping::{self, EXTERNAL_NAME};
use pave_composite::render::{ObservedResources, render};
use pave_composite::{claim, select};
use pave_diagnostic::{Diagnostic, Diagnostics};
use pave_manifest::application::Application;
use pave_manifest::directory::Selection;
use serde_json::{Value, json};

use crate::against::{self, Against};
use crate::classic::Role;
use crate::edit::{Edits, offer};
use crate::managed::Model;
use crate::pointer;
use crate::subject::{Origin, Subject};
use crate::world::{Defined, World};

/// Namespace that GitOps itself lives in, where nobody says otherwise.
pub(crate) const CONTROL_NAMESPACE: &str = "argocd";

const EFFECT: &str = "a strict apply refuses the object; with pruning the value vanishes without a word, and the patches that wait for it are skipped";

/// Checks a claim, or a composite resource that somebody wrote.
pub(crate) fn check(world: &World, subject: &Subject, defined: &Defined, is_claim: bool) -> Diagnostics {
    let definition = &defined.definition;
    let version = subject.gvk().version;
    let mut found: Diagnostics = served(subject, defined, &version).into_iter().collect();
    let schema = if is_claim {
        defined.claim_schema(&version)
    } else {
        Some(defined.composite_schema())
    };
    let effect = pruned_effect(world, defined);
    if let Some(schema) = schema {
        let against = Against {
            schema: &schema,
            name: format!("the XRD `{}`", definition.name),
            written: Some((&defined.subject, defined.schema_pointer(&version))),
            filled: &[],
            effect: &effect,
        };
        found.extend(against::check(subject, "", &against));
    }
    let composite = composite_of(subject, defined, is_claim);
    found.extend(selection::check(world, subject, defined, &composite));
    if is_claim {
        found.extend(preset(subject));
        found.extend(namespace(world, subject));
        found.extend(secret(world, subject, defined));
    }
    if !subject.is_rendered() {
        found.extend(azure_refuses(world, subject, defined, &composite));
    }
    found
}

/// What follows from a field that is dropped; a literal in its place makes it worse.
fn pruned_effect(world: &World, defined: &Defined) -> String {
    let mut findings = world
        .compositions_of(&defined.definition)
        .flat_map(|it| it.findings.iter().map(move |finding| (it, finding)));
    let literal = findings
        .find(|(_, finding)| finding.diagnostic.code == "PV1329" && finding.pointer.ends_with("Login"));
    match literal {
        Some((composed, finding)) => {
            format!(
                "{EFFECT}; the administrator's login stays the literal `{}`",
                composed.subject.str(&finding.pointer)
            )
        }
        None => EFFECT.to_owned(),
    }
}

/// The composite resource that a claim becomes.
pub(crate) fn composite_of(subject: &Subject, defined: &Defined, is_claim: bool) -> Value {
    if !is_claim {
        return subject.value.clone();
    }
    let name = claim::composite_name(&subject.value)
        .unwrap_or("composite")
        .to_owned();
    claim::desired_composite(&subject.value, &defined.definition, &name)
}

fn served(subject: &Subject, defined: &Defined, version: &str) -> Option<Diagnostic> {
    let versions = defined
        .subject
        .value
        .pointer("/spec/versions")
        .and_then(Value::as_array)?;
    let names: Vec<&str> = versions
        .iter()
        .filter(|it| it["served"] == true)
        .filter_map(|it| it["name"].as_str())
        .collect();
    if names.contains(&version) {
        return None;
    }
    let right = defined.definition.api_version();
    let message = format!(
        "the XRD `{}` serves {}, not `{version}`",
        defined.definition.name,
        against::quoted(&names)
    );
    let diagnostic = Diagnostic::error("PV2103", message)
        .with_label(subject.value_label("/apiVersion"))
        .with_label(
            defined
                .subject
                .label("/spec/versions")
                .with_text("the versions of the XRD"),
        )
        .with_help(format!("write `{right}`"))
        .with_effect("the API server knows no such kind");
    Some(offer(
        diagnostic,
        Edits::of(subject)
            .replace("/apiVersion", right.clone())
            .fix(format!("write `{right}`")),
    ))
}

/// A claim that chooses the name of its composite resource.
fn preset(subject: &Subject) -> Option<Diagnostic> {
    let name = claim::composite_name(&subject.value)?;
    // What the cluster wrote back is no choice of a person.
    if subject.value.pointer("/metadata/uid").is_some() {
        return None;
    }
    Some(
        Diagnostic::warning(
            "PV2116",
            format!("the claim chooses the name of its composite resource: `{name}`"),
        )
        .with_label(subject.label("/spec/resourceRef"))
        .with_help("remove `resourceRef`: a name that is free is chosen, and written here")
        .with_effect(
            "composite resources have no namespace: a claim of the same name in another namespace is refused",
        ),
    )
}

fn namespace(world: &World, subject: &Subject) -> Option<Diagnostic> {
    if !subject.str("/metadata/namespace").is_empty() {
        return None;
    }
    let applications: Vec<_> = world.of_kind("argoproj.io", "Application").collect();
    let synced_by = applications.iter().find(|it| covers(&it.value, &subject.path));
    let destination = |it: &Subject| it.str("/spec/destination/namespace").to_owned();
    if synced_by.is_some_and(|it| !["", CONTROL_NAMESPACE].contains(&destination(it).as_str())) {
        return None;
    }
    let shown = synced_by.or_else(|| {
        applications
            .iter()
            .find(|it| destination(it) == CONTROL_NAMESPACE)
    });
    let mut diagnostic = Diagnostic::warning("PV2117", "the claim names no namespace")
        .with_label(subject.label("/metadata"))
        .with_help("add `metadata.namespace` with the team's namespace")
        .with_effect("it and its secret land wherever the Application that syncs it points");
    if let Some(application) = shown {
        let target = destination(application);
        diagnostic = diagnostic
            .with_label(
                application
                    .label("/spec/destination/namespace")
                    .with_text("this namespace would be taken"),
            )
            .with_effect(format!(
                "the claim and the secret with the password land in `{target}`, where no team may read them"
            ));
    }
    Some(diagnostic)
}

/// Whether an Application syncs a file. The file may be named from further up than the repository's root.
pub(crate) fn covers(application: &Value, path: &str) -> bool {
    let Ok(application) = Application::from_value(application.clone()) else {
        return false;
    };
    let Some(source) = application.source() else {
        return false;
    };
    let selection = Selection::new(source.folder(), source.directory.as_ref());
    let mut rest = path;
    loop {
        if selection.selects(rest) {
            return true;
        }
        match rest.split_once('/') {
            Some((_, below)) => rest = below,
            None => return false,
        }
    }
}

/// A claim that asks for no secret where there would be one.
fn secret(world: &World, subject: &Subject, defined: &Defined) -> Option<Diagnostic> {
    if subject
        .value
        .pointer("/spec/writeConnectionSecretToRef")
        .is_some()
    {
        return None;
    }
    let has_credentials = world.compositions_of(&defined.definition).any(|it| {
        it.composition
            .steps
            .iter()
            .flat_map(|step| &step.templates)
            .any(|template| {
                let model = Model::of_template(template);
                !template.connection_details.is_empty()
                    || model.is_some_and(|model| model.role() == Role::Server)
            })
    });
    if !has_credentials {
        return None;
    }
    let name = secret_name(subject);
    let lines = [
        "writeConnectionSecretToRef:".to_owned(),
        format!("  name: {name}"),
    ];
    let last = subject
        .value
        .pointer("/spec")?
        .as_object()?
        .keys()
        .next_back()
        .cloned()?;
    let fix = Edits::of(subject).insert_after(&pointer::child("/spec", &last), &lines);
    let diagnostic = Diagnostic::warning("PV2118", "the claim asks for no connection secret")
        .with_label(subject.label("/spec"))
        .with_help(format!("add `writeConnectionSecretToRef` with `name: {name}`"))
        .with_effect("there is a database, and its developer has no credentials for it");
    Some(offer(diagnostic, fix.fix("add `writeConnectionSecretToRef`")))
}

/// A name for the claim's secret, as the claim's own name is written: in a template, an expression.
fn secret_name(subject: &Subject) -> String {
    let written = subject.written("/metadata/name");
    match (&subject.text.origin, written.as_str()) {
        (Origin::Rendered(rendered), "$") => {
            let parameters = crate::template::parameters(&rendered.template);
            let first = parameters.first().map_or("<name>", String::as_str);
            format!("${{{{ parameters.{first} }}}}-connection")
        }
        _ => format!("{written}-connection"),
    }
}

/// Values of the claim that Azure would refuse once they have become names and logins.
fn azure_refuses(world: &World, subject: &Subject, defined: &Defined, composite: &Value) -> Diagnostics {
    let compositions: Vec<Value> = world
        .compositions
        .iter()
        .map(|it| it.subject.value.clone())
        .collect();
    let mut composite = composite.clone();
    composite["apiVersion"] = json!(defined.definition.api_version());
    composite["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    let Ok(chosen) = select::composition(&composite, &defined.definition, &compositions) else {
        return Vec::new();
    };
    let Some(composed) = world
        .compositions
        .iter()
        .find(|it| it.composition.name == chosen.name)
    else {
        return Vec::new();
    };
    let rendered = render(&composite, &composed.composition, &ObservedResources::new());
    let mut found = BTreeMap::new();
    for desired in &rendered.resources {
        let gvk = pave_manifest::api_version_and_kind(&desired.object);
        let Some(kind) = mapping::kind_of(&gvk.group, &gvk.kind) else {
            continue;
        };
        let parameters = mapping::create_parameters(&desired.object["spec"]);
        let named = desired.object["metadata"]["annotations"][EXTERNAL_NAME].as_str();
        for finding in kind.check(named.unwrap_or("example"), &parameters, true) {
            let source = rendered
                .provenance
                .iter()
                .find(|it| it.resource == desired.name && it.to == finding.field);
            let Some(from) =
                source.and_then(|it| it.from.iter().rev().find_map(|from| origin(from, subject)))
            else {
                continue;
            };
            let diagnostic = Diagnostic::error("PV1401", finding.message.clone())
                .with_label(subject.value_label(&from))
                .with_label(
                    composed
                        .subject
                        .label(&source.map(|it| it.patch.clone()).unwrap_or_default())
                        .with_text(format!("becomes `{}` of {}", finding.field, kind.kind)),
                )
                .with_help(finding.help)
                .with_effect("Azure refuses the request, and the environment never gets ready");
            found.entry((from, finding.message)).or_insert(diagnostic);
        }
    }
    found.into_values().collect()
}

/// The field of the claim that a field of its composite resource came from.
pub(crate) fn origin(path: &str, subject: &Subject) -> Option<String> {
    let place = match path {
        "spec.claimRef.namespace" => "/metadata/namespace".to_owned(),
        "spec.claimRef.name" => "/metadata/name".to_owned(),
        _ => pointer::from_path(path),
    };
    subject.value.pointer(&place).is_some().then_some(place)
}
