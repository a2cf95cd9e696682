//! `catalog.rules`: which kinds of entities a location may hold.

use serde_json::Value;

/// The rules. An entity is allowed when any of them says so; each is asked of the registered location, not of the
/// file that a location led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allow: Vec<Allowed>,
    /// Everywhere, when there are none.
    places: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    kind: String,
    /// `spec.type`.
    spec_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    kind: String,
    exact: Option<String>,
    pattern: Option<String>,
}

/// What upstream allows when nothing is configured.
const DEFAULT: [&str; 3] = ["Component", "API", "Location"];

impl Rules {
    /// The same kinds for every location.
    #[must_use]
    pub fn everywhere<'k>(kinds: impl IntoIterator<Item = &'k str>) -> Self {
        let allow = kinds.into_iter().map(Allowed::kind).collect();
        Self {
            rules: vec![Rule {
                allow,
                places: Vec::new(),
            }],
        }
    }

    /// Reads the value of the key `catalog`: its `rules`, and the `rules` of its `locations`.
    ///
    /// # Errors
    /// Names the field that is wrong, and what is expected there.
    pub fn from_config(catalog: &Value) -> Result<Self, String> {
        let mut rules = match catalog.get("rules") {
            None | Some(Value::Null) => Self::everywhere(DEFAULT).rules,
            Some(list) => read_rules(list, "catalog.rules", None)?,
        };
        let locations = catalog["locations"].as_array().into_iter().flatten();
        for (index, location) in locations.enumerate() {
            let Some(list) = location.get("rules").filter(|list| !list.is_null()) else {
                continue;
            };
            let place = Place {
                kind: location["type"].as_str().unwrap_or("url").to_owned(),
                exact: location["target"].as_str().map(str::to_owned),
                pattern: None,
            };
            let field = format!("catalog.locations[{index}].rules");
            rules.extend(read_rules(list, &field, Some(&place))?);
        }
        Ok(Self { rules })
    }

    /// Whether an entity may come from a registered location.
    #[must_use]
    pub fn allow(&self, entity: &Value, location_kind: &str, target: &str) -> bool {
        self.rules.iter().any(|rule| {
            let here =
                rule.places.is_empty() || rule.places.iter().any(|place| place.holds(location_kind, target));
            here && rule.allow.iter().any(|allowed| allowed.holds(entity))
        })
    }
}

impl Allowed {
    fn kind(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            spec_type: None,
        }
    }

    fn holds(&self, entity: &Value) -> bool {
        let same = |value: &Value, wanted: &str| {
            value
                .as_str()
                .is_some_and(|value| value.eq_ignore_ascii_case(wanted))
        };
        same(&entity["kind"], &self.kind)
            && self
                .spec_type
                .as_ref()
                .is_none_or(|wanted| same(&entity["spec"]["type"], wanted))
    }
}

impl Place {
    fn holds(&self, kind: &str, target: &str) -> bool {
        self.kind == kind
            && self.exact.as_ref().is_none_or(|exact| exact == target)
            && self.pattern.as_ref().is_none_or(|pattern| {
                let (pattern, target) = (pattern.to_lowercase(), target.to_lowercase());
                matches(pattern.as_bytes(), target.as_bytes())
            })
    }
}

fn read_rules(list: &Value, field: &str, at: Option<&Place>) -> Result<Vec<Rule>, String> {
    let list = list.as_array().ok_or_else(|| {
        format!("`{field}` must be a list of rules, such as `- allow: [Component, Template]`")
    })?;
    let mut rules = Vec::new();
    for (index, rule) in list.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let allow = rule["allow"]
            .as_array()
            .ok_or_else(|| format!("`{field}.allow` must be a list of kinds"))?;
        let allow = allow
            .iter()
            .map(|entry| {
                read_allowed(entry).ok_or_else(|| format!("`{field}.allow` holds something that is no kind"))
            })
            .collect::<Result<_, _>>()?;
        let places = match at {
            Some(place) => vec![place.clone()],
            None => read_places(&rule["locations"], &field)?,
        };
        rules.push(Rule { allow, places });
    }
    Ok(rules)
}

