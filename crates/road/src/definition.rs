//! XRDs: can they offer what they declare, and does what they declare reach anything?

use pave_azure::names;
use pave_composite::patch::Direction;
use pave_diagnostic::{Diagnostic, Diagnostics};
use pave_schema::Schema;
use serde_json::{Value, json};

use crate::against::quoted;
use crate::classic::Role;
use crate::edit::{Edits, offer};
use crate::managed::Model;
use crate::patches::{read_paths, sources};
use crate::subject::Subject;
use crate::world::{Defined, World};

/// Logins of which Azure refuses each.
pub(crate) const RESERVED_LOGINS: [&str; 8] = [
    "admin",
    "administrator",
    "root",
    "guest",
    "public",
    "azure_superuser",
    "azure_pg_admin",
    "pg_example",
];

/// Names that no server may have.
const BAD_SERVER_NAMES: [&str; 4] = ["ab", "Upper-Case", "under_score", "-dash"];

/// What the model finds in an XRD, with fixes.
pub(crate) fn model(subject: &Subject) -> Diagnostics {
    let (_, findings) = pave_composite::xrd::Definition::parse(&subject.value);
    let mut found = Vec::new();
    for finding in findings {
        let place = finding.pointer.clone();
        let code = finding.diagnostic.code.clone();
        let mut diagnostic = finding.diagnostic;
        let at_value = code == "PV1307" && place == "/spec/scope";
        diagnostic.labels.insert(
            0,
            if at_value {
                subject.value_label(&place)
            } else {
                subject.label(&place)
            },
        );
        found.push(match code.as_str() {
            "PV1307" if at_value => scope(subject, diagnostic),
            "PV1302" => {
                let (plural, group) = (subject.str("/spec/names/plural"), subject.str("/spec/group"));
                let name = format!("{plural}.{group}");
                let fix = Edits::of(subject)
                    .replace(&place, name.clone())
                    .fix(format!("rename it to `{name}`"));
                offer(diagnostic, fix)
            }
            "PV1312" => required(subject, &place, diagnostic),
            _ => diagnostic,
        });
    }
    found
}

fn scope(subject: &Subject, diagnostic: Diagnostic) -> Diagnostic {
    let fix = Edits::of(subject)
        .replace("/spec/scope", "LegacyCluster")
        .fix("write `scope: LegacyCluster`");
    let diagnostic = diagnostic
        .with_label(subject.label("/spec/claimNames").with_text("the claim that is offered"))
        .with_help("a namespaced XR cannot have claims. Keep the claim: drop `scope` (LegacyCluster is the default); or drop `claimNames` and use the XR itself")
        .with_effect("Crossplane 1.x does not know the field, 2.x refuses the XRD: no claim can be made");
    offer(diagnostic, fix)
}

fn required(subject: &Subject, place: &str, diagnostic: Diagnostic) -> Diagnostic {
    let properties = format!("{place}/properties");
    let names: Vec<&str> = subject
        .value
        .pointer(&properties)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    let line = format!("required: [{}]", names.join(", "));
    let own = format!("{place}/required");
    let lines = std::slice::from_ref(&line);
    let edits = Edits::of(subject);
    let edits = if subject.entry(&own).is_some() {
        edits.replace_entry(&own, lines)
    } else {
        edits.insert_before(&properties, lines)
    };
    offer(diagnostic, edits.fix(format!("add `{line}`")))
}

/// What the road adds: what becomes of the XRD's fields.
pub(crate) fn check(world: &World, defined: &Defined) -> Diagnostics {
    let mut found = model(&defined.subject);
    explain_required(world, defined, &mut found);
    found.extend(unread(world, defined));
    found.extend(unpublished(world, defined));
    found.extend(names_and_logins(world, defined));
    found
}

