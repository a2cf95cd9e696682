//! Which resources have which ids, from the state.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A resource with its Azure id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedResource {
    /// Address.
    pub address: String,
    /// Id; empty where there is none.
    pub id: String,
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
