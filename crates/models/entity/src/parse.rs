use pave_diagnostic::{Diagnostic, Diagnostics, nearest};
use pave_yaml::{Dialect, Document};
use serde_json::{Value, json};

use crate::rule::{SPEC_RULES, SpecRule, is_key, is_kind, is_name, is_namespace, is_tag};

/// Root fields that a source document may have.
const ROOTS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
/// Lists that are sorted before processing, as upstream's preprocessor does.
const SORTED: [&str; 7] = [
    "providesApis",
    "consumesApis",
    "dependsOn",
    "dependencyOf",
    "memberOf",
    "children",
    "members",
];

/// An entity of a file, with the document it came from.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The entity; its namespace is filled in and its reference lists are sorted.
    pub entity: Value,
    /// Where it stands.
    pub document: Document,
}

/// Reads the entities of a catalog file. A document that is not an entity is a diagnostic (`PV16xx`), the others are kept.
#[must_use]
pub fn parse_entities(file: &str, text: &str) -> (Vec<Parsed>, Diagnostics) {
    let (documents, mut diagnostics) = pave_yaml::parse(file, text, Dialect::Backstage);
    let mut parsed = Vec::new();
    for document in documents {
        let findings = check(&document);
        let bad = pave_diagnostic::has_errors(&findings);
        diagnostics.extend(findings);
        if !bad {
            parsed.push(Parsed {
                entity: normalize(document.to_value()),
                document,
            });
        }
    }
    (parsed, diagnostics)
}

fn normalize(mut entity: Value) -> Value {
    if entity["metadata"]["namespace"].is_null() {
        entity["metadata"]["namespace"] = json!("default");
    }
    for key in SORTED {
        if let Some(list) = entity["spec"].get_mut(key).and_then(Value::as_array_mut) {
            list.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
        }
    }
    entity
}

fn check(document: &Document) -> Diagnostics {
    let entity = document.to_value();
    let Value::Object(roots) = &entity else {
        return vec![
            Diagnostic::error("PV1601", "this document is not an entity: it is not a mapping")
                .with_label(document.label("")),
        ];
    };
    let mut found = Vec::new();
    for root in roots.keys().filter(|root| !ROOTS.contains(&root.as_str())) {
        let mut diagnostic = Diagnostic::error(
            "PV1602",
            format!("unknown field `{root}` at the root of an entity"),
        )
        .with_label(document.label(&format!("/{root}")));
        diagnostic = match nearest(root, ROOTS) {
            Some(close) => diagnostic.with_help(format!("did you mean `{close}`?")),
            None => diagnostic.with_help("put it under `metadata` or `spec`"),
        };
        found.push(diagnostic);
    }
    let mut expect = |pointer: &str, valid: bool, expected: &str| {
        if !valid {
            let value = entity.pointer(pointer).unwrap_or(&Value::Null);
            let field = pointer.trim_start_matches('/').replace('/', ".");
            let shown = value
                .as_str()
                .map_or_else(|| value.to_string(), ToOwned::to_owned);
            found.push(
                Diagnostic::error(
                    "PV1603",
                    format!("\"{field}\" is not valid; expected {expected} but found \"{shown}\""),
                )
                .with_label(document.label(pointer)),
            );
        }
    };
    let text = |pointer: &str| entity.pointer(pointer).and_then(Value::as_str);
    let api_version =
        text("/apiVersion").is_some_and(|text| !text.is_empty() && text.split('/').count() <= 2);
    expect(
        "/apiVersion",
        api_version,
        "a version such as backstage.io/v1alpha1",
    );
    expect(
        "/kind",
        text("/kind").is_some_and(is_kind),
        "a kind: letters and digits, beginning with a letter, 63 at most",
    );
    expect(
        "/metadata/name",
        text("/metadata/name").is_some_and(is_name),
        "a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total",
    );
    let namespace = entity.pointer("/metadata/namespace");
    expect(
        "/metadata/namespace",
        namespace.is_none_or(|it| it.as_str().is_some_and(is_namespace)),
        "a string that is sequences of [a-z0-9] separated by [-], at most 63 characters in total",
    );
    for map in ["labels", "annotations"] {
        for (key, value) in entity["metadata"][map].as_object().into_iter().flatten() {
            let pointer = format!("/metadata/{map}/{}", key.replace('~', "~0").replace('/', "~1"));
            expect(
                &pointer,
                is_key(key) && value.is_string(),
                "a key with at most one slash, and a string as its value",
            );
        }
    }
    for (index, tag) in entity["metadata"]["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let pointer = format!("/metadata/tags/{index}");
        expect(
            &pointer,
            tag.as_str().is_some_and(is_tag),
            "sequences of [a-z0-9:+#] separated by [-]",
        );
    }
    found.extend(check_kind(document, &entity));
    found
}

