//! Upstream's label, annotation, finalizer, condition and field manager names.

/// Label: name of the composite resource at the root of the tree.
pub const LABEL_COMPOSITE: &str = "crossplane.io/composite";
/// Label: name of the claim.
pub const LABEL_CLAIM_NAME: &str = "crossplane.io/claim-name";
/// Label: namespace of the claim.
pub const LABEL_CLAIM_NAMESPACE: &str = "crossplane.io/claim-namespace";
/// Label of a revision: its Composition.
pub const LABEL_COMPOSITION_NAME: &str = "crossplane.io/composition-name";
/// Label of a revision: the hash of its content.
pub const LABEL_COMPOSITION_HASH: &str = "crossplane.io/composition-hash";
/// Annotation on a composed resource: the name of its template.
pub const RESOURCE_NAME: &str = "crossplane.io/composition-resource-name";
/// Annotation: name of the thing outside.
pub const EXTERNAL_NAME: &str = "crossplane.io/external-name";
/// Annotation: `"true"` stops all work on an object, deletion included.
pub const PAUSED: &str = "crossplane.io/paused";
/// Annotation on a Composition: further connection details in YAML, each with the `resource` it belongs to.
///
/// Upstream refuses a `connectionDetails[].type` that it does not know but ignores this annotation, so a
/// Composition that keeps Pave's extension here runs unmodified on both.
pub const EXTRA_CONNECTION_DETAILS: &str = "pave.dev/connection-details";
/// Finalizer of an XRD while its composite resources exist.
pub const FINALIZER_DEFINED: &str = "defined.apiextensions.crossplane.io";
/// Finalizer of an XRD while its claims exist.
pub const FINALIZER_OFFERED: &str = "offered.apiextensions.crossplane.io";
/// Finalizer of a composite resource.
pub const FINALIZER_COMPOSITE: &str = "composite.apiextensions.crossplane.io";
/// Finalizer of a claim.
pub const FINALIZER_CLAIM: &str = "finalizer.apiextensions.crossplane.io";
/// Type of every connection secret.
pub const SECRET_TYPE: &str = "connection.crossplane.io/v1alpha1";
/// API group of XRDs and Compositions.
pub const GROUP: &str = "apiextensions.crossplane.io";
/// Field manager with which a composite resource and its status are applied.
pub const MANAGER_COMPOSITE: &str = "apiextensions.crossplane.io/composite";
/// Field manager with which a claim and what it syncs to its composite resource are applied.
pub const MANAGER_CLAIM: &str = "apiextensions.crossplane.io/claim";
/// Prefix of the field manager with which a composed resource is applied.
pub const MANAGER_COMPOSED_PREFIX: &str = "apiextensions.crossplane.io/composed/";

/// Field manager of the composed resources of one composite resource.
#[must_use]
pub fn composed_manager(composite_name: &str, group: &str, kind: &str) -> String {
    let hash = crate::hash::sha256_hex(format!("{composite_name}{kind}.{group}").as_bytes());
    format!("{MANAGER_COMPOSED_PREFIX}{hash}")
}
