use pave_manifest::application::Condition;

/// Target or live state could not be loaded or compared.
pub(crate) const COMPARISON_ERROR: &str = "ComparisonError";
/// The Application itself is not right.
pub(crate) const INVALID_SPEC_ERROR: &str = "InvalidSpecError";
/// An automated sync failed or is refused.
pub(crate) const SYNC_ERROR: &str = "SyncError";
/// The cascade of a deletion does not go on.
pub(crate) const DELETION_ERROR: &str = "DeletionError";
/// Several files name one object.
pub(crate) const REPEATED_RESOURCE: &str = "RepeatedResourceWarning";
/// Several Applications name one object.
pub(crate) const SHARED_RESOURCE: &str = "SharedResourceWarning";
/// Something in the source is passed over.
pub(crate) const EXCLUDED_RESOURCE: &str = "ExcludedResourceWarning";

/// Conditions as they should stand now; those that did not change keep their time.
pub(crate) fn merge(before: &[Condition], found: Vec<(&'static str, String)>, now: &str) -> Vec<Condition> {
    found
        .into_iter()
        .map(|(type_, message)| {
            let same = before
                .iter()
                .find(|it| it.type_ == type_ && it.message == message);
            same.cloned().unwrap_or_else(|| Condition {
                type_: type_.to_owned(),
                message,
                last_transition_time: now.to_owned(),
            })
        })
        .collect()
}
