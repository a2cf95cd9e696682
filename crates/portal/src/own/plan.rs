use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use pave_auth::Principal;
use pave_diagnostic::Diagnostics;
use pave_names::annotation;
use pave_scaffolder::{Created, PlannedFile};
use pave_tracer::hop;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{definitions, overview};
use crate::backstage;
use crate::context::Portal;
use crate::error::ApiError;
use crate::gate::NOT_PERMITTED;
use crate::live::Watched;
use crate::session::Caller;

/// Requests whose time says what is usual.
const SAMPLE: usize = 50;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/plan", post(plan))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    template_ref: String,
    #[serde(default)]
    values: Value,
}

/// What running a template would write and make. Nothing is kept; the real run goes the same way.
async fn plan(
    State(portal): State<Portal>,
    caller: Caller,
    Json(wanted): Json<Wanted>,
) -> Result<Response, ApiError> {
    let entity = backstage::template(&portal, &wanted.template_ref)?;
    let preview = portal.scaffolder.plan(&caller.0, &entity, wanted.values).await?;
    if !preview.invalid.is_empty() {
        return Ok((
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({ "errors": preview.invalid })),
        )
            .into_response());
    }
    let (denied, mut findings) = trial(&portal, &caller.0, &preview.files).await;
    let planned = definitions::preview(&portal, &preview.files).await;
    for finding in planned.diagnostics {
        let known = findings.iter().any(|other| other.message == finding.message);
        if !known {
            findings.push(finding);
        }
    }
    if findings.is_empty()
        && denied.is_empty()
        && let Some(error) = preview.error
    {
        return Err(ApiError::input(error.to_string()));
    }
    // Warnings of the actions themselves: files that stand there already, branches that others use.
    findings.extend(preview.diagnostics);
    let mut files = Vec::new();
    for file in &preview.files {
        files.push(json!({
            "repository": file.repository,
            "branch": file.branch,
            "path": file.path,
            "content": file.text().unwrap_or_default(),
            "before": before(&portal, file).await,
            "pieces": pieces(file),
        }));
    }
    let roads = portal.journal.roads(SAMPLE).await?;
    Ok(Json(json!({
        "files": files,
        "resources": planned.resources,
        "diagnostics": findings,
        "permitted": denied.is_empty(),
        "denials": denied,
        "usualSeconds": overview::usual_seconds(&roads),
    }))
    .into_response())
}

/// What the gate says, per repository and branch: refusals for want of a right in words, and other findings.
async fn trial(portal: &Portal, principal: &Principal, files: &[PlannedFile]) -> (Vec<String>, Diagnostics) {
    let (mut denied, mut findings) = (Vec::new(), Vec::new());
    for file in files {
        let single = std::slice::from_ref(file);
        for finding in portal
            .gate
            .findings(principal, &file.repository, &file.branch, single)
            .await
        {
            if finding.code == NOT_PERMITTED {
                let help = finding
                    .help
                    .as_deref()
                    .map(|help| format!(": {help}"))
                    .unwrap_or_default();
                denied.push(format!("{}{help}", finding.message));
            } else {
                findings.push(finding);
            }
        }
    }
    denied.dedup();
    (denied, findings)
}

/// What stands in the repository now, if anything.
async fn before(portal: &Portal, file: &PlannedFile) -> Option<String> {
    let url = format!(
        "{}?path=/{}&version=GB{}",
        file.repository, file.path, file.branch
    );
    portal
        .sources
        .read(&url)
        .await
        .ok()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Stretches of the content with the answer they came from, in UTF-16 units as pages count.
fn pieces(file: &PlannedFile) -> Vec<Value> {
    let Some(text) = file.text() else {
        return Vec::new();
    };
    let units = |end: usize| text.get(..end).map(|head| head.encode_utf16().count());
    file.pieces
        .iter()
        .filter_map(|piece| {
            Some(json!({ "start": units(piece.start)?, "end": units(piece.end)?, "source": piece.source.to_string() }))
        })
        .collect()
}

/// Starts the removal of the file that an environment came from, as the person.
pub(crate) async fn plan_environment_removal(
    portal: &Portal,
    principal: &Principal,
    claim: &Value,
) -> Result<Value, ApiError> {
    let application = portal
        .live
        .all(Watched::Application)
        .into_iter()
        .find(|application| tracks(application, claim))
        .ok_or_else(|| ApiError::conflict("no Application brought this environment here, so there is no file to remove; delete the claim with kubectl"))?;
    let path = hop::annotation(claim, annotation::SOURCE)
        .and_then(|source| source.rsplit_once('@'))
        .map(|(path, _)| path.to_owned())
        .ok_or_else(|| {
            ApiError::conflict("the claim does not say which file it came from; sync its Application first")
        })?;
    let text = |pointer: &str| {
        application
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let revision = text("/spec/source/targetRevision");
    let branch = if revision.is_empty() || revision == "HEAD" {
        "main".to_owned()
    } else {
        revision
    };
    let name = claim["metadata"]["name"].as_str().unwrap_or_default();
    let message = format!("Delete team environment {name}");
    let repository = text("/spec/source/repoURL");
    match portal
        .scaffolder
        .delete_files(principal, &repository, &branch, &[path], &message)
        .await?
    {
        Created::Task { id, road } => Ok(json!({ "taskId": id, "road": road })),
        Created::Invalid(errors) => Err(ApiError::input(json!(errors).to_string())),
    }
}

/// Whether an object's tracking id names an Application.
fn tracks(application: &Value, object: &Value) -> bool {
    let id = hop::annotation(object, "argocd.argoproj.io/tracking-id").unwrap_or_default();
    let owner = id.split(':').next().unwrap_or_default();
    application["metadata"]["name"] == owner
}
