//! What clients and pages ask about builds besides the builds themselves: the latest one, the badge, changes, tags, leases.

pub(super) mod leases;

use axum::response::IntoResponse as _;
use http::header;
use pave_devops::{AreaError, AreaRequest};
use pave_pipeline::Outcome;
use serde_json::{Value, json};

use super::shape::{Links, build_result};
use super::{Answer, builds, definitions, id, list, ok, project, top};
use crate::access::Realm;
use crate::pipelines::Pipelines;
use crate::run::{Progress, Run};
use crate::store::{Kind, Stored};
use crate::things::Definition;

/// A definition by number or name.
async fn definition(
    pipelines: &Pipelines,
    request: &AreaRequest,
    given: &str,
) -> Result<Stored<Definition>, AreaError> {
    if given.parse::<i64>().is_ok() {
        return definitions::find(pipelines, request, given).await;
    }
    let project = project(request)?;
    let found = pipelines
        .store()
        .named::<Definition>(Kind::Definition, project.id, given)
        .await?;
    match found {
        Some(found) => definitions::find(pipelines, request, &found.id.to_string()).await,
        None => definitions::find(pipelines, request, "0").await,
    }
}

/// The newest run of a definition, of the branch that is asked for.
async fn newest(
    pipelines: &Pipelines,
    request: &AreaRequest,
    stored: &Stored<Definition>,
) -> Result<Option<Run>, AreaError> {
    let branch = request
        .parameter("branchName")
        .filter(|it| !it.is_empty())
        .map(|it| {
            if it.starts_with("refs/") {
                it.to_owned()
            } else {
                format!("refs/heads/{it}")
            }
        });
    Ok(match pipelines.store().latest(stored.id, branch).await? {
        Some(id) => pipelines.run(id).await?,
        None => None,
    })
}

/// `build/latest/{definition}`.
pub(super) async fn latest(pipelines: &Pipelines, request: &AreaRequest, given: &str) -> Answer {
    let stored = definition(pipelines, request, given).await?;
    let run = newest(pipelines, request, &stored).await?;
    let run = run.ok_or_else(|| {
        AreaError::new(
            http::StatusCode::NOT_FOUND,
            "BuildNotFoundException",
            format!("Pipeline {} has no such build.", stored.body.name),
        )
    })?;
    ok(builds::shown(pipelines, request, &run).await?)
}

/// `build/status/{definition}`: a small picture of how the newest run, or a stage of it, ended.
pub(super) async fn badge(pipelines: &Pipelines, request: &AreaRequest, given: &str) -> Answer {
    let stored = definition(pipelines, request, given).await?;
    let run = newest(pipelines, request, &stored).await?;
    let stage = request.parameter("stageName").filter(|it| !it.is_empty());
    let outcome = match (&run, stage) {
        (Some(run), Some(name)) => run
            .stages
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(name))
            .and_then(|it| it.outcome),
        (Some(run), None) => run.result,
        (None, _) => None,
    };
    let label = request
        .parameter("label")
        .filter(|it| !it.is_empty())
        .unwrap_or(&stored.body.name);
    let (words, color) = match (&run, outcome) {
        (None, _) => ("never built", "#b4b4b4"),
        (Some(_), Some(Outcome::Succeeded | Outcome::Skipped)) => ("succeeded", "#55a362"),
        (Some(_), Some(Outcome::SucceededWithIssues)) => ("partially succeeded", "#e05d44"),
        (Some(_), Some(Outcome::Failed)) => ("failed", "#cb2431"),
        (Some(_), Some(Outcome::Canceled)) => ("canceled", "#b4b4b4"),
        (Some(run), None) if run.progress == Progress::Pending => ("waiting", "#9f9f9f"),
        (Some(_), None) => ("in progress", "#0078d4"),
    };
    let svg = picture(label, words, color);
    // Clients that read JSON only are given the same as a text.
    if accepts(request, "application/json") {
        return ok(json!(svg));
    }
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, svg).into_response())
}

/// Whether this form is what a client wants first of all.
fn accepts(request: &AreaRequest, form: &str) -> bool {
    let accept = request.headers.get(header::ACCEPT);
    let accept = accept.and_then(|it| it.to_str().ok()).unwrap_or_default();
    accept.trim_start().to_lowercase().starts_with(form)
}

fn picture(label: &str, words: &str, color: &str) -> String {
    let width = |text: &str| text.chars().count() * 7 + 10;
    let (left, right) = (width(label), width(words));
    let all = left + right;
    let escaped = label
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let text_at = |from: usize, width: usize| from + width / 2;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{all}" height="20" role="img" aria-label="{escaped}: {words}"><title>{escaped}: {words}</title><rect width="{left}" height="20" fill="#555"/><rect x="{left}" width="{right}" height="20" fill="{color}"/><g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="{}" y="14">{escaped}</text><text x="{}" y="14">{words}</text></g></svg>"##,
        text_at(0, left),
        text_at(left, right)
    )
}