fn check_kind(document: &Document, entity: &Value) -> Diagnostics {
    let Some(kind) = entity["kind"].as_str() else {
        return Vec::new();
    };
    let Some(rule) = SPEC_RULES
        .iter()
        .find(|rule| rule.kind.eq_ignore_ascii_case(kind))
    else {
        let known: Vec<&str> = SPEC_RULES.iter().map(|rule| rule.kind).collect();
        let mut diagnostic =
            Diagnostic::error("PV1604", format!("no processor recognized the kind `{kind}`"))
                .with_label(document.label("/kind"))
                .with_help(format!("known kinds are {}", known.join(", ")));
        if let Some(close) = nearest(kind, known.iter().copied()) {
            diagnostic = diagnostic.with_help(format!("did you mean `{close}`?"));
        }
        return vec![diagnostic];
    };
    missing(document, entity, rule)
}

fn missing(document: &Document, entity: &Value, rule: &SpecRule) -> Diagnostics {
    let spec = &entity["spec"];
    let absent = |field: &str, expected: &str| {
        Diagnostic::error(
            "PV1605",
            format!("{} needs `spec.{field}`: {expected}", rule.kind),
        )
        .with_label(document.label(&format!("/spec/{field}")))
        .with_help(format!("add `{field}` under `spec`"))
    };
    let texts = rule
        .texts
        .iter()
        .filter(|field| spec[**field].as_str().is_none_or(str::is_empty))
        // An MCP server has remotes in place of a definition.
        .filter(|field| **field != "definition" || spec["type"] != "mcp-server")
        .map(|field| absent(field, "a text"));
    let lists = rule
        .lists
        .iter()
        .filter(|field| !spec[**field].is_array())
        .map(|field| absent(field, "a list"));
    texts.chain(lists).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let (_, diagnostics) = parse_entities("catalog-info.yaml", text);
        let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn good_entities_are_kept_and_bad_ones_say_why() {
        let good = "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: a}\nspec: {owner: b}\n";
        check(good, &[]);
        check(
            &format!("{good}---\nkind: X\n"),
            &[
                "apiVersion",
                "metadata.name",
                "no processor recognized the kind `X`",
            ],
        );
        check(
            &good.replace("owner", "ownr"),
            &["catalog-info.yaml:4:1: spec.owner: System needs `spec.owner`"],
        );
        check(&good.replace("System", "Sistem"), &["did you mean `System`?"]);
        check(&format!("{good}status: {{}}\n"), &["unknown field `status`"]);
        check(
            &good.replace("{name: a}", "{name: -a, namespace: B, tags: [A]}"),
            &["metadata.name", "metadata.namespace", "metadata.tags"],
        );
    }

    #[test]
    fn lists_are_sorted_and_the_namespace_is_filled_in() {
        let (parsed, _) = parse_entities(
            "f",
            "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: a}\nspec: {memberOf: [z, b]}\n",
        );
        assert_eq!(parsed[0].entity["spec"]["memberOf"], json!(["b", "z"]));
        assert_eq!(parsed[0].entity["metadata"]["namespace"], "default");
    }
}
