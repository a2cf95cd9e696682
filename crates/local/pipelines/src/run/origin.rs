//! What started a run, and what it was given from other pipelines.

use pave_devops::Project;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A run of another pipeline, for one alias of `resources.pipelines`. Fixed when the run that uses it is queued: this is
/// where `download: <alias>` finds whose artifacts are meant ([`crate::run::Run::pipelines`]).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ResolvedPipeline {
    pub(crate) alias: String,
    pub(crate) project: Project,
    pub(crate) definition: i64,
    pub(crate) definition_name: String,
    /// Id of the run, which `Pipelines::run` finds.
    pub(crate) run: i64,
    pub(crate) number: String,
    pub(crate) branch: String,
    pub(crate) version: String,
    pub(crate) requested_for: String,
    pub(crate) requested_for_id: Uuid,
}

/// What started a run, where it was neither a person nor a push to its own repository.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// `pipeline`, `repository` or `schedule`.
    pub(crate) category: String,
    /// Alias of the resource; of a schedule its name.
    pub(crate) alias: String,
    /// The run that ended.
    pub(crate) run: Option<i64>,
    /// How many runs started each other before this one.
    pub(crate) depth: u32,
}
