//! `pave check`: type-checks a road, and mends what can be mended safely.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use pave_diagnostic::{Diagnostic, Diagnostics, Fix, Severity};
use pave_road::{Options, applicable, apply_fixes};
use serde_json::json;

use crate::cli::{Check, SummaryFormat};
use crate::drawing;
use crate::failure::Failure;
use crate::output;

/// Folders that hold nothing a person wrote for this.
const SKIPPED: [&str; 4] = [".git", ".terraform", "node_modules", "target"];
/// A fix may make room for another one; more rounds than this means that two undo each other.
const ROUNDS: usize = 10;

type Files = Vec<(String, String)>;

pub(crate) fn run(command: Check) -> Result<(), Failure> {
    let Check {
        paths,
        output: format,
        fix,
    } = command;
    let mut files = read(&paths)?;
    let options = Options::default();
    let mut found = pave_road::check(&files, &options);
    if fix {
        found = mend(&mut files, found, &options)?;
    }
    match format {
        SummaryFormat::Json => output::line(serde_json::to_string_pretty(&json!(found)).unwrap_or_default()),
        SummaryFormat::Text => show(&found, files.len()),
    }
    if pave_diagnostic::has_errors(&found) {
        Err(Failure::told())
    } else {
        Ok(())
    }
}

fn show(found: &[Diagnostic], files: usize) {
    for diagnostic in found {
        drawing::diagnostic(diagnostic, output::coloured())
            .iter()
            .for_each(output::line);
        output::line("");
    }
    output::line(summary(found, files));
}

/// `2 errors, 3 warnings in 5 files`.
fn summary(found: &[Diagnostic], files: usize) -> String {
    let count = |severity: Severity| found.iter().filter(|it| it.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!(
        "{}, {} in {}",
        plural(errors, "error"),
        plural(warnings, "warning"),
        plural(files, "file")
    )
}

/// Makes the fixes, showing each before it is written, until none is left.
fn mend(files: &mut Files, mut found: Diagnostics, options: &Options) -> Result<Diagnostics, Failure> {
    for _ in 0..ROUNDS {
        let offered: Vec<Fix> = applicable(&found).into_iter().cloned().collect();
        if offered.is_empty() {
            break;
        }
        for fix in &offered {
            let text = files
                .iter()
                .find(|(path, _)| *path == fix.file)
                .map_or("", |(_, text)| text);
            difference(fix, text).iter().for_each(output::note);
        }
        let before = files.clone();
        if apply_fixes(files, &found) == 0 {
            break;
        }
        for ((path, new), (_, old)) in files.iter().zip(&before) {
            if new != old {
                fs::write(path, new)
                    .map_err(|error| Failure::user(format!("cannot write {path}: {error}")))?;
            }
        }
        found = pave_road::check(files, options);
    }
    Ok(found)
}

/// The lines that a fix changes, before and after.
fn difference(fix: &Fix, text: &str) -> Vec<String> {
    let start = text[..fix.span.start.offset]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    let end = fix.span.end.offset;
    let whole = end > start && text[..end].ends_with('\n') || end == start;
    let end = if whole {
        end
    } else {
        text[end..]
            .find('\n')
            .map_or(text.len(), |newline| end + newline + 1)
    };
    let (before, after) = (
        &text[start..fix.span.start.offset],
        &text[fix.span.end.offset..end],
    );
    let new = format!("{before}{}{after}", fix.replacement);
    let mut lines = vec![format!("{}:{}: {}", fix.file, fix.span.start.line, fix.title)];
    lines.extend(text[start..end].lines().map(|line| format!("- {line}")));
    lines.extend(new.lines().map(|line| format!("+ {line}")));
    lines
}

/// All YAML and Terraform files of the paths, in order, each once.
fn read(paths: &[PathBuf]) -> Result<Files, Failure> {
    let mut files = Files::new();
    for path in paths {
        let name = path.display();
        let kind = fs::metadata(path).map_err(|error| {
            let failure = Failure::user(format!("cannot read {name}: {error}"));
            if error.kind() == ErrorKind::NotFound {
                failure.hint("name files or folders that exist")
            } else {
                failure
            }
        })?;
        if kind.is_dir() {
            folder(path, &mut files)?;
        } else {
            file(path, &mut files)?;
        }
    }
    files.sort();
    files.dedup_by(|left, right| left.0 == right.0);
    Ok(files)
}

fn folder(path: &Path, files: &mut Files) -> Result<(), Failure> {
    let failure = |error| Failure::user(format!("cannot read {}: {error}", path.display()));
    for entry in fs::read_dir(path).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        let kind = entry.file_type().map_err(failure)?;
        let (path, name) = (entry.path(), entry.file_name());
        let is_ours = path
            .extension()
            .is_some_and(|it| it == "yaml" || it == "yml" || it == "tf");
        // Links are not followed: they may lead in circles, or out of what was named.
        if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
            folder(&path, files)?;
        } else if kind.is_file() && is_ours {
            file(&path, files)?;
        }
    }
    Ok(())
}

fn file(path: &Path, files: &mut Files) -> Result<(), Failure> {
    let bytes =
        fs::read(path).map_err(|error| Failure::user(format!("cannot read {}: {error}", path.display())))?;
    let shown = path
        .strip_prefix(".")
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned();
    match String::from_utf8(bytes) {
        Ok(text) => files.push((shown, text)),
        Err(_) => output::note(format!("{shown}: passed over, it is not UTF-8")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_without_what_nobody_wrote() {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("a.yaml", "a: 1"),
            ("b/c.yml", "c: 1"),
            ("b/d.txt", "x"),
            ("b/main.tf", "# none"),
            (".terraform/modules/x.tf", "# none"),
            (".git/e.yaml", "e: 1"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = read(&[root.path().to_owned(), root.path().join("a.yaml")]).unwrap();
        let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a: 1", "c: 1", "# none"]);
        assert!(read(&[root.path().join("gone")]).is_err());
    }

    #[test]
    fn fixes_are_written_and_what_is_left_is_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("c.yaml");
        let text = "apiVersion: crossplane.io/v1\nkind: Composition\nmetadata:\n  name: x\nspec:\n  compositeTypeRef:\n    apiVersion: e.example.com/v1\n    kind: X\n  mode: Resources\n  resources: []\n";
        fs::write(&path, text).unwrap();
        let check = |fix| {
            run(Check {
                paths: vec![path.clone()],
                output: SummaryFormat::Text,
                fix,
            })
        };
        assert!(check(false).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert!(check(true).is_ok());
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .starts_with("apiVersion: apiextensions.crossplane.io/v1\n")
        );
    }

    #[test]
    fn a_fix_is_shown_as_the_lines_it_changes() {
        let text = "a: 1\nb: two\n";
        let position = |offset| pave_diagnostic::Position {
            line: 2,
            column: offset - 4,
            offset,
        };
        let span = pave_diagnostic::Span {
            start: position(8),
            end: position(11),
        };
        let fix = Fix {
            title: "write `2`".into(),
            file: "x.yaml".into(),
            span,
            replacement: "2".into(),
        };
        assert_eq!(
            difference(&fix, text),
            ["x.yaml:2: write `2`", "- b: two", "+ b: 2"]
        );
    }

    #[test]
    fn the_summary_counts() {
        let found = [
            Diagnostic::error("PV2101", "x"),
            Diagnostic::warning("PV2111", "y"),
            Diagnostic::info("PV1330", "z"),
        ];
        assert_eq!(summary(&found, 5), "1 error, 1 warning in 5 files");
        assert_eq!(summary(&[], 1), "0 errors, 0 warnings in 1 file");
    }
}
