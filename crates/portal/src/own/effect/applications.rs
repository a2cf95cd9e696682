//! Which Applications a change of files concerns, and what becomes of their objects. Pure.

use std::collections::BTreeMap;

use pave_manifest::urls::same_repository;
use pave_road::PlannedResource;
use pave_yaml::Dialect;
use serde_json::{Value, json};

/// A file before and after.
#[derive(Debug, Clone, Default)]
pub(super) struct Changed {
    pub(super) path: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Changed {
    /// Whether the file can hold objects.
    pub(super) fn is_manifest(&self) -> bool {
        let extension = self.path.rsplit('.').next().unwrap_or_default().to_lowercase();
        matches!(extension.as_str(), "yaml" | "yml" | "json")
    }
}

/// The files in folders that an Application follows on the branch that a pull request goes to.
pub(super) fn concerned(application: &Value, request: &Value, files: &[String]) -> Vec<String> {
    let spec = &application["spec"];
    let several = spec["sources"].as_array().into_iter().flatten();
    let sources: Vec<&Value> = several.chain(Some(&spec["source"])).collect();
    let concerns = |file: &&String| {
        sources
            .iter()
            .any(|source| follows(source, request) && holds(source, file))
    };
    files.iter().filter(concerns).cloned().collect()
}

/// Whether a source is the branch that a pull request goes to.
fn follows(source: &Value, request: &Value) -> bool {
    let repository = &request["repository"];
    let is_same = |field: &str| {
        let known = repository[field].as_str().unwrap_or_default();
        source["repoURL"]
            .as_str()
            .is_some_and(|url| !known.is_empty() && same_repository(url, known))
    };
    let target = request["targetRefName"].as_str().unwrap_or_default();
    let branch = target.trim_start_matches("refs/heads/");
    let of_branch = match source["targetRevision"].as_str().unwrap_or_default() {
        "" | "HEAD" => repository["defaultBranch"]
            .as_str()
            .is_none_or(|default| default == target),
        revision => revision == branch || revision == target,
    };
    of_branch && (is_same("remoteUrl") || is_same("webUrl"))
}

fn holds(source: &Value, file: &str) -> bool {
    let folder = source["path"].as_str().unwrap_or_default();
    let folder = folder.trim_start_matches("./").trim_matches('/');
    let rest = file.strip_prefix(folder);
    matches!(folder, "" | ".") || rest.is_some_and(|rest| rest.starts_with('/'))
}

/// What becomes of the objects that a file holds.
pub(super) fn objects(file: &Changed) -> Vec<Value> {
    if !file.is_manifest() {
        return Vec::new();
    }
    let (before, after) = (
        read(file, file.before.as_deref()),
        read(file, file.after.as_deref()),
    );
    let mut told = Vec::new();
    for (key, object) in &after {
        match before.get(key) {
            None => told.push(row("create", object, file)),
            Some(known) if known != object => told.push(row("change", object, file)),
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|(key, _)| !after.contains_key(*key));
    told.extend(gone.map(|(_, object)| row("delete", object, file)));
    told
}

fn row(action: &str, object: &Value, file: &Changed) -> Value {
    let metadata = &object["metadata"];
    json!({
        "action": action, "apiVersion": object["apiVersion"], "kind": object["kind"],
        "namespace": metadata["namespace"], "name": metadata["name"], "file": file.path,
    })
}

fn read(file: &Changed, text: Option<&str>) -> BTreeMap<String, Value> {
    let (documents, _) = pave_yaml::parse(&file.path, text.unwrap_or_default(), Dialect::Kubernetes);
    let objects = documents.iter().map(pave_yaml::Document::to_value);
    objects
        .filter(|object| object["kind"].is_string() && object["apiVersion"].is_string())
        .map(|object| {
            let metadata = &object["metadata"];
            (
                format!(
                    "{} {} {}",
                    object["kind"], metadata["namespace"], metadata["name"]
                ),
                object,
            )
        })
        .collect()
}

/// What is made and what goes, by kind and in the road's order.
pub(super) fn resources(before: &[PlannedResource], after: &[PlannedResource]) -> Vec<Value> {
    let same = |left: &PlannedResource, right: &PlannedResource| {
        (&left.layer, &left.kind, &left.namespace, &left.name)
            == (&right.layer, &right.kind, &right.namespace, &right.name)
    };
    let only = |these: &[PlannedResource], those: &[PlannedResource], action: &str| -> Vec<Value> {
        let alone = these
            .iter()
            .filter(|it| !those.iter().any(|other| same(it, other)));
        alone
            .map(|it| json!({ "action": action, "layer": it.layer, "kind": it.kind, "name": it.name, "summary": it.summary }))
            .collect()
    };
    let mut told = only(after, before, "create");
    told.extend(only(before, after, "delete"));
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(path: &str, revision: &str) -> Value {
        json!({ "spec": { "source": {
            "repoURL": "https://127.0.0.1:7444/pave/platform/_git/configs", "path": path, "targetRevision": revision,
        } } })
    }

    fn request(target: &str) -> Value {
        json!({ "targetRefName": target, "repository": {
            "remoteUrl": "https://127.0.0.1:7444/pave/platform/_git/configs", "defaultBranch": "refs/heads/main",
        } })
    }

    #[test]
    fn an_application_is_concerned_by_its_folder_on_its_branch() {
        let files = [
            "environments/team-a/x.yaml".to_owned(),
            "environments-old/y.yaml".to_owned(),
            "README.md".to_owned(),
        ];
        let check = |path: &str, revision: &str, target: &str, expected: usize| {
            let found = concerned(&application(path, revision), &request(target), &files);
            assert_eq!(found.len(), expected, "{path} {revision} {target}");
        };
        check("environments", "HEAD", "refs/heads/main", 1);
        check("./environments/team-a/", "main", "refs/heads/main", 1);
        check("environments", "HEAD", "refs/heads/next", 0);
        check("environments", "release", "refs/heads/main", 0);
        check(".", "refs/heads/main", "refs/heads/main", 3);
        check("charts", "main", "refs/heads/main", 0);
        let elsewhere =
            json!({ "spec": { "source": { "repoURL": "https://dev.azure.com/a/b/_git/c", "path": "." } } });
        assert_eq!(
            concerned(&elsewhere, &request("refs/heads/main"), &files),
            Vec::<String>::new()
        );
    }

    #[test]
    fn objects_are_made_changed_and_deleted() {
        let object = |name: &str, size: u8| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  size: \"{size}\"\n")
        };
        let file = Changed {
            path: "a/x.yaml".into(),
            before: Some(format!(
                "{}---\n{}---\n{}",
                object("kept", 1),
                object("grown", 1),
                object("gone", 1)
            )),
            after: Some(format!(
                "{}---\n{}---\n{}",
                object("kept", 1),
                object("grown", 2),
                object("new", 1)
            )),
        };
        let found: Vec<String> = objects(&file)
            .iter()
            .map(|it| format!("{} {}", it["action"], it["name"]))
            .collect();
        assert_eq!(
            found,
            [
                "\"change\" \"grown\"",
                "\"create\" \"new\"",
                "\"delete\" \"gone\""
            ]
        );
        let readme = Changed {
            path: "README.md".into(),
            after: Some(object("x", 1)),
            ..Changed::default()
        };
        assert!(objects(&readme).is_empty());
    }
}