fn read_allowed(entry: &Value) -> Option<Allowed> {
    match entry {
        Value::String(kind) => Some(Allowed::kind(kind)),
        Value::Object(map) => Some(Allowed {
            kind: map.get("kind")?.as_str()?.to_owned(),
            spec_type: map
                .get("spec.type")
                .or_else(|| entry.pointer("/spec/type"))
                .and_then(Value::as_str)
                .map(str::to_owned),
        }),
        _ => None,
    }
}

fn read_places(list: &Value, field: &str) -> Result<Vec<Place>, String> {
    let mut places = Vec::new();
    for place in list.as_array().into_iter().flatten() {
        let text = |key: &str| place[key].as_str().map(str::to_owned);
        let kind =
            text("type").ok_or_else(|| format!("`{field}.locations` needs a `type`, such as `url`"))?;
        let (exact, pattern) = (text("exact"), text("pattern"));
        if exact.is_some() && pattern.is_some() {
            return Err(format!(
                "`{field}.locations` must not have both `exact` and `pattern`"
            ));
        }
        places.push(Place { kind, exact, pattern });
    }
    Ok(places)
}

/// `*` and `?` within a segment, `**` across segments, as upstream's patterns.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            matches(rest, text)
                || text
                    .iter()
                    .enumerate()
                    .any(|(at, byte)| *byte == b'/' && matches(rest, &text[at + 1..]))
        }
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        [b'*', rest @ ..] => {
            let end = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=end).any(|at| matches(rest, &text[at..]))
        }
        [b'?', rest @ ..] => text.first().is_some_and(|byte| *byte != b'/') && matches(rest, &text[1..]),
        [byte, rest @ ..] => text.first() == Some(byte) && matches(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(catalog: &Value, kind: &str, target: &str, expected: bool) {
        let rules = Rules::from_config(catalog).unwrap();
        let (kind, spec_type) = kind.split_once('/').unwrap_or((kind, "service"));
        let entity = json!({ "kind": kind, "spec": { "type": spec_type } });
        assert_eq!(
            rules.allow(&entity, "url", target),
            expected,
            "{catalog} {kind} {target}"
        );
    }

    #[test]
    fn rules_are_upstreams() {
        let anywhere = "https://host/a/b.yaml";
        check(&json!({}), "component", anywhere, true);
        check(&json!({}), "Template", anywhere, false);
        let catalog = json!({ "rules": [{ "allow": ["Component", "Template"] }] });
        check(&catalog, "template", anywhere, true);
        check(&catalog, "API", anywhere, false);
        let catalog = json!({ "rules": [{ "allow": [{ "kind": "Component", "spec.type": "website" }] }] });
        check(&catalog, "Component/website", anywhere, true);
        check(&catalog, "Component", anywhere, false);
        let only = |place: Value| json!({ "rules": [{ "allow": ["Template"], "locations": [place] }] });
        let exact = only(json!({ "type": "url", "exact": anywhere }));
        check(&exact, "Template", anywhere, true);
        check(&exact, "Template", "https://host/a/c.yaml", false);
        for (pattern, expected) in [
            ("https://host/**", true),
            ("https://HOST/*/b.yaml", true),
            ("https://host/*", false),
            ("https://host/**/b.yaml", true),
            ("https://host/a/?.yaml", true),
        ] {
            let pattern = only(json!({ "type": "url", "pattern": pattern }));
            check(&pattern, "Template", anywhere, expected);
        }
        let catalog = json!({ "rules": [{ "allow": ["Location"] }],
            "locations": [{ "type": "url", "target": anywhere, "rules": [{ "allow": ["User"] }] }] });
        check(&catalog, "User", anywhere, true);
        check(&catalog, "User", "https://host/other.yaml", false);
        assert!(Rules::from_config(&json!({ "rules": [{ "allow": "Template" }] })).is_err());
    }
}
