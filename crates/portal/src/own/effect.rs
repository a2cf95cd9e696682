//! What merging a pull request does: which Applications change what, and which pipelines will run.

mod applications;
mod pipelines;
mod terraform;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use pave_road::PlannedFile;
use serde_json::{Value, json};

use self::applications::{Changed, concerned, objects, resources};
use self::pipelines::{Definition, Known};
use super::access::Readable;
use super::definitions;
use super::reader::{Reader, segment};
use crate::context::Portal;
use crate::error::ApiError;
use crate::live::Watched;
use crate::session::{Caller, token};

/// Files that are read to say what they hold; beyond that only the count is told.
const READ: usize = 60;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route(
        "/pullrequests/{host}/{organization}/{project}/{repository}/{id}/effect",
        get(effect),
    )
}

type Place = Path<(String, String, String, String, u64)>;

async fn effect(
    State(portal): State<Portal>,
    caller: Caller,
    Path((host, organization, project, repository, id)): Place,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let own = token(&headers).unwrap_or_default();
    let reader = Reader::new(&portal, own, [&host, &organization, &project, &repository]);
    let request = reader.json(&format!("pullRequests/{id}"), "").await?;
    let files = reader.changed(id).await?;
    let mut readable = Readable::new(&portal, &caller.0);
    let mut told = Vec::new();
    let mut texts = Texts::default();
    for application in portal.live.all(Watched::Application) {
        let paths = concerned(&application, &request, &files);
        if paths.is_empty() || !readable.allows(&application).await {
            continue;
        }
        let mut changed = Vec::new();
        for path in paths.iter().take(READ) {
            changed.push(texts.of(&reader, &request, path).await);
        }
        told.push(describe(&portal, &application, &paths, &changed).await);
    }
    let (pipelines, notes) = match reader.pipelines(&request, &files).await {
        Ok(pipelines) => (pipelines, Vec::new()),
        Err(error) => (
            Vec::new(),
            vec![format!("Which pipelines run cannot be said: {}", error.message())],
        ),
    };
    Ok(Json(
        json!({ "files": files.len(), "applications": told, "pipelines": pipelines, "notes": notes }),
    ))
}

/// What a merge does to one Application.
async fn describe(portal: &Portal, application: &Value, paths: &[String], changed: &[Changed]) -> Value {
    let defined = definitions::defined(portal).await;
    let before = pave_road::preview(&manifests(changed, |file| file.before.as_ref()), &defined);
    let after = pave_road::preview(&manifests(changed, |file| file.after.as_ref()), &defined);
    let automated = application.pointer("/spec/syncPolicy/automated");
    json!({
        "namespace": application["metadata"]["namespace"],
        "name": application["metadata"]["name"],
        "automatic": automated.is_some_and(|it| !it.is_null() && it["enabled"] != false),
        "prunes": automated.is_some_and(|it| it["prune"] == true),
        "files": paths,
        "unread": paths.len().saturating_sub(changed.len()),
        "objects": changed.iter().flat_map(objects).collect::<Vec<_>>(),
        "resources": resources(&before.resources, &after.resources),
        "diagnostics": after.diagnostics,
    })
}

/// Files that can hold objects, as they are on one side of the merge.
fn manifests(changed: &[Changed], side: fn(&Changed) -> Option<&String>) -> Vec<PlannedFile> {
    let files = changed.iter().filter(|file| file.is_manifest());
    let planned = |file: &Changed| {
        Some(PlannedFile {
            path: file.path.clone(),
            content: side(file)?.clone(),
            pieces: Vec::new(),
        })
    };
    files.filter_map(planned).collect()
}

