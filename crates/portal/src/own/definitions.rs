//! What the cluster defines, as the road's preview wants it.

use kube::api::ListParams;
use pave_names::GroupVersionKind;
use pave_road::{Definitions, PlannedFile, Preview};
use serde_json::Value;

use crate::context::Portal;

/// What will come of some files, given what the cluster defines now.
pub(super) async fn preview(portal: &Portal, files: &[pave_scaffolder::PlannedFile]) -> Preview {
    let files: Vec<PlannedFile> = files
        .iter()
        .filter_map(|file| {
            Some(PlannedFile {
                path: file.path.clone(),
                content: file.text()?.to_owned(),
                pieces: file.pieces.clone(),
            })
        })
        .collect();
    preview_of(portal, &files).await
}

/// The same for files from anywhere.
pub(super) async fn preview_of(portal: &Portal, files: &[PlannedFile]) -> Preview {
    pave_road::preview(files, &defined(portal).await)
}

/// What the cluster defines.
pub(super) async fn defined(portal: &Portal) -> Definitions {
    Definitions {
        definitions: all(
            portal,
            "apiextensions.crossplane.io",
            "v1",
            "CompositeResourceDefinition",
        )
        .await,
        compositions: all(portal, "apiextensions.crossplane.io", "v1", "Composition").await,
        provider_configs: all(portal, "azure.upbound.io", "v1beta1", "ProviderConfig").await,
        files: Vec::new(),
    }
}

/// All objects of a kind; none when the cluster does not serve it.
async fn all(portal: &Portal, group: &str, version: &str, kind: &str) -> Vec<Value> {
    let gvk = GroupVersionKind {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
    };
    let Ok(resolved) = portal.kinds.resolve(&gvk).await else {
        return Vec::new();
    };
    match resolved
        .api(portal.kinds.client(), None)
        .list(&ListParams::default())
        .await
    {
        Ok(list) => list
            .items
            .into_iter()
            .filter_map(|object| {
                let mut object = serde_json::to_value(object).ok()?;
                // Lists leave out what is the same for all.
                object["apiVersion"] = gvk.api_version().into();
                object["kind"] = kind.into();
                Some(object)
            })
            .collect(),
        Err(error) => {
            tracing::warn!(%error, kind, "definitions cannot be read");
            Vec::new()
        }
    }
}
