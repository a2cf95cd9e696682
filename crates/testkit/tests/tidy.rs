//! House rules that no lint covers: sizes, placeholders, and how a crate introduces itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the sources has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a Rust file.
const LONGEST: usize = 800;
/// Most lines of a file of the pages.
const LONGEST_PAGE: usize = 500;

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    let limits = [
        ("crates", "rs", LONGEST),
        ("web/src", "tsx", LONGEST_PAGE),
        ("web/src", "ts", LONGEST_PAGE),
    ];
    for (folder, extension, limit) in limits {
        for (path, text) in files(folder, extension) {
            let lines = text.lines().count();
            if lines > limit {
                wrong.push(format!("{} has {lines} lines, more than {limit}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    // In pieces, so that this file does not find itself.
    let forbidden = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("//! (place", "holder)"),
    ];
    for (path, text) in files("crates", "rs") {
        for word in forbidden {
            assert!(!text.contains(word), "{} contains `{word}`", path.display());
        }
    }
}

#[test]
fn every_crate_says_what_it_is_for() {
    for (path, text) in files("crates", "rs") {
        let entry = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
        assert!(
            !entry || text.starts_with("//!"),
            "{} does not open with `//!`",
            path.display()
        );
    }
}

#[test]
fn modules_are_files_named_for_what_they_hold() {
    for (path, _) in files("crates", "rs") {
        // Below tests/ the name `mod.rs` keeps cargo from taking a shared file for a test.
        let shared = path.components().any(|part| part.as_os_str() == "tests");
        assert!(
            shared || !path.ends_with("mod.rs"),
            "{} should be named for its module",
            path.display()
        );
    }
}

/// Every file of a kind below a folder of the project, with its text.
fn files(folder: &str, extension: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut open = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}
