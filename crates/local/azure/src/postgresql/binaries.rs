//! Finds installed PostgreSQL servers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// One installed PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) directory: PathBuf,
    /// Full version as it calls itself: `15.18`.
    pub(crate) version: String,
    pub(crate) major: u32,
}

impl Binaries {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Where to look, and what was found there before.
#[derive(Debug)]
pub(crate) struct Search {
    places: Option<Vec<PathBuf>>,
    known: Mutex<BTreeMap<PathBuf, Binaries>>,
}

impl Search {
    /// Looks in these directories; `None` means the distribution's directories and `PATH`.
    pub(crate) fn new(places: Option<Vec<PathBuf>>) -> Self {
        Self {
            places,
            known: Mutex::default(),
        }
    }

    /// The installed server of this major version, else the newest one.
    pub(crate) fn find(&self, major: Option<u32>) -> Option<Binaries> {
        let places = self.places.clone().unwrap_or_else(usual_places);
        let found: Vec<Binaries> = places.iter().filter_map(|place| self.probe(place)).collect();
        let exact = found.iter().find(|binaries| Some(binaries.major) == major);
        // Of equals the first is taken: the distribution's own directory stands before `PATH`.
        exact
            .or_else(|| found.iter().rev().max_by_key(|binaries| binaries.major))
            .cloned()
    }

    fn probe(&self, directory: &Path) -> Option<Binaries> {
        let complete = ["postgres", "initdb"]
            .iter()
            .all(|name| directory.join(name).is_file());
        if !complete {
            return None;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(binaries) = known.get(directory) {
            return Some(binaries.clone());
        }
        let output = Command::new(directory.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let (version, major) = parse_version(&String::from_utf8_lossy(&output.stdout))?;
        let binaries = Binaries {
            directory: directory.to_owned(),
            version,
            major,
        };
        known.insert(directory.to_owned(), binaries.clone());
        Some(binaries)
    }
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`.
fn parse_version(text: &str) -> Option<(String, u32)> {
    let version = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((version.to_owned(), digits.parse().ok()?))
}

fn usual_places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    for root in ["/usr/lib/postgresql", "/usr/local/pgsql", "/opt/postgresql"] {
        let versions = std::fs::read_dir(root).into_iter().flatten().flatten();
        places.extend(versions.map(|entry| entry.path().join("bin")));
        places.push(Path::new(root).join("bin"));
    }
    if let Some(path) = std::env::var_os("PATH") {
        places.extend(std::env::split_paths(&path));
    }
    places
}

/// What a person types to get PostgreSQL, in words for messages.
pub(crate) const INSTALL: &str =
    "install it with `apt-get install postgresql`; this goes on by itself afterwards";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        for (text, expected) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
                Some(("15.18".to_owned(), 15)),
            ),
            ("postgres (PostgreSQL) 19beta1", Some(("19beta1".to_owned(), 19))),
            ("nonsense", None),
        ] {
            assert_eq!(parse_version(text), expected);
        }
    }

    #[test]
    fn finds_nothing_in_an_empty_place() {
        assert_eq!(
            Search::new(Some(vec![PathBuf::from("/nowhere")])).find(None),
            None
        );
    }
}
