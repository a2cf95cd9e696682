//! What the tests share: folders as the check wants them, and findings as text.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and all of it is test code"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pave_diagnostic::Diagnostic;

/// All files of a folder that are checked of this crate, by their paths in it.
pub(crate) fn folder(name: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort();
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if ["yaml", "yml", "tf"]
            .iter()
            .any(|it| path.extension().is_some_and(|own| own == *it))
        {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Findings as people read them.
pub(crate) fn draw(found: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in found {
        writeln!(
            text,
            "{:?} {}: {}",
            diagnostic.severity, diagnostic.code, diagnostic.message
        )
        .unwrap();
        for label in &diagnostic.labels {
            writeln!(text, "  at {} {} {}", label.location, label.path, label.text).unwrap();
        }
        for (name, value) in [("effect", &diagnostic.effect), ("help", &diagnostic.help)] {
            if let Some(value) = value {
                writeln!(text, "  {name}: {value}").unwrap();
            }
        }
        if let Some(fix) = &diagnostic.fix {
            let (start, end) = (fix.span.start, fix.span.end);
            writeln!(
                text,
                "  fix: {} [{}:{}-{}:{}]",
                fix.title, start.line, start.column, end.line, end.column
            )
            .unwrap();
            for line in fix.replacement.lines() {
                writeln!(text, "    |{line}").unwrap();
            }
        }
        text.push('\n');
    }
    text
}
