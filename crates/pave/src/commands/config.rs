//! `pave config`: what the configuration says, and what is wrong with it.

use pave_config::Entry;
use pave_diagnostic::{Diagnostic, Severity};
use serde_json::{Value, json};

use crate::cli::{Config, ConfigCheck, ConfigShow, SummaryFormat};
use crate::configuration::{Configuration, Flags};
use crate::failure::Failure;
use crate::output;
use crate::platform::place::Place;
use crate::settings::Settings;

pub(crate) fn run(place: &Place, command: Config) -> Result<(), Failure> {
    match command {
        Config::Show(command) => show(place, command),
        Config::Check(command) => check(place, command),
    }
}

fn read(place: &Place, files: Vec<std::path::PathBuf>) -> Result<Configuration, Failure> {
    let settings = Settings::read(place.root())?;
    let port = settings.map_or(7007, |settings| settings.ports.portal);
    let flags = Flags {
        files,
        ..Flags::default()
    };
    Ok(Configuration::read(&flags, &format!("http://127.0.0.1:{port}")))
}

fn show(place: &Place, command: ConfigShow) -> Result<(), Failure> {
    let configuration = read(place, command.config)?;
    let entries: Vec<Entry> = configuration
        .config
        .entries()
        .into_iter()
        .filter(|entry| {
            command
                .key
                .as_deref()
                .is_none_or(|key| is_below(&entry.path, key))
        })
        .collect();
    if let (true, Some(key)) = (entries.is_empty(), &command.key) {
        return Err(Failure::user(format!("the configuration has no `{key}`"))
            .hint("`pave config show` lists every key"));
    }
    let names: Vec<String> = entries.iter().map(|entry| entry.path.clone()).collect();
    let value = json!({ "files": configuration.files, "entries": entries });
    if !output::machine(&value, &names, command.output) {
        let row = |entry: &Entry| {
            let mut row = vec![entry.path.clone(), shown(&entry.value)];
            if command.origin {
                row.push(entry.origin.to_string());
            }
            row
        };
        let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
        let headings: &[&str] = if command.origin {
            &["KEY", "VALUE", "ORIGIN"]
        } else {
            &["KEY", "VALUE"]
        };
        output::table(headings, &rows);
        if configuration.files.is_empty() {
            output::note("no configuration file; `app-config.yaml` of the working directory would be read");
        }
    }
    tell(&configuration.diagnostics, Severity::Warning);
    Ok(())
}

fn check(place: &Place, command: ConfigCheck) -> Result<(), Failure> {
    let configuration = read(place, command.config)?;
    let findings = &configuration.diagnostics;
    match command.output {
        SummaryFormat::Json => output::line(serde_json::to_string_pretty(findings).unwrap_or_default()),
        SummaryFormat::Text => {
            tell(findings, Severity::Info);
            let files = match configuration.files.as_slice() {
                [] => "no file, environment and defaults only".to_owned(),
                files => files.join(", "),
            };
            output::line(format!("{}: {files}", summary(findings)));
        }
    }
    if pave_diagnostic::has_errors(findings) {
        Err(Failure::told())
    } else {
        Ok(())
    }
}

/// Draws findings of a severity and above on standard error.
pub(crate) fn tell(findings: &[Diagnostic], from: Severity) {
    for finding in findings.iter().filter(|finding| finding.severity >= from) {
        crate::drawing::diagnostic(finding, output::coloured())
            .iter()
            .for_each(output::note);
    }
}

fn summary(findings: &[Diagnostic]) -> String {
    let count = |severity: Severity| findings.iter().filter(|it| it.severity == severity).count();
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!(
        "{}, {}",
        plural(count(Severity::Error), "error"),
        plural(count(Severity::Warning), "warning")
    )
}

fn is_below(path: &str, key: &str) -> bool {
    path.strip_prefix(key)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('\n', "\\n"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_for_what_is_below_it() {
        assert!(is_below("app.title", "app"));
        assert!(is_below("app.title", "app.title"));
        assert!(is_below("integrations.azure[0].host", "integrations.azure"));
        assert!(!is_below("application", "app"));
    }

    #[test]
    fn values_stand_on_one_line() {
        assert_eq!(shown(&json!("a\nb")), "a\\nb");
        assert_eq!(shown(&json!(5)), "5");
    }
}
