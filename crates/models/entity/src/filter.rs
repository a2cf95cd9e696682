use crate::SearchIndex;

/// The `filter` language of the catalog: parameters are alternatives; within one, all keys must match, and one of each key's values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    alternatives: Vec<Vec<Condition>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    key: String,
    /// Values of which one must be there; none means the key must exist.
    values: Vec<String>,
}

/// A filter does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError(pub String);

impl Filter {
    /// Parses the `filter` parameters of a request, in the order given.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = &'a str>) -> Result<Self, FilterError> {
        let mut alternatives = Vec::new();
        for parameter in parameters {
            let mut conditions: Vec<Condition> = Vec::new();
            for part in parameter
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
            {
                let (key, value) = match part.split_once('=') {
                    Some((key, value)) => (key.trim(), Some(value.trim().to_lowercase())),
                    None => (part, None),
                };
                if key.is_empty() {
                    return Err(FilterError(format!(
                        "Invalid filter, '{part}' is not a valid statement (expected a string on the form a=b or a= or a)"
                    )));
                }
                let key = key.to_lowercase();
                let index = conditions
                    .iter()
                    .position(|known| known.key == key)
                    .unwrap_or_else(|| {
                        conditions.push(Condition {
                            key,
                            values: Vec::new(),
                        });
                        conditions.len() - 1
                    });
                conditions[index].values.extend(value);
            }
            if !conditions.is_empty() {
                alternatives.push(conditions);
            }
        }
        Ok(Self { alternatives })
    }

    /// Whether an entity matches.
    #[must_use]
    pub fn matches(&self, index: &SearchIndex) -> bool {
        self.alternatives.is_empty()
            || self.alternatives.iter().any(|conditions| {
                conditions
                    .iter()
                    .all(|condition| match index.values(&condition.key) {
                        None => false,
                        Some(_) if condition.values.is_empty() => true,
                        Some(values) => condition.values.iter().any(|wanted| values.contains(wanted)),
                    })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(parameters: &[&str], expected: bool) {
        let entity = json!({
            "kind": "Component",
            "metadata": { "name": "Web", "tags": ["java"], "annotations": { "backstage.io/orphan": "true" } },
            "spec": { "type": "service" },
            "relations": [{ "type": "ownedBy", "targetRef": "group:default/team-a" }],
        });
        let filter = Filter::parse(parameters.iter().copied()).unwrap();
        assert_eq!(
            filter.matches(&SearchIndex::of(&entity)),
            expected,
            "{parameters:?}"
        );
    }

    #[test]
    fn filters_combine_as_upstream() {
        check(&[], true);
        check(&["kind=component"], true);
        check(&["kind=api"], false);
        check(&["kind=api,kind=component"], true);
        check(&["kind=component,spec.type=website"], false);
        check(&["kind=api", "spec.type=SERVICE"], true);
        check(&["metadata.tags=java"], true);
        check(&["metadata.tags.java=true"], true);
        check(&["metadata.annotations.backstage.io/orphan=true"], true);
        check(&["relations.ownedby=group:default/team-a"], true);
        check(&["spec.lifecycle"], false);
        check(&["spec.type"], true);
        assert!(Filter::parse(["=x"]).is_err());
    }
}