impl Reader<'_> {
    /// Paths that the pull request changes, without a slash in front.
    async fn changed(&self, id: u64) -> Result<Vec<String>, ApiError> {
        let iterations = self.json(&format!("pullRequests/{id}/iterations"), "").await?;
        let newest = iterations["value"]
            .as_array()
            .and_then(|list| list.last()?["id"].as_u64());
        let newest = newest.unwrap_or(1);
        let tail = format!("pullRequests/{id}/iterations/{newest}/changes");
        let changes = self.json(&tail, "$top=2000&$compareTo=0").await?;
        let entries = changes["changeEntries"].as_array().into_iter().flatten();
        let mut paths: Vec<String> = entries
            .filter(|entry| entry["item"]["isFolder"] != true)
            .flat_map(|entry| [&entry["item"]["path"], &entry["sourceServerItem"]])
            .filter_map(|path| Some(path.as_str()?.trim_start_matches('/').to_owned()))
            .collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// The pipelines of the repository, and whether the merge starts them.
    async fn pipelines(&self, request: &Value, files: &[String]) -> Result<Vec<Value>, ApiError> {
        let path = format!("{}/build/definitions", self.base);
        let query = "includeAllProperties=true&$top=200&api-version=7.1";
        let target = self.portal.hosts.target(&path, Some(query))?;
        let listed = self.portal.hosts.json(&target, &self.own).await?;
        let branch = request["targetRefName"].as_str().unwrap_or_default();
        let commit = after(request);
        let mut told = Vec::new();
        for definition in listed["value"].as_array().into_iter().flatten() {
            let Some(definition) = Definition::read(definition, &request["repository"]) else {
                continue;
            };
            let compiled = match self.text(&definition.path, commit).await {
                Some(text) => Some(self.compiled(&definition, &text, commit).await),
                None => None,
            };
            let mut said = definition.tell(compiled.as_ref(), branch, files);
            let plan = compiled.as_ref().and_then(|compiled| compiled.plan.as_ref());
            if let (Some(plan), true) = (plan, said["runs"] == true) {
                let found = self.destroyed(plan, request, files).await;
                if let Some(diagnostics) = said["diagnostics"].as_array_mut() {
                    diagnostics.extend(found.iter().map(|finding| json!(finding)));
                }
            }
            told.push(said);
        }
        Ok(told)
    }

    /// What a pipeline's Terraform code would destroy or leave behind once it is merged.
    async fn destroyed(
        &self,
        plan: &pave_pipeline::Plan,
        request: &Value,
        files: &[String],
    ) -> pave_diagnostic::Diagnostics {
        let before = request["lastMergeTargetCommit"]["commitId"]
            .as_str()
            .unwrap_or_default();
        let mut found = Vec::new();
        for folder in terraform::folders(plan, files).iter().take(READ) {
            let old = self.module(folder, before).await;
            let new = self.module(folder, after(request)).await;
            // What cannot be read is not what is gone.
            if let (Some(old), Some(new)) = (old, new) {
                found.extend(pave_pipeline::merge_findings(&old, &new));
            }
        }
        found
    }

    /// The Terraform files of a folder at a commit; none where there is no such folder.
    async fn module(&self, folder: &str, commit: &str) -> Option<Vec<(String, String)>> {
        let query = format!(
            "scopePath=/{}&recursionLevel=oneLevel&versionDescriptor.versionType=commit&versionDescriptor.version={commit}",
            segment(folder)
        );
        let listed = match self.json("items", &query).await {
            Ok(listed) => listed,
            Err(error) if error.is_not_found() => return Some(Vec::new()),
            Err(_) => return None,
        };
        let mut files = Vec::new();
        for path in terraform::files(&listed, folder) {
            let text = self.text(&path, commit).await?;
            files.push((path, text));
        }
        Some(files)
    }

    /// Compiles a pipeline, fetching its templates as they turn up.
    async fn compiled(&self, definition: &Definition, text: &str, commit: &str) -> pave_pipeline::Compiled {
        let mut known = Known::new();
        loop {
            let (compiled, missing) = definition.compile(text, &known);
            let before = known.len();
            for path in missing {
                if let Some(template) = self.text(&path, commit).await {
                    known.insert((None, path), template);
                }
            }
            if known.len() == before {
                return compiled;
            }
        }
    }
}

/// Texts that were read already: Applications may share a folder.
#[derive(Default)]
struct Texts {
    known: std::collections::BTreeMap<String, Changed>,
}

impl Texts {
    async fn of(&mut self, reader: &Reader<'_>, request: &Value, path: &str) -> Changed {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let before = request["lastMergeTargetCommit"]["commitId"]
            .as_str()
            .unwrap_or_default();
        let changed = Changed {
            path: path.to_owned(),
            before: reader.text(path, before).await,
            after: reader.text(path, after(request)).await,
        };
        self.known.insert(path.to_owned(), changed.clone());
        changed
    }
}

/// The commit that shows the target branch after the merge: without a test merge, for a conflict, the source branch is
/// the nearest there is.
fn after(request: &Value) -> &str {
    let names = ["lastMergeCommit", "lastMergeSourceCommit"];
    let found = names.iter().find_map(|name| request[*name]["commitId"].as_str());
    found.unwrap_or_default()
}
