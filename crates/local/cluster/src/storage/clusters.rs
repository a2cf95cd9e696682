use serde_json::Value;

/// The logical cluster that is there always and served at the root.
pub(crate) const LOCAL: &str = "local";

/// A logical cluster beside the local one, as it is kept.
#[derive(Clone)]
pub(crate) struct ClusterRecord {
    pub(crate) id: String,
    /// Where it is served; issuer of its service accounts' tokens.
    pub(crate) url: String,
    /// Whether it answers.
    pub(crate) running: bool,
    /// `{"administrator": …, "user": …}`; sealed on disk.
    pub(crate) tokens: Value,
}

/// What is to be done to a whole logical cluster.
pub(crate) enum Order {
    /// Record it, new or changed.
    Put(ClusterRecord),
    /// Remove it with every object in it.
    Remove(String),
}
