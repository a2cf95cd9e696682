use jiff::Timestamp;
use pave_names::{Direction, RoadId, State, Station};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request at one station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// Place in the journal; 0 before it is recorded.
    #[serde(default)]
    pub sequence: u64,
    /// Which request.
    pub road: RoadId,
    /// Which station.
    pub station: Station,
    /// Towards the cloud, or back.
    pub direction: Direction,
    /// What stands there: `task/<id>`, `commit/<sha>`, `application/<namespace>/<name>`, `claim/<namespace>/<name>`,
    /// `<Kind>.<group>/<name>`, `secret/<namespace>/<name>`.
    pub subject: String,
    /// Name shown to people.
    pub title: String,
    /// How it stands.
    pub state: State,
    /// What it waits for, or why it failed, in a sentence; empty otherwise.
    #[serde(default)]
    pub cause: String,
    /// When it was first seen there.
    pub started_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// What a page needs to open it: ids, names, paths.
    #[serde(default)]
    pub link: Value,
}

impl Hop {
    /// A hop that begins at a moment, not yet recorded.
    #[must_use]
    pub fn new(
        road: RoadId,
        station: Station,
        subject: impl Into<String>,
        state: State,
        at: Timestamp,
    ) -> Self {
        let subject = subject.into();
        Self {
            sequence: 0,
            road,
            station,
            direction: Direction::Up,
            title: subject.clone(),
            subject,
            state,
            cause: String::new(),
            started_at: at,
            changed_at: at,
            link: Value::Null,
        }
    }

    /// Whether it tells the same as another, time and sequence aside.
    pub(crate) fn tells_the_same(&self, other: &Self) -> bool {
        self.state == other.state
            && self.cause == other.cause
            && self.title == other.title
            && self.link == other.link
    }
}

/// One request in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoadSummary {
    /// Which request.
    pub road: RoadId,
    /// Title of its first hop.
    pub title: String,
    /// Towards the cloud, or back.
    pub direction: Direction,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Its hops, in the order of the road.
    pub hops: Vec<Hop>,
}
