use std::collections::{HashMap, HashSet};

use pave_journal::Hop;
use pave_names::{Direction, RoadId, Station};
use serde_json::Value;

/// What the engine remembers between two looks: it can all be read again from journal and cluster.
#[derive(Default)]
pub(crate) struct Memory {
    /// Commits that requests have made, by their hash.
    commits: HashMap<String, Commit>,
    /// File of a deletion that is under way, with the request that deletes.
    deletions: HashMap<String, RoadId>,
    /// Claims (namespace, name) that are being deleted, with the request that deletes.
    doomed: HashMap<(String, String), RoadId>,
    /// Last form of each watched object, by kind and then subject: to tell what went while nobody looked.
    pub(crate) objects: HashMap<String, HashMap<String, Value>>,
    /// Subjects seen in the list that is being read, by kind.
    pub(crate) listed: HashMap<String, HashSet<String>>,
}

/// A commit that a request has made.
#[derive(Clone)]
pub(crate) struct Commit {
    pub(crate) road: RoadId,
    pub(crate) direction: Direction,
    pub(crate) files: Vec<String>,
}

impl Memory {
    /// Takes note of a hop of the journal; gives the hash if it is a commit.
    pub(crate) fn note(&mut self, hop: &Hop) -> Option<String> {
        if hop.station != Station::Commit {
            return None;
        }
        let hash = hop.subject.strip_prefix("commit/")?.to_owned();
        let files: Vec<String> = hop.link["files"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|file| Some(file.as_str()?.to_owned()))
            .collect();
        for file in &files {
            if hop.direction == Direction::Down {
                self.deletions.insert(file.clone(), hop.road.clone());
            } else {
                self.deletions.remove(file);
            }
        }
        let commit = Commit {
            road: hop.road.clone(),
            direction: hop.direction,
            files,
        };
        self.commits.insert(hash.clone(), commit);
        Some(hash)
    }

    pub(crate) fn commit(&self, hash: &str) -> Option<Commit> {
        self.commits.get(hash).cloned()
    }

    /// The request that takes a claim away, found by the file it came from (`path@commit`), and kept for what hangs on it.
    pub(crate) fn deleted_by(&mut self, claim: &(String, String), source: Option<&str>) -> Option<RoadId> {
        let by_file = source
            .and_then(|source| source.rsplit_once('@'))
            .and_then(|(path, _)| self.deletions.get(path))
            .cloned();
        if let Some(road) = by_file {
            self.doomed.insert(claim.clone(), road);
        }
        self.doomed.get(claim).cloned()
    }

    /// A claim lives again.
    pub(crate) fn spared(&mut self, claim: &(String, String)) {
        self.doomed.remove(claim);
    }
}
