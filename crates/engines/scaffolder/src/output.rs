//! `spec.output`: links and texts whose `if` does not hold are left out.

use pave_template::expression::is_truthy;
use serde_json::Value;

/// Removes items whose `if` is falsy, and the `if` of the others.
///
/// What was `written` tells an item without `if` from one whose `if` turned out undefined and so disappeared.
pub(crate) fn without_hidden(written: &Value, mut output: Value) -> Value {
    for key in ["links", "text"] {
        let Some(items) = output.get_mut(key).and_then(Value::as_array_mut) else {
            continue;
        };
        let mut index = 0;
        items.retain(|item| {
            let asks = written[key][index].get("if").is_some();
            index += 1;
            !asks || is_truthy(item.get("if"))
        });
        for item in items {
            if let Some(item) = item.as_object_mut() {
                item.remove("if");
            }
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hidden_items_are_left_out() {
        let written = json!({ "links": [{ "if": "1" }, { "if": "2" }, {}, { "if": "4" }] });
        let links = json!([{ "title": "a", "if": false }, { "title": "b", "if": "x" }, { "title": "c" }, { "title": "d" }]);
        assert_eq!(
            without_hidden(&written, json!({ "links": links, "n": 1 })),
            json!({ "links": [{ "title": "b" }, { "title": "c" }], "n": 1 })
        );
    }
}
