//! Artifacts and attachments of a build.

use axum::response::IntoResponse as _;
use http::header;
use jiff::{Timestamp, ToSpan as _};
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};

use super::shape::{Links, encoded};
use super::{Answer, list, nothing, ok};
use crate::pipelines::Pipelines;
use crate::run::{Artifact, Run};
use crate::zip::Archive;

pub(super) fn artifacts(pipelines: &Pipelines, request: &AreaRequest, run: &Run) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let wanted = request.parameter("artifactName");
    let shape = |it: &Artifact| {
        let path = format!(
            "build/builds/{}/artifacts?artifactName={}&api-version=7.1",
            run.id,
            encoded(&it.name)
        );
        let url = links.api(&run.project, &path);
        json!({
            "id": it.id, "name": it.name, "source": it.job,
            "resource": {"type": "PipelineArtifact", "data": it.name, "url": url, "downloadUrl": format!("{url}&$format=zip")},
        })
    };
    let Some(wanted) = wanted else {
        return list(run.artifacts.iter().map(shape).collect());
    };
    let found = find(run, wanted)?;
    let zip = request
        .parameter("$format")
        .is_some_and(|it| it.eq_ignore_ascii_case("zip"));
    let accepts = request
        .headers
        .get(header::ACCEPT)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    if !zip && !accepts.contains("application/zip") {
        return ok(shape(found));
    }
    let mut archive = Archive::default();
    let directory = pipelines.job_directory(found.job).artifact(&found.name);
    let made = archive
        .add_path(&directory, &found.name)
        .and_then(|()| archive.finish());
    zipped(made, &found.name)
}

/// The newest artifact of this name.
fn find<'a>(run: &'a Run, wanted: &str) -> Result<&'a Artifact, AreaError> {
    let mut all = run.artifacts.iter().rev();
    all.find(|it| it.name.eq_ignore_ascii_case(wanted))
        .ok_or_else(|| {
            AreaError::new(
                http::StatusCode::NOT_FOUND,
                "ArtifactNotFoundException",
                format!("Artifact {wanted} was not found for build {}.", run.id),
            )
        })
}

/// `pipelines/{id}/runs/{id}/artifacts`: one of them when its name is given, else all.
pub(super) fn of_pipelines(request: &AreaRequest, run: &Run) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let signs = request
        .parameter("$expand")
        .is_some_and(|it| it == "1" || it.eq_ignore_ascii_case("signedContent"));
    let shape = |it: &Artifact| {
        let name = encoded(&it.name);
        let own = format!(
            "pipelines/{}/runs/{}/artifacts?artifactName={name}",
            run.definition, run.id
        );
        let mut all = json!({"name": it.name, "url": links.api(&run.project, &own)});
        if signs {
            let archive = format!(
                "build/builds/{}/artifacts?artifactName={name}&$format=zip",
                run.id
            );
            all["signedContent"] = signed(&links.api(&run.project, &archive));
        }
        all
    };
    match request.parameter("artifactName").filter(|it| !it.is_empty()) {
        Some(wanted) => ok(shape(find(run, wanted)?)),
        None => list(run.artifacts.iter().map(shape).collect()),
    }
}

/// Where content is read. It is no secret by itself: whoever reads it shows a token as everywhere, so that the time
/// limit only keeps clients from taking it for broken.
pub(super) fn signed(url: &str) -> Value {
    let until = pave_runtime::clock::now().checked_add(1.hours());
    json!({"url": url, "signatureExpires": until.unwrap_or(Timestamp::MAX).to_string()})
}

/// An archive as an answer.
pub(super) fn zipped(made: std::io::Result<Vec<u8>>, name: &str) -> Answer {
    let bytes = made.map_err(|error| AreaError::not_found(format!("`{name}` cannot be read: {error}.")))?;
    let name: String = name
        .chars()
        .filter(|it| it.is_ascii_alphanumeric() || "-_.".contains(*it))
        .collect();
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.zip\""),
        ),
    ];
    Ok((headers, bytes).into_response())
}

pub(super) fn attachments(request: &AreaRequest, run: &Run, category: &str) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    let found = run
        .attachments
        .iter()
        .filter(|it| it.category.eq_ignore_ascii_case(category));
    let shape = |it: &crate::run::Attachment| {
        let path = format!(
            "build/builds/{}/{}/{}/attachments/{}/{}",
            run.id,
            run.plan_id,
            it.record,
            encoded(&it.category),
            encoded(&it.name)
        );
        json!({
            "name": it.name, "type": it.category, "recordId": it.record, "timelineId": run.plan_id, "createdOn": it.created_at,
            "_links": {"self": {"href": links.api(&run.project, &path)}},
        })
    };
    list(found.map(shape).collect())
}

pub(super) fn attachment(pipelines: &Pipelines, request: &AreaRequest, run: &Run, record: &str) -> Answer {
    let [.., category, name] = request.tail.as_slice() else {
        return Err(nothing(request));
    };
    let mut all = run.attachments.iter();
    let found = all.find(|it| {
        it.record.to_string().eq_ignore_ascii_case(record)
            && it.category.eq_ignore_ascii_case(category)
            && it.name.eq_ignore_ascii_case(name)
    });
    let Some(found) = found else {
        return Err(AreaError::not_found(format!(
            "Build {} has no attachment {name} of type {category} there.",
            run.id
        )));
    };
    let bytes = std::fs::read(
        pipelines
            .job_directory(found.job)
            .attachment(&found.category, &found.name),
    );
    let bytes =
        bytes.map_err(|error| AreaError::not_found(format!("Attachment {name} cannot be read: {error}.")))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
