//! What we declare against what azurerm 4.81.0 declares, as its `terraform providers schema -json` and its own tables
//! say: a state and a configuration have to mean the same to both.

use std::collections::BTreeSet;

use super::super::schema::{Attribute, Block, Nesting, Presence};
use super::super::{Type, Value, resources};

/// A line for each resource with the version of its state, then one for each argument and block.
const FACTS: &str = include_str!("../upstream.txt");

fn kind(of: &Type) -> String {
    match of {
        Type::Text => "text".to_owned(),
        Type::Bool => "flag".to_owned(),
        Type::Number => "number".to_owned(),
        Type::List(element) => format!("list-of-{}", kind(element)),
        Type::Set(element) => format!("set-of-{}", kind(element)),
        Type::Map(element) => format!("map-of-{}", kind(element)),
        Type::Object(_) => "object".to_owned(),
    }
}

fn fact(path: &str, attribute: &Attribute) -> String {
    let presence = match attribute.presence {
        Presence::Required => "required",
        Presence::Optional => "optional",
        Presence::OptionalComputed => "either",
        Presence::Computed => "computed",
    };
    let mut words = vec![path.to_owned(), kind(&attribute.kind), presence.to_owned()];
    for (holds, word) in [
        (attribute.sensitive, "secret"),
        (attribute.replace, "replaces"),
        (attribute.grows_only, "grows"),
    ] {
        words.extend(holds.then(|| word.to_owned()));
    }
    words.extend(attribute.default.as_ref().map(|default| match default {
        Value::Text(text) => format!("={text}"),
        other => format!("={}", other.to_json()),
    }));
    words.join(" ")
}

fn facts(path: &str, block: &Block, into: &mut Vec<String>) {
    let attributes = block.attributes.iter();
    // Upstream's `id` may be written, to no effect; ours says that it may not.
    into.extend(
        attributes
            .filter(|it| !(path.is_empty() && it.name == "id"))
            .map(|it| fact(&format!("{path}{}", it.name), it)),
    );
    for nested in &block.blocks {
        let name = format!("{path}{}", nested.name);
        if nested.nesting == Nesting::List {
            let marks = [(nested.computed, " computed"), (nested.replace, " replaces")];
            let marks: String = marks
                .iter()
                .filter(|(holds, _)| *holds)
                .map(|(_, it)| *it)
                .collect();
            into.push(format!("{name} block {}..{}{marks}", nested.least, nested.most));
        }
        facts(&format!("{name}."), &nested.block, into);
    }
}

#[test]
fn everything_is_declared_as_upstream_declares_it() {
    let known = |name: &str| -> (i64, BTreeSet<&str>) {
        let mut lines = FACTS
            .lines()
            .skip_while(|line| !line.starts_with(&format!("{name} ")));
        let version = lines.next().unwrap().split_once(' ').unwrap().1.parse().unwrap();
        let facts = lines.take_while(|line| line.starts_with(' ')).map(str::trim);
        (version, facts.collect())
    };
    for resource in resources() {
        let (version, upstream) = known(resource.name);
        assert_eq!(resource.state_version, version, "{}", resource.name);
        let mut ours = Vec::new();
        facts("", &resource.block, &mut ours);
        let wrong: Vec<&String> = ours
            .iter()
            .filter(|fact| !upstream.contains(fact.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", resource.name);
    }
}
