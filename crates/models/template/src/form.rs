//! The wizard of a template: its pages as the client gets them, and the check of what comes back.

use serde_json::{Map, Value, json};

use crate::template::Template;
pub use crate::wording::InstanceError;
use crate::wording::errors;

/// Title of a page that has none, as upstream.
const DEFAULT_TITLE: &str = "Please enter the following information";

/// The answer of `GET /v2/templates/…/parameter-schema`.
#[must_use]
pub fn parameter_schema(template: &Template) -> Value {
    let mut answer = Map::new();
    answer.insert("title".to_owned(), Value::from(template.title()));
    if let Some(description) = template.metadata("description") {
        answer.insert("description".to_owned(), description.clone());
    }
    if let Some(presentation) = template.entity["spec"].get("presentation") {
        answer.insert("presentation".to_owned(), presentation.clone());
    }
    if let Some(options) = template.metadata("ui:options") {
        answer.insert("ui:options".to_owned(), options.clone());
    }
    answer.insert("steps".to_owned(), template.pages.iter().map(page).collect());
    if let Some(decorators) = template.entity["spec"].get("EXPERIMENTAL_formDecorators") {
        answer.insert("formDecorators".to_owned(), decorators.clone());
    }
    Value::Object(answer)
}

fn page(schema: &Value) -> Value {
    let mut page = json!({ "title": schema.get("title").unwrap_or(&Value::from(DEFAULT_TITLE)) });
    if let Some(description) = schema.get("description") {
        page["description"] = description.clone();
    }
    page["schema"] = schema.clone();
    page
}

/// Checks all values against each page separately, as upstream does.
#[must_use]
pub fn validate(template: &Template, values: &Value) -> Vec<InstanceError> {
    template
        .pages
        .iter()
        .flat_map(|page| errors(page, values))
        .collect()
}

/// Checks the secrets against `spec.secrets.schema`, where the template has one.
#[must_use]
pub fn validate_secrets(template: &Template, secrets: &Value) -> Vec<InstanceError> {
    template
        .entity
        .pointer("/spec/secrets/schema")
        .map_or_else(Vec::new, |schema| errors(schema, secrets))
}

/// Adds the defaults of top-level properties that were not given: a form fills them in, a program may not.
pub fn fill_defaults(template: &Template, values: &mut Map<String, Value>) {
    for (name, property) in template.properties() {
        if let (Some(default), false) = (property.get("default"), values.contains_key(name)) {
            values.insert(name.to_owned(), default.clone());
        }
    }
}

/// Names of top-level properties whose values are not shown: `Secret` fields and password widgets.
#[must_use]
pub fn concealed(template: &Template) -> Vec<&str> {
    let is_concealed = |property: &Value| {
        property["ui:field"] == "Secret"
            || property["ui:widget"] == "password"
            || property
                .pointer("/ui:options/widget")
                .is_some_and(|widget| widget == "password")
            || property.pointer("/ui:backstage/review/mask").is_some()
    };
    template
        .properties()
        .filter(|(_, property)| is_concealed(property))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Template {
        Template::from_entity(&json!({
            "kind": "Template",
            "metadata": { "name": "t", "title": "Make it" },
            "spec": {
                "type": "service",
                "parameters": [
                    { "title": "One", "required": ["name"], "properties": {
                        "name": { "type": "string", "pattern": "^[a-z]+$", "required": true },
                        "size": { "type": "integer", "default": 3, "minimum": 1 },
                        "key": { "type": "string", "ui:field": "Secret" } } },
                    { "properties": { "list": { "type": "array", "items": { "type": "string" } } } },
                ],
                "steps": [{ "action": "debug:log" }],
            }
        }))
        .unwrap()
    }

    fn check(values: &Value, expected: &[&str]) {
        let found: Vec<String> = validate(&template(), values)
            .into_iter()
            .map(|error| error.stack)
            .collect();
        assert_eq!(found, expected, "{values}");
    }

    #[test]
    fn values_are_checked_in_upstreams_words() {
        check(&json!({ "name": "orders" }), &[]);
        check(&json!({}), &["instance requires property \"name\""]);
        check(
            &json!({ "name": "Orders" }),
            &["instance.name does not match pattern \"^[a-z]+$\""],
        );
        check(
            &json!({ "name": 3 }),
            &["instance.name is not of a type(s) string"],
        );
        check(
            &json!({ "name": "a", "size": 0 }),
            &["instance.size must be greater than or equal to 1"],
        );
        check(
            &json!({ "name": "a", "list": ["x", 1] }),
            &["instance.list[1] is not of a type(s) string"],
        );
    }

    #[test]
    fn pages_keep_their_schema_and_get_a_title() {
        let schema = parameter_schema(&template());
        assert_eq!(schema["title"], "Make it");
        assert_eq!(schema["steps"][0]["title"], "One");
        assert_eq!(schema["steps"][1]["title"], DEFAULT_TITLE);
        assert_eq!(
            schema["steps"][1]["schema"]["properties"]["list"]["type"],
            "array"
        );
        assert_eq!(concealed(&template()), ["key"]);
        let mut values = Map::new();
        fill_defaults(&template(), &mut values);
        assert_eq!(values["size"], 3);
    }
}
