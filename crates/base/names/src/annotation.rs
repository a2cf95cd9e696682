//! Annotation, label and trailer keys that Pave itself defines. Upstream keys stay with the model that needs them.

/// Annotation on every object of a request: its [`RoadId`](crate::RoadId) (32 hex digits, a W3C trace id).
///
/// A difference in this annotation alone is never drift.
pub const ROAD: &str = "pave.dev/road";

/// Annotation on an object synced from Git: `<path>@<commit>`, the file it was read from and the last commit that touched it.
pub const SOURCE: &str = "pave.dev/source";

/// Annotation on an object made for a person: the Backstage reference of who asked for it.
pub const REQUESTED_BY: &str = "pave.dev/requested-by";

/// Git commit trailer: `Pave-Step: <task>/<step>`, the key by which an interrupted step finds its own commit again.
pub const STEP_TRAILER: &str = "Pave-Step";

/// Git commit trailer: the road id of the request that made the commit.
pub const ROAD_TRAILER: &str = "Pave-Road";

/// Git commit trailer: the Backstage reference of the person on whose behalf the commit was made.
pub const REQUESTED_BY_TRAILER: &str = "Pave-Requested-By";