/// The commit that a build is of.
async fn change(pipelines: &Pipelines, request: &AreaRequest, run: &Run) -> Result<Value, AreaError> {
    let repositories = &pipelines.options().repositories;
    let commit = repositories.commit(run.repository.id, &run.version).await;
    let commit = commit.map_err(crate::PipelinesError::from)?;
    let links = Links {
        base: &request.base_url,
    };
    let title = run.message.lines().next().unwrap_or_default();
    let path = format!("git/repositories/{}/commits/{}", run.repository.id, run.version);
    let author = commit.map(|it| json!({"displayName": it.author, "uniqueName": it.email}));
    Ok(json!({
        "id": run.version, "message": title, "messageTruncated": run.message.trim().contains('\n'), "type": "TfsGit",
        "author": author, "timestamp": run.queued_at, "location": links.api(&run.project, &path),
    }))
}

/// `builds/{id}/changes`.
pub(super) async fn changes(
    pipelines: &Pipelines,
    request: &AreaRequest,
    run: &Run,
) -> Result<Value, AreaError> {
    let change = change(pipelines, request, run).await?;
    Ok(json!({"count": 1, "value": [change]}))
}

/// `build/changes?fromBuildId=&toBuildId=`: what was built in between, the first left out.
pub(super) async fn changes_between(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let given = |key: &str| request.parameter(key).unwrap_or_default();
    let (from, to) = (id(given("fromBuildId"))?, id(given("toBuildId"))?);
    let last = builds::find(pipelines, request, &to.to_string()).await?;
    let runs = pipelines
        .store()
        .runs(last.project.id, vec![last.definition], usize::MAX)
        .await?;
    let mut found: Vec<Value> = Vec::new();
    for run in runs.iter().filter(|run| run.id > from && run.id <= to) {
        if found.iter().all(|it| it["id"] != json!(run.version)) {
            found.push(change(pipelines, request, run).await?);
        }
    }
    list(found.into_iter().take(top(request, 50)).collect())
}

/// `builds/{id}/report`.
pub(super) fn report(request: &AreaRequest, run: &Run) -> Answer {
    let status = run.result.map_or("inProgress", build_result);
    let content = format!("Build {} of {}: {status}", run.number, run.definition_name);
    let given = request.parameter("type").unwrap_or_default();
    if given.eq_ignore_ascii_case("html") || accepts(request, "text/html") {
        let escaped = content.replace('&', "&amp;").replace('<', "&lt;");
        let html = format!("<!doctype html><title>{escaped}</title><p>{escaped}</p>");
        return Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response());
    }
    ok(json!({"buildId": run.id, "type": "buildReport", "content": content}))
}

/// Runs of the project that have tags and that the person may see.
async fn tagged(pipelines: &Pipelines, request: &AreaRequest) -> Result<Vec<Run>, AreaError> {
    let project = project(request)?;
    let mut runs = pipelines.store().runs(project.id, Vec::new(), usize::MAX).await?;
    runs.retain(|run| !run.tags.is_empty());
    let mut allowed: std::collections::HashMap<String, bool> = std::collections::HashMap::new();
    let mut seen = Vec::new();
    for run in runs {
        let name = run.definition_name.clone();
        if !allowed.contains_key(&name) {
            let asked = pipelines.allows(&request.principal, "get", Realm::Pipelines, project, &name);
            let verdict = asked.await.is_ok();
            allowed.insert(name.clone(), verdict);
        }
        if allowed.get(&name) == Some(&true) {
            seen.push(run);
        }
    }
    Ok(seen)
}

/// All tags of builds of the project.
pub(super) async fn all_tags(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let runs = tagged(pipelines, request).await?;
    let mut tags: Vec<String> = runs.into_iter().flat_map(|run| run.tags).collect();
    tags.sort();
    tags.dedup();
    list(tags.into_iter().map(|tag| json!(tag)).collect())
}

/// Takes a tag from every build that has it; refused as a whole when one of them may not be changed.
pub(super) async fn remove_tag(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let tag = request.tail.last().map(String::as_str).unwrap_or_default();
    let mut runs = tagged(pipelines, request).await?;
    runs.retain(|run| run.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)));
    for run in &runs {
        builds::allow(pipelines, request, run).await?;
    }
    for run in &runs {
        builds::retag(pipelines, run, &[], &[tag.to_owned()]).await?;
    }
    all_tags(pipelines, request).await
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn a_badge_shows_its_label_as_text() {
        let svg = picture("a<b> & \"c\"", "failed", "#cb2431");
        assert!(svg.contains("a&lt;b&gt; &amp; &quot;c&quot;: failed"), "{svg}");
        assert!(!svg.contains("<b>"), "{svg}");
    }
}
