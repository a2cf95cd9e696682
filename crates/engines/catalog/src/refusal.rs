//! Why a location is not taken, in upstream's words, and beside them what to do about it.

use pave_diagnostic::{Diagnostic, Diagnostics, Label, Location};
use serde_json::Value;

use crate::CatalogError;

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
pub(crate) fn kind(entity: &Value, reference: &str, url: &str, origin: &str) -> (String, Diagnostic) {
    let kind = entity["kind"].as_str().unwrap_or_default();
    let message = format!(
        "NotAllowedError: Entity {reference} at url:{url}, originated at {origin}, is not of an allowed kind for that location"
    );
    let diagnostic = Diagnostic::error(
        "PV1610",
        format!("no rule of the catalog allows the kind `{kind}` at this location"),
    )
    .with_label(Label::at(Location::new(url, 1, 1)).with_path("kind"))
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
    let (name, code, message, help) = if says(&["no integration found"]) {
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
