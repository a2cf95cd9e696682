//! What the cluster defines, as the road's preview wants it.

use pave_diagnostic::Diagnostics;
use pave_scaffolder::PlannedFile;
use serde_json::Value;

use crate::context::Portal;
use crate::error::ApiError;

/// What will come of some files.
#[derive(Default)]
pub(super) struct Planned {
    pub(super) resources: Vec<Value>,
    pub(super) diagnostics: Diagnostics,
}

pub(super) async fn preview(_portal: &Portal, _files: &[PlannedFile]) -> Result<Planned, ApiError> {
    Ok(Planned::default())
}