/// Says which patches an empty claim would starve.
fn explain_required(world: &World, defined: &Defined, found: &mut Diagnostics) {
    let Some(finding) = found.iter_mut().find(|finding| finding.code == "PV1312") else {
        return;
    };
    let root = defined.schema_pointer(&defined.definition.referenceable);
    let own = defined
        .subject
        .value
        .pointer(&format!("{root}/properties/spec/properties"));
    let mut fed: Vec<String> = Vec::new();
    for composed in world.compositions_of(&defined.definition) {
        let templates = composed.composition.steps.iter().flat_map(|step| &step.templates);
        let patches = templates
            .flat_map(|template| &template.patches)
            .filter(|patch| patch.direction == Direction::FromComposite);
        for (path, place) in patches.flat_map(sources) {
            let [spec, field, ..] = &path[..] else { continue };
            let shown = path.join(".");
            if spec != "spec" || own.is_none_or(|own| own.get(field).is_none()) || fed.contains(&shown) {
                continue;
            }
            if fed.is_empty() {
                finding.labels.push(
                    composed
                        .subject
                        .value_label(&place)
                        .with_text("this patch would be skipped"),
                );
            }
            fed.push(shown);
        }
    }
    if !fed.is_empty() {
        finding.effect = Some(format!(
            "{} feed patches; without them the patches are skipped and the server has no name and no login",
            quoted(&fed)
        ));
    }
}

/// Fields that no Composition reads.
fn unread(world: &World, defined: &Defined) -> Diagnostics {
    let mut read = Vec::new();
    let mut any = false;
    for composed in world.compositions_of(&defined.definition) {
        any = true;
        read_paths(&composed.subject.value, &mut read);
    }
    if !any {
        return Vec::new();
    }
    let place = format!(
        "{}/properties/spec/properties",
        defined.schema_pointer(&defined.definition.referenceable)
    );
    let fields = defined.subject.value.pointer(&place).and_then(Value::as_object);
    let mut found = Vec::new();
    for name in fields.into_iter().flatten().map(|(name, _)| name) {
        let is_read = read.iter().any(|path| match path.as_slice() {
            [spec, field, ..] => spec == "spec" && field == name,
            [spec] => spec == "spec",
            [] => false,
        });
        if !is_read {
            found.push(
                Diagnostic::warning("PV2126", format!("no Composition reads `spec.{name}`"))
                    .with_label(defined.subject.label(&crate::pointer::child(&place, name)))
                    .with_help("patch it to a resource, or drop it from the XRD")
                    .with_effect("whoever sets it sees nothing come of it"),
            );
        }
    }
    found
}

/// An XRD that promises no keys where no Composition publishes any.
fn unpublished(world: &World, defined: &Defined) -> Option<Diagnostic> {
    let definition = &defined.definition;
    let subject = &defined.subject;
    let mut composed = world.compositions_of(definition).peekable();
    composed.peek()?;
    let publishes = composed.any(|it| {
        it.composition
            .steps
            .iter()
            .flat_map(|step| &step.templates)
            .any(|it| !it.connection_details.is_empty())
    });
    let declared = subject.value.pointer("/spec/connectionSecretKeys").is_some();
    if publishes || declared || definition.claim_names.is_none() {
        return None;
    }
    let line = "connectionSecretKeys: [endpoint, port, username, password]".to_owned();
    let diagnostic = Diagnostic::warning(
        "PV2118",
        "the XRD names no `connectionSecretKeys`, and no Composition publishes any",
    )
    .with_label(subject.label("/spec/claimNames"))
    .with_help(format!("add `{line}` and `connectionDetails` in the Composition"))
    .with_effect("a claim never gets credentials");
    Some(offer(
        diagnostic,
        Edits::of(subject)
            .insert_after("/spec/claimNames", &[line])
            .fix("add `connectionSecretKeys`"),
    ))
}

/// Fields that become a login or a server's name without being checked for it.
fn names_and_logins(world: &World, defined: &Defined) -> Diagnostics {
    let schema = defined.composite_schema();
    let mut found: Diagnostics = Vec::new();
    let mut told: Vec<Vec<String>> = Vec::new();
    for composed in world.compositions_of(&defined.definition) {
        for template in composed.composition.steps.iter().flat_map(|step| &step.templates) {
            let model = Model::of_template(template);
            let Some(model) = model.filter(|model| model.role() == Role::Server) else {
                continue;
            };
            for patch in template
                .patches
                .iter()
                .filter(|it| it.direction == Direction::FromComposite && it.transforms.is_empty())
            {
                let [(path, place)] = &sources(patch)[..] else {
                    continue;
                };
                let steps: Vec<&str> = path.iter().map(String::as_str).collect();
                let Some(field) = schema.property(&steps) else {
                    continue;
                };
                if told.contains(path) || path.first().is_some_and(|first| first != "spec") {
                    continue;
                }
                let target = patch.target.to_string();
                let label = composed.subject.value_label(place);
                let diagnostic = if target.ends_with("administratorLogin") {
                    login(defined, path, &field)
                } else if target == "metadata.name" || target.ends_with("[crossplane.io/external-name]") {
                    server_name(defined, path, &field, model)
                } else {
                    None
                };
                if let Some(diagnostic) = diagnostic {
                    told.push(path.clone());
                    found.push(diagnostic.with_label(label.with_text(format!("becomes `{target}`"))));
                }
            }
        }
    }
    found
}

