use std::sync::Arc;

use pave_auth::Principal;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::{Project, PullRequestAt, RepositoryAt};

/// How many events a slow listener may lag behind before it has to look for itself.
const CAPACITY: usize = 1024;

/// State of a run, as far as others care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// Waits for an agent, an approval or another run.
    Waiting,
    /// Steps are running.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Was stopped.
    Canceled,
}

impl RunState {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// Something happened on the host. A hint: whoever acts on it also compares at start.
#[derive(Debug, Clone)]
pub enum Event {
    /// References moved.
    Push {
        /// Where.
        repository: RepositoryAt,
        /// Full name, old and new object id (forty zeros for absent) of each reference.
        updates: Vec<(String, String, String)>,
        /// Who pushed.
        pusher: Principal,
    },
    /// A pull request was made or changed: title, commits, votes, state, policies, comments.
    PullRequest {
        /// Which, as it is now.
        pull_request: PullRequestAt,
    },
    /// A run, or one of its stages, jobs or steps, changed state.
    Run {
        /// Where.
        project: Project,
        /// Build id.
        build: i64,
        /// Definition id.
        definition: i64,
        /// State of the whole run.
        state: RunState,
    },
    /// A log of a run grew.
    Log {
        /// Where.
        project: Project,
        /// Build id.
        build: i64,
        /// Log id.
        log: i64,
        /// How many lines it has now.
        lines: u64,
    },
    /// Something else of a project changed: a definition, a service connection, an approval.
    Changed {
        /// Where.
        project: Project,
        /// Area, e.g. `serviceendpoint`.
        area: &'static str,
        /// Which, in that area's own terms.
        id: String,
    },
}

/// Everything that happens, for whoever wants to act at once. Cloning is cheap.
#[derive(Clone)]
pub struct Feed {
    sender: Arc<broadcast::Sender<Arc<Event>>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            sender: Arc::new(broadcast::channel(CAPACITY).0),
        }
    }
}

impl Feed {
    /// Tells everybody who listens.
    pub fn publish(&self, event: Event) {
        // Nobody listening is no failure.
        drop(self.sender.send(Arc::new(event)));
    }

    /// Listens from now on. After `Lagged` events were lost: look for yourself.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.sender.subscribe()
    }
}
