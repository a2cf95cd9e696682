//! Sync options: `Name=value` words of an Application's `syncOptions` or an object's `sync-options` annotation.

use serde_json::Value;

use crate::annotation;

/// Annotation with comma-separated sync options.
pub const SYNC_OPTIONS: &str = "argocd.argoproj.io/sync-options";
/// Annotation with comma-separated comparison options.
pub const COMPARE_OPTIONS: &str = "argocd.argoproj.io/compare-options";
/// Annotation with the wave in which an object is synced.
pub const SYNC_WAVE: &str = "argocd.argoproj.io/sync-wave";
/// Annotation that says someone asks for a refresh: `normal` or `hard`.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";
/// Annotation that keeps the engine's hands off an Application.
pub const SKIP_RECONCILE: &str = "argocd.argoproj.io/skip-reconcile";
/// Annotation that keeps an object out of its application's health.
pub const IGNORE_HEALTH: &str = "argocd.argoproj.io/ignore-healthcheck";
/// Annotation with which a person approves a deletion that asked for confirmation.
pub const DELETION_APPROVED: &str = "argocd.argoproj.io/deletion-approved";

/// Whether a comma-separated annotation of an object holds a word such as `Prune=false`.
#[must_use]
pub fn object_has(object: &Value, key: &str, word: &str) -> bool {
    annotation(object, key).is_some_and(|text| text.split(',').any(|it| it.trim() == word))
}

/// What an object, else its application, says for an option; the object overrides.
#[must_use]
pub fn value_of<'a>(object: &'a Value, application: &'a [String], option: &str) -> Option<&'a str> {
    let find = |word: &'a str| {
        word.trim()
            .split_once('=')
            .filter(|it| it.0 == option)
            .map(|it| it.1)
    };
    annotation(object, SYNC_OPTIONS)
        .and_then(|text| text.split(',').find_map(find))
        .or_else(|| application.iter().find_map(|word| find(word)))
}

/// Whether an option is switched on for an object, by itself or by its application.
#[must_use]
pub fn is_on(object: &Value, application: &[String], option: &str) -> bool {
    value_of(object, application, option) == Some("true")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_object_overrides_its_application() {
        let object = json!({"metadata": {"annotations": {SYNC_OPTIONS: "Prune=false, Replace=true"}}});
        let application = ["Prune=true".to_owned(), "CreateNamespace=true".to_owned()];
        assert_eq!(value_of(&object, &application, "Prune"), Some("false"));
        assert!(is_on(&object, &application, "Replace"));
        assert!(is_on(&object, &application, "CreateNamespace"));
        assert!(!is_on(&object, &application, "PruneLast"));
        assert!(object_has(&object, SYNC_OPTIONS, "Replace=true"));
    }
}
