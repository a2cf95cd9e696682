//! Applications, projects and rights: is what they name there, and does it land where it should?

use pave_diagnostic::{Diagnostic, Diagnostics, nearest};
use pave_manifest::project::Project;
use pave_schema::Schema;
use serde_json::Value;

use crate::against::{self, Against, quoted};
use crate::claim::CONTROL_NAMESPACE;
use crate::edit::{Edits, offer};
use crate::subject::Subject;
use crate::world::World;

const EFFECT: &str = "a strict apply refuses it; otherwise it is dropped without a word";
/// Roles that every cluster has.
const BUILT_IN_ROLES: [&str; 4] = ["cluster-admin", "admin", "edit", "view"];

/// Checks a document that is neither template nor composition nor claim.
pub(crate) fn check(world: &World, subject: &Subject) -> Diagnostics {
    let gvk = subject.gvk();
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("argoproj.io", "Application") => application(world, subject),
        ("argoproj.io", "AppProject") => against_crds(subject, &pave_manifest::crds::crds()),
        ("azure.upbound.io", "ProviderConfig") => against_crds(subject, &pave_azure::mapping::crds()),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            binding(world, subject).into_iter().collect()
        }
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => role(world, subject),
        _ => Vec::new(),
    }
}

/// Checks a document against the CRD that we serve for its kind.
fn against_crds(subject: &Subject, crds: &[Value]) -> Diagnostics {
    let gvk = subject.gvk();
    let crd = crds
        .iter()
        .find(|crd| crd["spec"]["group"] == gvk.group && crd["spec"]["names"]["kind"] == gvk.kind);
    let versions = crd.and_then(|crd| crd["spec"]["versions"].as_array());
    let Some(version) = versions.and_then(|versions| versions.iter().find(|it| it["name"] == gvk.version))
    else {
        return Vec::new();
    };
    let (schema, _) = Schema::parse(&version["schema"]["openAPIV3Schema"]);
    let against = Against {
        schema: &schema,
        name: format!("the schema of {}", gvk.kind),
        written: None,
        filled: &[],
        effect: EFFECT,
    };
    against::check(subject, "", &against)
}

fn application(world: &World, subject: &Subject) -> Diagnostics {
    let mut found = against_crds(subject, &pave_manifest::crds::crds());
    let place = "/spec/destination/namespace";
    let destination = subject.str(place);
    let own = subject.str("/metadata/namespace");
    if destination == CONTROL_NAMESPACE || (!own.is_empty() && destination == own) {
        found.push(
            Diagnostic::warning("PV2125", format!("everything this Application syncs without a namespace lands in `{destination}`, the namespace of GitOps itself"))
                .with_label(subject.value_label(place))
                .with_help("name the team's namespace, and have one Application for each team's folder")
                .with_effect(format!("claims and the secrets with their passwords land in `{destination}`: whoever may write there can make Applications")),
        );
    }
    found.extend(project(world, subject));
    found
}

