//! Which pipelines a merge starts, as their triggers say.

use std::collections::HashMap;

use pave_diagnostic::{Diagnostics, Severity};
use pave_pipeline::{CompileRequest, Compiled, FileReference};
use serde_json::{Value, json};

/// Templates that are fetched for one pipeline.
const TEMPLATES: usize = 50;

/// Files by alias of a repository and path, as the compiler asks for them.
pub(super) type Known = HashMap<(Option<String>, String), String>;

/// A pipeline of a repository, as its host lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    id: Value,
    name: String,
    pub(super) path: String,
    is_on: bool,
    /// Triggers in the definition stand before those of the file.
    has_own_triggers: bool,
}

impl Definition {
    /// Reads a definition; nothing where it is not by a file, or of another repository.
    pub(super) fn read(definition: &Value, repository: &Value) -> Option<Self> {
        let of = &definition["repository"];
        let same = |field: &str| {
            let (left, right) = (of[field].as_str(), repository[field].as_str());
            left.zip(right)
                .is_some_and(|(left, right)| left.eq_ignore_ascii_case(right))
        };
        let path = definition
            .pointer("/process/yamlFilename")?
            .as_str()?
            .trim_start_matches('/');
        let triggers = definition["triggers"].as_array().cloned().unwrap_or_default();
        let from_file = |trigger: &Value| trigger["settingsSourceType"] != 1;
        (same("id") || same("name")).then(|| Self {
            id: definition["id"].clone(),
            name: definition["name"].as_str().unwrap_or_default().to_owned(),
            path: path.to_owned(),
            is_on: definition["queueStatus"]
                .as_str()
                .is_none_or(|status| status == "enabled"),
            has_own_triggers: !triggers.iter().all(from_file),
        })
    }

    /// What the page shows: whether it runs, and why.
    pub(super) fn tell(&self, compiled: Option<&Compiled>, branch: &str, files: &[String]) -> Value {
        let plan = compiled.and_then(|compiled| compiled.plan.as_ref());
        let short = branch.trim_start_matches("refs/heads/");
        let (runs, why) = match (compiled, plan) {
            _ if !self.is_on => (false, "it is switched off".to_owned()),
            (None, _) => (false, format!("there is no `{}` after the merge", self.path)),
            _ if self.has_own_triggers => (
                false,
                "its triggers stand in the definition, not in the file; see the host".to_owned(),
            ),
            (Some(_), None) => (false, format!("`{}` has errors", self.path)),
            (Some(_), Some(plan)) if plan.trigger.matches(branch, files) => {
                (true, format!("its trigger matches {short} and what changed"))
            }
            (Some(_), Some(_)) => (
                false,
                format!("its trigger does not match {short} or what changed"),
            ),
        };
        let stages: Vec<&str> = plan
            .into_iter()
            .flat_map(|plan| &plan.stages)
            .map(|stage| match stage.display_name.as_str() {
                "" => stage.name.as_str(),
                name => name,
            })
            // The stage that a file without stages has by itself is nobody's word.
            .filter(|name| !name.starts_with("__"))
            .collect();
        let errors: Diagnostics = compiled
            .into_iter()
            .flat_map(|compiled| compiled.diagnostics.iter().cloned())
            .filter(|finding| matches!(finding.severity, Severity::Error))
            .collect();
        json!({
            "id": self.id, "name": self.name, "path": self.path, "runs": runs, "why": why, "stages": stages,
            "diagnostics": errors,
        })
    }

    /// Compiles the file with the templates known so far, and says which of its own repository are still missing.
    pub(super) fn compile(&self, text: &str, known: &Known) -> (Compiled, Vec<String>) {
        let request = CompileRequest {
            path: &self.path,
            text,
            files: known,
            parameters: &[],
            variables: &[],
        };
        let compiled = pave_pipeline::compile(&request);
        let own = |file: &FileReference| file.repository.is_none() && known.len() < TEMPLATES;
        let missing = compiled
            .missing_files
            .iter()
            .filter(|file| own(file))
            .map(|file| file.path.clone())
            .collect();
        (compiled, missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Value {
        json!({
            "id": 4, "name": "azure-demo", "queueStatus": "enabled", "process": { "type": 2, "yamlFilename": "/azure-pipelines.yml" },
            "repository": { "id": "R1", "name": "azure-demo" },
            "triggers": [{ "triggerType": "continuousIntegration", "settingsSourceType": 2 }],
        })
    }

    #[test]
    fn definitions_of_other_repositories_and_without_a_file_are_left_out() {
        let repository = json!({ "id": "r1", "name": "azure-demo" });
        assert!(Definition::read(&definition(), &repository).is_some());
        assert!(Definition::read(&definition(), &json!({ "id": "r2", "name": "other" })).is_none());
        let mut classic = definition();
        classic["process"] = json!({ "type": 1 });
        assert!(Definition::read(&classic, &repository).is_none());
    }

    #[test]
    fn a_trigger_decides() {
        let text = "trigger:\n  branches:\n    include: [main]\n  paths:\n    include: [infra]\nsteps:\n  - script: echo\n";
        let found = Definition::read(&definition(), &json!({ "id": "r1" })).unwrap();
        let (compiled, missing) = found.compile(text, &Known::new());
        assert!(missing.is_empty());
        let check = |branch: &str, file: &str, expected: bool| {
            let told = found.tell(Some(&compiled), branch, &[file.to_owned()]);
            assert_eq!(told["runs"], expected, "{branch} {file}: {}", told["why"]);
        };
        check("refs/heads/main", "infra/main.tf", true);
        check("refs/heads/main", "README.md", false);
        check("refs/heads/next", "infra/main.tf", false);
        let gone = found.tell(None, "refs/heads/main", &[]);
        assert_eq!(gone["why"], "there is no `azure-pipelines.yml` after the merge");
    }
}
