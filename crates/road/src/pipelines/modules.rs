//! Terraform modules: what does not parse, old spellings, and what the small provider lacks.

use std::collections::BTreeMap;

use pave_azure::azurerm::unsupported;
use pave_diagnostic::{Diagnostic, Diagnostics, Severity};
use pave_pipeline::read_terraform;

use super::skeleton::{Filled, filled};
use super::{File, is_terraform};

/// An argument under its old name.
const OLD_SPELLING: &str = "PV2302";

/// Checks each folder with Terraform files as one module.
pub(super) fn check(files: &[File]) -> Diagnostics {
    let mut modules: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for file in files.iter().filter(|(path, _)| is_terraform(path)) {
        let folder = file.0.rsplit_once('/').map_or("", |(folder, _)| folder);
        modules.entry(folder).or_default().push(file);
    }
    modules.values().flat_map(|files| module(files)).collect()
}

fn module(files: &[&File]) -> Diagnostics {
    let read: Vec<(&str, Filled)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), filled(text, 'x')))
        .collect();
    let texts: Vec<File> = read
        .iter()
        .map(|(path, filled)| ((*path).to_owned(), filled.text.clone()))
        .collect();
    let meant = read_terraform(&texts).diagnostics;
    let pairs: Vec<(&str, &str)> = texts
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let lacking = unsupported(&pairs);
    let mut found: Diagnostics = meant
        .iter()
        .filter(|one| one.code != OLD_SPELLING || !lacking.iter().any(|other| is_same(one, other)))
        .cloned()
        .collect();
    found.extend(lacking.into_iter().map(|one| softened(one, &meant)));
    found.retain(|one| !is_filled(one, &read));
    found
}

fn is_same(left: &Diagnostic, right: &Diagnostic) -> bool {
    let place = |one: &Diagnostic| {
        one.labels
            .first()
            .map(|label| (label.location.file.clone(), label.location.span.start))
    };
    left.code == right.code && place(left) == place(right)
}

/// What only the small provider does not have works with the real one, and with a version that has the old names.
fn softened(mut one: Diagnostic, meant: &[Diagnostic]) -> Diagnostic {
    if one.code != OLD_SPELLING || !meant.iter().any(|other| is_same(&one, other)) {
        one.severity = Severity::Warning;
    }
    one
}

/// Whether a finding is about what stands where the form's value will stand.
fn is_filled(one: &Diagnostic, read: &[(&str, Filled)]) -> bool {
    let Some(label) = one.labels.first() else {
        return false;
    };
    let (start, end) = (label.location.span.start.offset, label.location.span.end.offset);
    let of_file = read.iter().filter(|(path, _)| *path == label.location.file);
    let mut places = of_file.flat_map(|(_, filled)| &filled.places);
    end > start && places.any(|place| place.start < end && start < place.end)
}