/// Whether the Application's project exists and lets it go where it goes.
fn project(world: &World, subject: &Subject) -> Option<Diagnostic> {
    let name = subject.str("/spec/project");
    let projects: Vec<_> = world.of_kind("argoproj.io", "AppProject").collect();
    if projects.is_empty() || name.is_empty() || name == "default" {
        return None;
    }
    let Some(project) = projects.iter().find(|it| it.str("/metadata/name") == name) else {
        let known: Vec<&str> = projects.iter().map(|it| it.str("/metadata/name")).collect();
        let near = nearest(name, known.iter().copied());
        let help = near.map_or_else(
            || format!("projects here are {}", quoted(&known)),
            |near| format!("did you mean `{near}`?"),
        );
        let diagnostic = Diagnostic::warning("PV2131", format!("there is no AppProject `{name}` here"))
            .with_label(subject.value_label("/spec/project"))
            .with_help(help)
            .with_effect("the Application is not synced");
        let fix = near.and_then(|near| {
            Edits::of(subject)
                .replace("/spec/project", near)
                .fix(format!("write `{near}`"))
        });
        return Some(offer(diagnostic, fix));
    };
    let rules = Project::from_spec(project.value["spec"].clone()).ok()?;
    let text = |field: &str| subject.str(&format!("/spec/destination/{field}"));
    let refuse = |place: &str, what: String, rule: &str| {
        Diagnostic::error("PV2131", what)
            .with_label(subject.value_label(place))
            .with_label(project.label(rule).with_text("what the project allows"))
            .with_help("change one of the two")
            .with_effect("the Application is not synced")
    };
    if !rules.permits_destination(text("server"), text("name"), text("namespace")) {
        let what = format!(
            "the AppProject `{name}` does not allow the namespace `{}`",
            text("namespace")
        );
        return Some(refuse("/spec/destination/namespace", what, "/spec/destinations"));
    }
    let repository = subject.str("/spec/source/repoURL");
    (!repository.is_empty() && !rules.permits_source(repository)).then(|| {
        refuse(
            "/spec/source/repoURL",
            format!("the AppProject `{name}` does not allow the repository `{repository}`"),
            "/spec/sourceRepos",
        )
    })
}

/// A binding to a role that nobody wrote.
fn binding(world: &World, subject: &Subject) -> Option<Diagnostic> {
    let (kind, name) = (subject.str("/roleRef/kind"), subject.str("/roleRef/name"));
    let group = "rbac.authorization.k8s.io";
    let known: Vec<&str> = world
        .of_kind(group, kind)
        .map(|it| it.str("/metadata/name"))
        .collect();
    if known.is_empty()
        || known.contains(&name)
        || BUILT_IN_ROLES.contains(&name)
        || name.starts_with("system:")
    {
        return None;
    }
    let near = nearest(name, known.iter().copied())?;
    let diagnostic = Diagnostic::warning("PV2132", format!("there is no {kind} `{name}` here"))
        .with_label(subject.value_label("/roleRef/name"))
        .with_help(format!("did you mean `{near}`?"))
        .with_effect("the binding grants nothing");
    Some(offer(
        diagnostic,
        Edits::of(subject)
            .replace("/roleRef/name", near)
            .fix(format!("write `{near}`")),
    ))
}

/// A rule about a resource of an XRD's group that the XRD does not define.
fn role(world: &World, subject: &Subject) -> Diagnostics {
    let mut found = Vec::new();
    for (index, rule) in subject.value["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let groups: Vec<&str> = rule["apiGroups"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let defined: Vec<_> = world
            .definitions
            .iter()
            .filter(|it| groups.contains(&it.definition.group.as_str()))
            .collect();
        if groups.len() != 1 || defined.is_empty() {
            continue;
        }
        let plurals: Vec<&str> = defined
            .iter()
            .flat_map(|it| std::iter::once(&it.definition.names).chain(&it.definition.claim_names))
            .map(|names| names.plural.as_str())
            .collect();
        for (position, resource) in rule["resources"].as_array().into_iter().flatten().enumerate() {
            let Some(name) = resource
                .as_str()
                .map(|text| text.split('/').next().unwrap_or(text))
            else {
                continue;
            };
            if name == "*" || plurals.contains(&name) {
                continue;
            }
            let place = format!("/rules/{index}/resources/{position}");
            let help = nearest(name, plurals.iter().copied()).map_or_else(
                || format!("defined are {}", quoted(&plurals)),
                |near| format!("did you mean `{near}`?"),
            );
            found.push(
                Diagnostic::warning("PV2133", format!("no XRD of `{}` defines `{name}`", groups[0]))
                    .with_label(subject.value_label(&place))
                    .with_label(
                        defined[0]
                            .subject
                            .label("/spec/names")
                            .with_text("what the XRD defines"),
                    )
                    .with_help(help)
                    .with_effect("the rule grants nothing"),
            );
        }
    }
    found
}
