//! The form against what becomes of its values.

use pave_azure::names;
use pave_diagnostic::{Diagnostic, Diagnostics};
use pave_template::template::Template;
use serde_json::{Value, json};

use super::placeholder;
use crate::against::quoted;
use crate::definition::{RESERVED_LOGINS, login_fields};
use crate::edit::{Edits, offer};
use crate::subject::{Origin, Subject};
use crate::world::{Defined, World};

const PATTERN: &str =
    "^(?!pg_)(?!(azure_superuser|azure_pg_admin|admin|administrator|root|guest|public)$)[a-z_][a-z0-9_]*$";

/// Parameters that become an administrator's login without being checked for it.
pub(crate) fn check(world: &World, rendered: &Subject, defined: &Defined) -> Diagnostics {
    let Origin::Rendered(origin) = &rendered.text.origin else {
        return Vec::new();
    };
    let subject = &origin.template;
    let Ok(template) = Template::from_entity(&subject.value) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in login_fields(world, defined) {
        let Some(field) = path.last() else { continue };
        let Some(parameter) = source(rendered, field, &template) else {
            continue;
        };
        let refused: Vec<&str> = RESERVED_LOGINS
            .iter()
            .copied()
            .filter(|word| {
                names::check_administrator_login(word).is_err()
                    && placeholder::accepts(&template, &parameter, &json!(word))
            })
            .collect();
        let Some(place) = property(&subject.value, &parameter).filter(|_| !refused.is_empty()) else {
            continue;
        };
        let message = format!(
            "the form accepts logins for `{parameter}` that Azure refuses: {}",
            quoted(&refused)
        );
        let diagnostic = Diagnostic::warning("PV2123", message)
            .with_label(subject.label(&place))
            .with_label(
                defined
                    .subject
                    .label(&defined.field_pointer(&path))
                    .with_text(format!(
                        "it becomes `{}`, the administrator's login",
                        path.join(".")
                    )),
            )
            .with_help(format!("add `pattern: {PATTERN}` to the parameter"))
            .with_effect("the request is committed, and the server fails minutes later");
        let has_own = subject.value.pointer(&format!("{place}/pattern")).is_some();
        let lines = ["maxLength: 63".to_owned(), format!("pattern: {PATTERN}")];
        let fix = (!has_own).then(|| {
            Edits::of(subject)
                .insert_after(&format!("{place}/type"), &lines)
                .fix("exclude Azure's reserved logins")
        });
        found.push(offer(diagnostic, fix.flatten()));
    }
    found
}

/// The parameter that fills a field of the claim: by where the value came from, else by its name.
fn source(rendered: &Subject, field: &str, template: &Template) -> Option<String> {
    let node = rendered.document.node(&format!("/spec/{field}"));
    let from = node.and_then(|node| {
        let range = node.span.start.offset..node.span.end.offset;
        let piece = rendered
            .pieces
            .iter()
            .find(|piece| piece.start < range.end && piece.end > range.start)?;
        piece
            .source
            .as_str()
            .strip_prefix("parameters.")
            .map(str::to_owned)
    });
    let named = || {
        template
            .properties()
            .map(|(name, _)| name)
            .find(|name| *name == field)
            .map(str::to_owned)
    };
    from.or_else(named)
}

/// Where a parameter is declared.
fn property(entity: &Value, name: &str) -> Option<String> {
    let pages = &entity["spec"]["parameters"];
    let pointers: Vec<String> = match pages {
        Value::Array(pages) => (0..pages.len())
            .map(|index| format!("/spec/parameters/{index}"))
            .collect(),
        _ => vec!["/spec/parameters".to_owned()],
    };
    let places = pointers
        .into_iter()
        .map(|page| crate::pointer::child(&format!("{page}/properties"), name));
    places.into_iter().find(|place| entity.pointer(place).is_some())
}
