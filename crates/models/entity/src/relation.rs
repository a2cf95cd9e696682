use pave_names::EntityRef;
use serde_json::Value;

use crate::reference;

/// One relation, told from its source; every relation has a reverse at its target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// Where it starts.
    pub source: EntityRef,
    /// Its type, such as `ownedBy`.
    pub kind: &'static str,
    /// Where it leads; that entity need not exist.
    pub target: EntityRef,
}

/// Field of a kind's spec: kinds that have it (all when empty), field, type there and back, kind of a reference without one.
type Rule = (
    &'static [&'static str],
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const OWNED: &[&str] = &[
    "component",
    "api",
    "resource",
    "system",
    "domain",
    "template",
    "airesource",
];

const RULES: &[Rule] = &[
    (OWNED, "owner", "ownedBy", "ownerOf", Some("Group")),
    (
        &["component"],
        "providesApis",
        "providesApi",
        "apiProvidedBy",
        Some("API"),
    ),
    (
        &["component"],
        "consumesApis",
        "consumesApi",
        "apiConsumedBy",
        Some("API"),
    ),
    (
        &["component", "resource"],
        "dependsOn",
        "dependsOn",
        "dependencyOf",
        None,
    ),
    (
        &["component", "resource"],
        "dependencyOf",
        "dependencyOf",
        "dependsOn",
        None,
    ),
    (
        &["component"],
        "subcomponentOf",
        "partOf",
        "hasPart",
        Some("Component"),
    ),
    (
        &["component", "api", "resource", "airesource"],
        "system",
        "partOf",
        "hasPart",
        Some("System"),
    ),
    (&["system"], "domain", "partOf", "hasPart", Some("Domain")),
    (&["domain"], "subdomainOf", "partOf", "hasPart", Some("Domain")),
    (&["user"], "memberOf", "memberOf", "hasMember", Some("Group")),
    (&["group"], "members", "hasMember", "memberOf", Some("User")),
    (&["group"], "parent", "childOf", "parentOf", Some("Group")),
    (&["group"], "children", "parentOf", "childOf", Some("Group")),
];

/// All relations that an entity's spec states, both directions of each. References that do not parse are left out.
#[must_use]
pub fn relations(entity: &Value) -> Vec<Relation> {
    let Some(source) = reference(entity) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (kinds, field, there, back, default_kind) in RULES {
        if !kinds.contains(&source.kind()) {
            continue;
        }
        let value = &entity["spec"][*field];
        let texts = value
            .as_array()
            .map_or_else(|| vec![value], |items| items.iter().collect());
        for text in texts.into_iter().filter_map(Value::as_str) {
            let Ok(target) = EntityRef::parse(text, *default_kind, source.namespace()) else {
                continue;
            };
            found.push(Relation {
                source: source.clone(),
                kind: there,
                target: target.clone(),
            });
            found.push(Relation {
                source: target,
                kind: back,
                target: source.clone(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_field_gives_both_directions() {
        let entity = json!({
            "kind": "Component", "metadata": { "name": "web" },
            "spec": { "owner": "team-a", "dependsOn": ["resource:db", "bare"], "system": "shop" },
        });
        let told: Vec<String> = relations(&entity)
            .iter()
            .map(|it| format!("{} {} {}", it.source, it.kind, it.target))
            .collect();
        assert_eq!(
            told,
            [
                "component:default/web ownedBy group:default/team-a",
                "group:default/team-a ownerOf component:default/web",
                "component:default/web dependsOn resource:default/db",
                "resource:default/db dependencyOf component:default/web",
                "component:default/web partOf system:default/shop",
                "system:default/shop hasPart component:default/web",
            ]
        );
    }
}
