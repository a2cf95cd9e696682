//! What a change of Terraform code does to what is there, said before it is merged.

use pave_diagnostic::{Diagnostic, Diagnostics, Label, Severity};

use super::{called, destroys, text};
use crate::{codes, read_terraform};

/// What merging does to a directory's resources, given its Terraform files before and after: what is destroyed, what is
/// left behind, and errors that Terraform will stop at.
#[must_use]
pub fn merge_findings(before: &[(String, String)], after: &[(String, String)]) -> Diagnostics {
    let merged = read_terraform(after);
    let mut found: Diagnostics = if after.is_empty() {
        let old = read_terraform(before);
        old.resources.iter().map(left_behind).collect()
    } else if merged.diagnostics.iter().any(|one| one.code == codes::HCL) {
        // Terraform stops before it touches anything.
        Vec::new()
    } else {
        destroys(before, after)
            .into_iter()
            .map(|one| one.diagnostic)
            .collect()
    };
    let errors = merged.diagnostics.into_iter();
    found.extend(errors.filter(|one| one.severity == Severity::Error));
    found
}

fn left_behind(resource: &crate::Resource) -> Diagnostic {
    let name = text(resource.get("name"));
    Diagnostic::warning(
        codes::LEFT_BEHIND,
        format!("`{}`{} would be left behind", resource.address(), called(&name)),
    )
    .with_label(Label::at(resource.place.clone()).with_text("the last code of its directory goes"))
    .with_help("to remove the resource, delete its block and leave the rest of the file; remove the directory afterwards")
    .with_effect("nothing is applied in a directory without code: the resource stays, and nothing manages it")
}
