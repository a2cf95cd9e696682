//! What a pipeline's text becomes before anybody has saved it: for editors, with places.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use pave_pipeline::{CompileRequest, Compiled, FileReference, KnownVariable, RepositoryResource};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reader::Reader;
use crate::context::Portal;
use crate::error::ApiError;
use crate::session::{Caller, token};

/// Templates that are fetched for one text.
const TEMPLATES: usize = 50;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route(
        "/repositories/{host}/{organization}/{project}/{repository}/compile",
        post(compile),
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    /// Path of the file, which findings name.
    path: String,
    /// The branch whose templates it uses; the default branch where it says nothing.
    #[serde(default)]
    branch: String,
    /// The text; the file as it is there where it says nothing.
    text: Option<String>,
    #[serde(default)]
    parameters: serde_json::Map<String, Value>,
}

/// Where a text stands.
struct Place {
    host: String,
    organization: String,
    project: String,
    repository: String,
}

type Names = Path<(String, String, String, String)>;

async fn compile(
    State(portal): State<Portal>,
    _: Caller,
    Path((host, organization, project, repository)): Names,
    headers: HeaderMap,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let place = Place {
        host,
        organization,
        project,
        repository,
    };
    let own = token(&headers).unwrap_or_default();
    let reader = place.reader(&portal, &own, &place.project, &place.repository);
    // Nobody learns from here what a repository holds that they may not read.
    let about = reader.json("", "").await?;
    let branch = match wanted.branch.trim_start_matches("refs/heads/") {
        "" => about["defaultBranch"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches("refs/heads/"),
        branch => branch,
    };
    let path = wanted.path.trim_start_matches('/');
    let text = match &wanted.text {
        Some(text) => text.clone(),
        None => reader.text_at(path, "branch", branch).await?,
    };
    let request = Request {
        path,
        text: &text,
        parameters: wanted
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        variables: known(&place, branch),
    };
    let mut files = Files::new();
    loop {
        let compiled = request.compile(&files);
        let before = files.len();
        for missing in &compiled.missing_files {
            if files.len() < TEMPLATES
                && let Some(template) = place
                    .template(&portal, &own, branch, &compiled.repositories, missing)
                    .await
            {
                files.insert((missing.repository.clone(), missing.path.clone()), template);
            }
        }
        if files.len() == before {
            return Ok(Json(told(&compiled)));
        }
    }
}

type Files = std::collections::HashMap<(Option<String>, String), String>;

struct Request<'a> {
    path: &'a str,
    text: &'a str,
    parameters: Vec<(String, Value)>,
    variables: Vec<KnownVariable>,
}

impl Request<'_> {
    /// Apart from what waits: what files are read through cannot be sent between threads.
    fn compile(&self, files: &Files) -> Compiled {
        pave_pipeline::compile(&CompileRequest {
            path: self.path,
            text: self.text,
            files,
            parameters: &self.parameters,
            variables: &self.variables,
        })
    }
}

fn told(compiled: &Compiled) -> Value {
    json!({
        "finalYaml": compiled.plan.as_ref().map(|plan| &plan.final_yaml),
        "diagnostics": compiled.diagnostics,
        "parameters": compiled.parameters,
    })
}

impl Place {
    fn reader<'a>(&self, portal: &'a Portal, own: &str, project: &str, repository: &str) -> Reader<'a> {
        Reader::new(
            portal,
            own.to_owned(),
            [&self.host, &self.organization, project, repository],
        )
    }

    /// A template of the same repository at the same branch, or of one that the file names.
    async fn template(
        &self,
        portal: &Portal,
        own: &str,
        branch: &str,
        repositories: &[RepositoryResource],
        wanted: &FileReference,
    ) -> Option<String> {
        let alias = wanted
            .repository
            .as_deref()
            .filter(|alias| !alias.eq_ignore_ascii_case("self"));
        let Some(alias) = alias else {
            let reader = self.reader(portal, own, &self.project, &self.repository);
            return reader.text_at(&wanted.path, "branch", branch).await.ok();
        };
        let resource = repositories
            .iter()
            .find(|it| it.alias.eq_ignore_ascii_case(alias))?;
        let (project, name) = resource
            .name
            .split_once('/')
            .unwrap_or((&self.project, &resource.name));
        let (kind, version) = version_of(&resource.reference);
        let reader = self.reader(portal, own, project, name);
        reader.text_at(&wanted.path, kind, version).await.ok()
    }
}

/// What a reference of a repository resource means.
fn version_of(reference: &str) -> (&'static str, &str) {
    match reference.strip_prefix("refs/tags/") {
        Some(tag) => ("tag", tag),
        None => ("branch", reference.trim_start_matches("refs/heads/")),
    }
}

/// What `${{ }}` may see of a run by hand.
fn known(place: &Place, branch: &str) -> Vec<KnownVariable> {
    let short = branch.rsplit('/').next().unwrap_or(branch);
    let full = format!("refs/heads/{branch}");
    [
        ("Build.SourceBranch", full.as_str()),
        ("Build.SourceBranchName", short),
        ("Build.Reason", "Manual"),
        ("Build.Repository.Name", &place.repository),
        ("Build.Repository.Provider", "TfsGit"),
        ("System.TeamProject", &place.project),
    ]
    .into_iter()
    .map(|(name, value)| KnownVariable {
        name: name.to_owned(),
        value: value.to_owned(),
        secret: false,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_have_places_and_a_sound_text_its_expansion() {
        let compile = |text: &str| {
            let request = Request {
                path: "azure-pipelines.yml",
                text,
                parameters: Vec::new(),
                variables: Vec::new(),
            };
            told(&request.compile(&Files::new()))
        };
        let sound = compile("steps:\n- bash: echo hello\n");
        assert!(sound["finalYaml"].as_str().unwrap().contains("echo hello"));
        let wrong = compile("steps:\n- bash: echo hello\n  displayNam: Greet\n");
        let label = &wrong["diagnostics"][0]["labels"][0];
        assert_eq!(
            (&label["line"], &label["column"]),
            (&json!(3), &json!(3)),
            "{wrong}"
        );
    }

    #[test]
    fn references_name_branches_and_tags() {
        for (reference, expected) in [
            ("", ("branch", "")),
            ("main", ("branch", "main")),
            ("refs/heads/a/b", ("branch", "a/b")),
            ("refs/tags/v1", ("tag", "v1")),
        ] {
            assert_eq!(version_of(reference), expected, "{reference}");
        }
    }
}
