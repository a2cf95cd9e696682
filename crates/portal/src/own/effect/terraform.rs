//! Which Terraform code a merge changes. Pure.

use std::collections::BTreeSet;

use pave_pipeline::{Plan, applied_directories};
use serde_json::Value;

/// The folders that a pipeline applies and whose code is among the changed files.
pub(super) fn folders(plan: &Plan, files: &[String]) -> BTreeSet<String> {
    let directories = applied_directories(plan);
    let changed = files.iter().filter(|file| is_terraform(file));
    let folders = changed.map(|file| folder(file));
    folders
        .filter(|folder| directories.iter().any(|directory| directory.covers(folder)))
        .map(str::to_owned)
        .collect()
}

/// The Terraform files right in a folder, of a list of items.
pub(super) fn files(listed: &Value, of: &str) -> Vec<String> {
    let items = listed["value"].as_array().into_iter().flatten();
    items
        .filter(|item| item["isFolder"] != true)
        .filter_map(|item| Some(item["path"].as_str()?.trim_start_matches('/').to_owned()))
        .filter(|path| is_terraform(path) && folder(path) == of)
        .collect()
}

fn is_terraform(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "tf")
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use pave_pipeline::{CompileRequest, compile};
    use serde_json::json;

    use super::*;

    fn plan(directory: &str) -> Plan {
        let text = format!(
            "steps:\n- task: TerraformTaskV4@4\n  inputs: {{command: apply, environmentServiceNameAzureRM: c, workingDirectory: '{directory}'}}\n"
        );
        let files: HashMap<(Option<String>, String), String> = HashMap::new();
        let request = CompileRequest {
            path: "azure-pipelines.yml",
            text: &text,
            files: &files,
            parameters: &[],
            variables: &[],
        };
        compile(&request).plan.unwrap()
    }

    #[test]
    fn only_what_is_applied_and_changed_is_looked_into() {
        let changed = [
            "README.md",
            "requests/a/main.tf",
            "requests/a/x.tf",
            "requests/b/README.md",
            "modules/m/main.tf",
        ];
        let changed: Vec<String> = changed.iter().map(|path| (*path).to_owned()).collect();
        let check = |directory: &str, expected: &[&str]| {
            let found: Vec<String> = folders(&plan(directory), &changed).into_iter().collect();
            assert_eq!(found, expected, "{directory}");
        };
        check(
            "$(System.DefaultWorkingDirectory)/requests/$(request)",
            &["requests/a"],
        );
        check("requests/a", &["requests/a"]);
        check("terraform/changed", &[]);
        check("", &[]);
    }

    #[test]
    fn modules_are_the_files_right_in_a_folder() {
        let listed = json!({ "value": [
            { "path": "/a", "isFolder": true },
            { "path": "/a/main.tf" },
            { "path": "/a/README.md" },
            { "path": "/a/b/main.tf" },
        ] });
        assert_eq!(files(&listed, "a"), ["a/main.tf"]);
    }
}