fn accepted<'a>(schema: &Schema, words: &[&'a str]) -> Vec<&'a str> {
    words
        .iter()
        .copied()
        .filter(|word| schema.validate(&json!(word), None).is_empty())
        .collect()
}

fn login(defined: &Defined, path: &[String], field: &Schema) -> Option<Diagnostic> {
    let refused: Vec<&str> = accepted(field, &RESERVED_LOGINS)
        .into_iter()
        .filter(|word| names::check_administrator_login(word).is_err())
        .collect();
    if refused.is_empty() {
        return None;
    }
    let place = defined.field_pointer(path);
    let shown = path.join(".");
    let message = format!(
        "`{shown}` becomes the administrator's login, and the XRD accepts logins that Azure refuses: {}",
        quoted(&refused)
    );
    let diagnostic = Diagnostic::warning("PV2123", message)
        .with_label(defined.subject.label(&place))
        .with_help("add a pattern and exclude Azure's reserved logins (admin, administrator, root, guest, public, azure_superuser, azure_pg_admin, pg_*)")
        .with_effect("the claim is accepted, and the server fails minutes later");
    let lines = [
        "maxLength: 63",
        "pattern: ^[a-z_][a-z0-9_]*$",
        "allOf:",
        "  - not:",
        "      enum: [azure_superuser, azure_pg_admin, admin, administrator, root, guest, public]",
        "  - not:",
        "      pattern: ^pg_",
    ];
    Some(offer(
        diagnostic,
        constrain(defined, &place, &lines, "exclude Azure's reserved logins"),
    ))
}

fn server_name(defined: &Defined, path: &[String], field: &Schema, model: Model) -> Option<Diagnostic> {
    let refused = accepted(field, &BAD_SERVER_NAMES);
    if refused.is_empty() {
        return None;
    }
    let place = defined.field_pointer(path);
    let message = format!(
        "`{}` names the server ({}), and the XRD accepts names that Azure refuses: {}",
        path.join("."),
        model.kind(),
        quoted(&refused)
    );
    let diagnostic = Diagnostic::warning("PV2129", message)
        .with_label(defined.subject.label(&place))
        .with_help("add `minLength: 3`, `maxLength: 63` and `pattern: ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$` (RFC 1123, as Azure wants it)")
        .with_effect("the claim is accepted, and the server fails minutes later");
    let lines = [
        "minLength: 3",
        "maxLength: 63",
        "pattern: ^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
    ];
    Some(offer(
        diagnostic,
        constrain(defined, &place, &lines, "accept only what Azure accepts"),
    ))
}

/// Adds constraints below the `type` of a property that has none of its own.
fn constrain(defined: &Defined, place: &str, lines: &[&str], title: &str) -> Option<pave_diagnostic::Fix> {
    let property = defined.subject.value.pointer(place)?;
    if ["pattern", "minLength", "maxLength", "allOf"]
        .iter()
        .any(|key| property.get(key).is_some())
    {
        return None;
    }
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    Edits::of(&defined.subject)
        .insert_after(&format!("{place}/type"), &lines)
        .fix(title)
}

/// Fields of an XRD that become the administrator's login of a server.
pub(crate) fn login_fields(world: &World, defined: &Defined) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for composed in world.compositions_of(&defined.definition) {
        let templates = composed.composition.steps.iter().flat_map(|step| &step.templates);
        for patch in templates.flat_map(|template| &template.patches) {
            let is_login = patch.direction == Direction::FromComposite
                && patch.target.to_string().ends_with("administratorLogin");
            if let ([(path, _)], true) = (&sources(patch)[..], is_login)
                && !found.contains(path)
            {
                found.push(path.clone());
            }
        }
    }
    found
}
