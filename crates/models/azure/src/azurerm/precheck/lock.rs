use hcl_edit::Span as _;
use hcl_edit::structure::Body;
use pave_diagnostic::{Diagnostic, Diagnostics};

use super::super::VERSIONS;
use super::place::Text;

/// Code of the finding that a lock file was written for another provider than the one that will run.
pub const FOREIGN_HASHES: &str = "PV2313";

/// Checks a `.terraform.lock.hcl` against the hash of the small provider's package, which `hash_of` knows by version.
///
/// `terraform init` refuses what this finds, but in words that speak of tampering.
#[must_use]
pub fn check_lock_file(file: &str, text: &str, hash_of: &dyn Fn(&str) -> Option<String>) -> Diagnostics {
    let Ok(body) = text.parse::<Body>() else {
        return Vec::new();
    };
    let text = Text { file, text };
    let ours = body.get_blocks("provider").filter(|block| {
        let name = block.labels.first().map(hcl_edit::structure::BlockLabel::as_str);
        name.is_some_and(|name| name.ends_with("/hashicorp/azurerm"))
    });
    ours.filter_map(|block| check_provider(&text, &block.body, hash_of))
        .collect()
}

fn check_provider(
    text: &Text<'_>,
    body: &Body,
    hash_of: &dyn Fn(&str) -> Option<String>,
) -> Option<Diagnostic> {
    let version = body.get_attribute("version")?;
    let said = version.value.as_str()?;
    let help = format!(
        "delete the `azurerm` block of the file for local runs, or {}",
        super::switch()
    );
    if !VERSIONS.contains(&said) {
        let message = format!(
            "the lock file fixes azurerm to {said}, and the small one stands in for {}",
            VERSIONS.join(", ")
        );
        let label = text.label(version.value.span(), "provider.version");
        return Some(
            Diagnostic::error(FOREIGN_HASHES, message)
                .with_label(label)
                .with_help(help),
        );
    }
    let hashes = body.get_attribute("hashes")?;
    let expected = hash_of(said)?;
    let listed = hashes.value.as_array()?;
    if listed.iter().any(|hash| hash.as_str() == Some(&expected)) {
        return None;
    }
    let message =
        format!("the lock file has the hashes of HashiCorp's azurerm {said}, not those of the small one");
    let label = text.label(hashes.value.span(), "provider.hashes");
    let help = format!("{help}; to keep both, add \"{expected}\" to `hashes`");
    Some(
        Diagnostic::error(FOREIGN_HASHES, message)
            .with_label(label)
            .with_help(help),
    )
}
