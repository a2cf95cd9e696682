use pave_composite::keys::LABEL_COMPOSITION_NAME;
use pave_composite::select;
use serde_json::Value;

use super::Controller;
use crate::cluster::text;
use crate::error::ReconcileError;
use crate::revision::{composition_kind, revision_kind};

/// The revision that a composite resource is made from.
pub(super) struct Chosen {
    /// Name of the Composition.
    pub(super) composition: String,
    /// Name of the revision.
    pub(super) revision: String,
    /// The revision.
    pub(super) object: Value,
}

impl Controller {
    pub(super) async fn select(&self, composite: &Value) -> Result<Chosen, ReconcileError> {
        let said = |failure: select::SelectionFailure| ReconcileError::Said(failure.to_string());
        let compositions = self.hub.cluster.list(&composition_kind(), "").await?;
        let selection = select::composition(composite, &self.definition, &compositions).map_err(said)?;
        let labels = format!("{LABEL_COMPOSITION_NAME}={}", selection.name);
        let revisions = self.hub.cluster.list(&revision_kind(), &labels).await?;
        let revision = select::composition_revision(composite, &self.definition, &revisions).map_err(said)?;
        Ok(Chosen {
            composition: selection.name,
            revision: text(revision, "/metadata/name").unwrap_or_default().to_owned(),
            object: revision.clone(),
        })
    }
}
