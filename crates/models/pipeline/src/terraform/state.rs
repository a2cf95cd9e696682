//! Which resources got which ids: from apply's plain output and from the state.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A resource with its Azure id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedResource {
    /// Address.
    pub address: String,
    /// What was done: `created`, `changed`, `destroyed`; empty where only the state was read.
    pub done: String,
    /// Id; empty where it was not printed.
    pub id: String,
}

/// Reads what `terraform apply` or `destroy` printed.
#[must_use]
pub fn apply_summary(text: &str) -> Vec<AppliedResource> {
    text.lines()
        .filter_map(|line| applied(&without_colors(line)))
        .collect()
}

fn applied(line: &str) -> Option<AppliedResource> {
    const DONE: [(&str, &str); 3] = [
        (": Creation complete after ", "created"),
        (": Modifications complete after ", "changed"),
        (": Destruction complete after ", "destroyed"),
    ];
    DONE.iter().find_map(|(mark, done)| {
        let (address, rest) = line.split_once(mark)?;
        let id = rest.split_once("[id=").and_then(|(_, id)| id.strip_suffix(']'));
        // A replaced object is destroyed as `address (deposed object …)`.
        let address = address.trim().split(" (").next().unwrap_or_default();
        Some(AppliedResource {
            address: address.to_owned(),
            done: (*done).to_owned(),
            id: id.unwrap_or_default().to_owned(),
        })
    })
}

fn without_colors(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(char);
        }
    }
    out.trim_end_matches('\r').to_owned()
}

/// Reads the resources of a state: what `terraform show -json` printed, or a state file.
pub fn state_resources(text: &str) -> Result<Vec<AppliedResource>, serde_json::Error> {
    let root: Value = serde_json::from_str(text)?;
    let mut out = Vec::new();
    if let Some(resources) = root["resources"].as_array() {
        for resource in resources {
            of_file(resource, &mut out);
        }
    } else {
        module(&root["values"]["root_module"], &mut out);
    }
    Ok(out)
}

fn module(module: &Value, out: &mut Vec<AppliedResource>) {
    let resources = module["resources"].as_array().into_iter().flatten();
    out.extend(
        resources
            .filter(|one| one["mode"] == "managed")
            .map(|resource| AppliedResource {
                address: resource["address"].as_str().unwrap_or_default().to_owned(),
                done: String::new(),
                id: resource["values"]["id"].as_str().unwrap_or_default().to_owned(),
            }),
    );
    for child in module["child_modules"].as_array().into_iter().flatten() {
        self::module(child, out);
    }
}

fn of_file(resource: &Value, out: &mut Vec<AppliedResource>) {
    if resource["mode"] != "managed" {
        return;
    }
    let text = |key: &str| resource[key].as_str().unwrap_or_default();
    let module = match text("module") {
        "" => String::new(),
        module => format!("{module}."),
    };
    for instance in resource["instances"].as_array().into_iter().flatten() {
        let index = match &instance["index_key"] {
            Value::Null => String::new(),
            key => format!("[{key}]"),
        };
        out.push(AppliedResource {
            address: format!("{module}{}.{}{index}", text("type"), text("name")),
            done: String::new(),
            id: instance["attributes"]["id"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_the_output_of_apply() {
        let text = "azurerm_resource_group.example: Creating...\n\u{1b}[0m\u{1b}[1mazurerm_resource_group.example: Creation complete after 1s [id=/subscriptions/s/resourceGroups/a]\u{1b}[0m\nmodule.x.azurerm_y.z[\"k\"]: Destruction complete after 0s\n";
        let found = apply_summary(text);
        let shown: Vec<String> = found
            .iter()
            .map(|one| format!("{} {} {}", one.done, one.address, one.id))
            .collect();
        assert_eq!(
            shown,
            [
                "created azurerm_resource_group.example /subscriptions/s/resourceGroups/a",
                "destroyed module.x.azurerm_y.z[\"k\"] "
            ]
        );
    }

    #[test]
    fn ids_from_a_state() {
        let file = r#"{"version":4,"resources":[{"mode":"managed","type":"a","name":"b","instances":[{"index_key":"k","attributes":{"id":"/x"}}]},{"mode":"data","type":"a","name":"c","instances":[{}]}]}"#;
        let shown = r#"{"values":{"root_module":{"resources":[{"mode":"managed","address":"a.b","values":{"id":"/x"}}],"child_modules":[{"resources":[{"mode":"managed","address":"module.m.a.b","values":{"id":"/y"}}]}]}}}"#;
        let list = |text| -> Vec<String> {
            let found = state_resources(text).unwrap();
            found
                .iter()
                .map(|one| format!("{} {}", one.address, one.id))
                .collect()
        };
        assert_eq!(list(file), ["a.b[\"k\"] /x"]);
        assert_eq!(list(shown), ["a.b /x", "module.m.a.b /y"]);
    }
}
