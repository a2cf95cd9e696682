//! Reads HCL before Terraform does, for what Terraform's own words do not say: that the provider is the small one,
//! what it lacks, and how an old spelling is written today.

mod lock;
mod place;
mod renamed;
mod version;

pub use lock::{FOREIGN_HASHES, check_lock_file};

use hcl_edit::Span as _;
use hcl_edit::structure::{Block as Hcl, Body};
use pave_diagnostic::{Diagnostic, Diagnostics, Fix, nearest};

use super::schema::Block;
use super::{Resource, data_source, data_sources, resource, resources};
use place::Text;
use renamed::{Renamed, renamed};

/// What makes a run use the real provider from the registry instead of the small one.
pub const SWITCH: &str = "PAVE_AZURERM=registry";

const UNKNOWN_TYPE: &str = "PV2310";
const OLD_SPELLING: &str = "PV2302";
const UNKNOWN_ARGUMENT: &str = "PV2311";

/// What every resource may hold, whatever its type.
const META: [&str; 8] = [
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "precondition",
    "provider",
    "provisioner",
];

/// What the small provider would refuse in these files (name and text), and why.
///
/// Files that do not parse are left to Terraform, which says where they break off.
#[must_use]
pub fn unsupported(files: &[(&str, &str)]) -> Diagnostics {
    let mut found = Vec::new();
    for (file, text) in files.iter().filter(|(file, _)| {
        std::path::Path::new(file)
            .extension()
            .is_some_and(|extension| extension == "tf")
    }) {
        let Ok(body) = text.parse::<Body>() else { continue };
        let text = Text { file, text };
        for block in body.blocks() {
            check_block(&text, block, &mut found);
        }
    }
    found
}

fn check_block(text: &Text<'_>, block: &Hcl, found: &mut Diagnostics) {
    let label = |index: usize| {
        block
            .labels
            .get(index)
            .map(hcl_edit::structure::BlockLabel::as_str)
    };
    match block.ident.as_str() {
        "resource" => check_type(text, block, label(0), resource, resources(), found),
        "data" => check_type(text, block, label(0), data_source, data_sources(), found),
        "provider" if label(0) == Some("azurerm") => {
            check_body(
                text,
                "provider azurerm",
                "",
                super::provider(),
                &block.body,
                found,
            );
        }
        "terraform" => version::check(text, &block.body, found),
        _ => {}
    }
}

fn check_type(
    text: &Text<'_>,
    block: &Hcl,
    name: Option<&str>,
    find: fn(&str) -> Option<&'static Resource>,
    known: &'static [Resource],
    found: &mut Diagnostics,
) {
    let Some(name) = name.filter(|name| name.starts_with("azurerm_")) else {
        return;
    };
    if let Some(resource) = find(name) {
        check_body(text, resource.name, "", &resource.block, &block.body, found);
        return;
    }
    let span = block
        .labels
        .first()
        .and_then(hcl_edit::Span::span)
        .or_else(|| block.span());
    let what = if block.ident.as_str() == "data" {
        "data source"
    } else {
        "resource type"
    };
    let names: Vec<&str> = known.iter().map(|known| known.name).collect();
    let guess = nearest(name, names.iter().copied())
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    let message = format!("the small azurerm provider has no {what} `{name}`");
    let help = format!("{guess}it has {}; {}", names.join(", "), switch());
    found.push(
        Diagnostic::error(UNKNOWN_TYPE, message)
            .with_label(text.label(span, name))
            .with_help(help),
    );
}

fn switch() -> String {
    format!("for everything else set `{SWITCH}`: the run then takes HashiCorp's provider from the registry")
}

fn check_body(text: &Text<'_>, owner: &str, path: &str, block: &Block, body: &Body, found: &mut Diagnostics) {
    for attribute in body.attributes() {
        let name = attribute.key.as_str();
        if block.attribute(name).is_none() && !is_meta(path, name) {
            found.push(refused(text, owner, path, block, name, attribute.key.span()));
        }
    }
    for nested in body.blocks() {
        let dynamic = (nested.ident.as_str() == "dynamic")
            .then(|| nested.labels.first())
            .flatten();
        let name = dynamic.map_or(nested.ident.as_str(), hcl_edit::structure::BlockLabel::as_str);
        let Some(known) = block.nested(name) else {
            if !is_meta(path, name) {
                found.push(refused(text, owner, path, block, name, nested.ident.span()));
            }
            continue;
        };
        let content = match dynamic {
            None => Some(&nested.body),
            Some(_) => nested
                .body
                .get_blocks("content")
                .next()
                .map(|content| &content.body),
        };
        if let Some(content) = content {
            check_body(text, owner, &joined(path, name), &known.block, content, found);
        }
    }
}

fn is_meta(path: &str, name: &str) -> bool {
    path.is_empty() && (META.contains(&name) || ["alias", "version"].contains(&name))
}

fn refused(
    text: &Text<'_>,
    owner: &str,
    path: &str,
    block: &Block,
    name: &str,
    span: Option<std::ops::Range<usize>>,
) -> Diagnostic {
    let whole = joined(path, name);
    let label = text.label(span.clone(), &format!("{owner}.{whole}"));
    if let Some(change) = renamed(owner, &whole) {
        let message = format!("`{name}` is an old spelling: azurerm 4 does not have it any more");
        let said = Diagnostic::error(OLD_SPELLING, message).with_label(label);
        return match change {
            Renamed::To(now) => {
                let fix = Fix {
                    title: format!("write `{now}`"),
                    file: text.file.to_owned(),
                    span: text.span(span),
                    replacement: now.to_owned(),
                };
                said.with_help(format!("write `{now}`")).with_fix(fix)
            }
            Renamed::Words(help) => said.with_help(help),
        };
    }
    let guess = nearest(name, block.names())
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    let message = format!("the small azurerm provider does not know `{whole}` of `{owner}`");
    let help = format!("{guess}leave it out, or use the real provider: {}", switch());
    Diagnostic::error(UNKNOWN_ARGUMENT, message)
        .with_label(label)
        .with_help(help)
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
