//! What the small azurerm provider would refuse, said before `terraform init`, with file, line and today's spelling.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pave_azure::azurerm::{SWITCH, unsupported};
use pave_diagnostic::{Diagnostic, Severity, has_errors};

use crate::agent::session::Session;

/// Says what is wrong with the configuration in a directory; `true` when something in it cannot work.
pub(super) fn complain(session: &Session, directory: &Path, shown_as: &str) -> bool {
    let files = configuration(directory, shown_as);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let found = unsupported(&files);
    for diagnostic in &found {
        let kind = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning | Severity::Info => "warning",
        };
        let words = format!("{}: {diagnostic}", diagnostic.code);
        session.state().complain(kind, &words, place(diagnostic));
    }
    has_errors(&found)
}

/// Whether the run asked for the provider of the registry instead of the small one: by a variable of the pipeline, of
/// the step, or of the agent's own environment.
pub(super) fn from_registry(session: &Session, own: &[(String, String)]) -> bool {
    let Some((name, wanted)) = SWITCH.split_once('=') else {
        return false;
    };
    let of_step = own
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.clone());
    let told = of_step
        .or_else(|| session.variable(name))
        .or_else(|| std::env::var(name).ok());
    told.is_some_and(|told| told.trim().eq_ignore_ascii_case(wanted))
}

/// Files of the configuration, by their paths in the repository.
fn configuration(directory: &Path, shown_as: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<(String, String)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let path = entry.path();
            // A pipe would never end.
            let ours = path.extension().is_some_and(|it| it == "tf") && path.is_file();
            Some((
                format!("{shown_as}{name}"),
                ours.then(|| fs::read_to_string(path).ok())??,
            ))
        })
        .collect();
    files.sort();
    files
}

/// Where the run's page opens the file.
fn place(diagnostic: &Diagnostic) -> BTreeMap<String, String> {
    let mut data = BTreeMap::from([("code".to_owned(), diagnostic.code.clone())]);
    if let Some(label) = diagnostic.labels.first() {
        let start = label.location.span.start;
        data.insert("sourcepath".to_owned(), label.location.file.clone());
        data.insert("linenumber".to_owned(), start.line.to_string());
        data.insert("columnnumber".to_owned(), start.column.to_string());
    }
    data
}
