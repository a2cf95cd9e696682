//! Why a location is not taken, in upstream's words, and beside them what to do about it.

use pave_diagnostic::{Diagnostic, Diagnostics, Label, Location};
use pave_hosts::FilesError;
use serde_json::Value;

use crate::{Address, AddressKind, CatalogError};

/// Why a location cannot be registered as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Upstream's sentence.
    pub message: String,
    /// What to do, with places in files where there are some.
    pub diagnostics: Diagnostics,
}

impl From<Refusal> for CatalogError {
    fn from(refusal: Refusal) -> Self {
        Self::Input(refusal.message)
    }
}

/// A kind that no rule allows.
pub(crate) fn kind(entity: &Value, reference: &str, at: &Address, origin: &Address) -> (String, Diagnostic) {
    let kind = entity["kind"].as_str().unwrap_or_default();
    let message = format!(
        "NotAllowedError: Entity {reference} at {at}, originated at {origin}, is not of an allowed kind for that location"
    );
    let diagnostic = Diagnostic::error(
        "PV1610",
        format!("no rule of the catalog allows the kind `{kind}` at this location"),
    )
    .with_label(Label::at(Location::new(&at.target, 1, 1)).with_path("kind"))
    .with_help(format!(
        "add `{kind}` to `catalog.rules` in app-config.yaml, such as `- allow: [Component, System, API, Resource, Location, {kind}]`, and start again"
    ))
    .with_effect("nothing of the location is registered");
    (message, diagnostic)
}

/// A file that cannot be read. Why, the reader says in words; they are the only thing that tells one case from another.
pub(crate) fn unreadable(url: &str, why: &str) -> (String, Diagnostic) {
    let lower = why.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (name, code, message, help) = if says(&["is not allowed"]) {
        (
            "NotAllowedError",
            "PV1617",
            "files of this machine are not read from here",
            NAME_IT,
        )
    } else if says(&["no integration found"]) {
        (
            "InputError",
            "PV1613",
            "no integration is configured for the host",
            "add the host to `integrations` in app-config.yaml, with its port if the URL has one",
        )
    } else if says(&["refused the credential", "(401)", "(403)", "(203)"]) {
        (
            "AuthenticationError",
            "PV1612",
            "the host refused the token",
            "check the token of this host under `integrations`: it may be mistyped, revoked or expired, or may not read this repository",
        )
    } else if says(&["not found", "not there", "does not exist"]) {
        (
            "NotFoundError",
            "PV1611",
            "there is no such file, branch or repository",
            "open the URL in a browser, and compare path and branch",
        )
    } else if says(&["cannot be reached", "timed out", "did not answer"]) {
        (
            "ServiceUnavailableError",
            "PV1614",
            "the host cannot be reached",
            "check name and port of the host, its certificate, and the network between here and there",
        )
    } else {
        (
            "InputError",
            "PV1616",
            "the URL cannot be read",
            "the address of a file is needed, such as `https://<host>/<organization>/<project>/_git/<repository>?path=/catalog-info.yaml`",
        )
    };
    let words = format!("{name}: Unable to read url, {url}: {why}");
    let diagnostic = Diagnostic::error(code, format!("{message}: {why}"))
        .with_label(Label::at(Location::new(url, 1, 1)))
        .with_help(help);
    (words, diagnostic)
}

/// What to do with a file of this machine.
const NAME_IT: &str = "name the file in app-config.yaml (`catalog.locations`, `type: file`), or put it into a repository and give its URL there";

/// A file of this machine that cannot be read, in upstream's words where upstream has some.
pub(crate) fn unreadable_file(path: &str, why: &FilesError) -> (String, Diagnostic) {
    let (name, code, help) = match why {
        FilesError::NotFound(_) => (
            "NotFoundError",
            "PV1611",
            "compare the path with what is on disk; a relative one counts from the folder of the file that names it",
        ),
        refused if refused.is_refused() => ("NotAllowedError", "PV1617", NAME_IT),
        _ => (
            "Error",
            "PV1616",
            "a readable file is needed; check its rights and those of the folders above",
        ),
    };
    let diagnostic = Diagnostic::error(code, why.to_string())
        .with_label(Label::at(Location::new(path, 1, 1)))
        .with_help(help);
    (format!("{name}: {why}"), diagnostic)
}

/// A file that did not come from this machine points to one that did.
pub(crate) fn not_from_here(at: &Address, target: &str) -> (String, Diagnostic) {
    let words = format!("NotAllowedError: Reading from '{target}' is not allowed");
    let message = match at.kind {
        AddressKind::Url => {
            format!("`{target}` is a file of this machine, to which nothing from a host may point")
        }
        AddressKind::File => {
            format!("`{target}` is written as a URL; from a file, write the path relative to it")
        }
    };
    let diagnostic = Diagnostic::error("PV1617", message)
        .with_label(Label::at(Location::new(&at.target, 1, 1)).with_path("spec"))
        .with_help(NAME_IT);
    (words, diagnostic)
}

/// Whether somebody may register this: only what lies on a host.
pub(crate) fn registration(kind: &str, target: &str) -> Result<(), Refusal> {
    let scheme = url::Url::parse(target).ok().map(|url| url.scheme().to_owned());
    let message = if kind != "url" {
        "Registered locations must be of an allowed type [\"url\"]".to_owned()
    } else if scheme.as_deref() == Some("file") || target.starts_with('/') {
        format!(
            "NotAllowedError: Unable to read url, Reading from '{target}' is not allowed. You may need to configure an integration for the target host, or add it to the configured list of allowed hosts at 'backend.reading.allow'"
        )
    } else {
        return Ok(());
    };
    let diagnostic = Diagnostic::error("PV1617", "only what lies on a Git host can be registered")
        .with_label(Label::at(Location::new(target, 1, 1)))
        .with_help(NAME_IT);
    Err(Refusal {
        message,
        diagnostics: vec![diagnostic],
    })
}

/// A file without a single entity.
pub(crate) fn empty(url: &str) -> Refusal {
    let diagnostic = Diagnostic::error("PV1615", "the file holds no entities")
        .with_label(Label::at(Location::new(url, 1, 1)))
        .with_help("an entity has `apiVersion`, `kind`, `metadata` with a `name`, and as a rule `spec`");
    Refusal {
        message: format!("InputError: No entities found at url:{url}"),
        diagnostics: vec![diagnostic],
    }
}
