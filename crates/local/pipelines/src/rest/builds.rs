//! Builds: queueing, cancelling, tags, and what belongs to one.

use http::Method;
use pave_devops::{AreaError, AreaRequest};
use pave_pipeline::Outcome;
use serde_json::{Value, json};

use super::shape::Links;
use super::{
    Answer, about, artifacts, definitions, empty, id, list, listing, logs, nothing, number, ok, permissions,
    project, text,
};
use crate::access::Realm;
use crate::engine::queue::{Wish, queue};
use crate::engine::{cancel, save};
use crate::pipelines::Pipelines;
use crate::run::Run;
use crate::store::{Kind, Stored};
use crate::things::Definition;

/// `build`.
pub(crate) async fn serve(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    match (&request.method, rest) {
        (_, ["definitions", rest @ ..]) => definitions::definitions(pipelines, request, rest).await,
        (_, ["authorizedresources"]) => permissions::authorized(pipelines, request).await,
        (&Method::GET, ["builds"]) => listing::listed(pipelines, request).await,
        (&Method::POST, ["builds"]) => queued(pipelines, request).await,
        (&Method::GET, ["latest", definition]) => about::latest(pipelines, request, definition).await,
        (&Method::GET, ["status", definition]) => about::badge(pipelines, request, definition).await,
        (&Method::GET, ["tags"]) => about::all_tags(pipelines, request).await,
        (&Method::DELETE, ["tags", _]) => about::remove_tag(pipelines, request).await,
        (_, ["retention", "leases", rest @ ..]) => about::leases::leases(pipelines, request, rest).await,
        (&Method::GET, ["folders", rest @ ..]) => definitions::seen::folders(pipelines, request, rest).await,
        // Neither work items nor options of the old designer nor controllers are here.
        (&Method::GET, ["workitems" | "options" | "controllers"]) => list(Vec::new()),
        (&Method::GET, ["changes"]) => about::changes_between(pipelines, request).await,
        (&Method::GET, ["builds", number]) => {
            let run = find(pipelines, request, number).await?;
            ok(shown(pipelines, request, &run).await?)
        }
        (&Method::PATCH, ["builds"]) => changed_together(pipelines, request).await,
        (&Method::PATCH, ["builds", number]) => changed(pipelines, request, number).await,
        (_, ["builds", number, rest @ ..]) => {
            let run = find(pipelines, request, number).await?;
            part(pipelines, request, &run, rest).await
        }
        _ => Err(nothing(request)),
    }
}

async fn part(pipelines: &Pipelines, request: &AreaRequest, run: &Run, rest: &[&str]) -> Answer {
    let links = Links {
        base: &request.base_url,
    };
    match (&request.method, rest) {
        (&Method::GET, ["timeline", ..]) => ok(links.timeline(run)),
        (&Method::GET, ["logs", rest @ ..]) => logs::of_build(pipelines, request, run, rest),
        (&Method::GET, ["artifacts"]) => artifacts::artifacts(pipelines, request, run),
        (&Method::GET, ["attachments", _]) => {
            let category = request.tail.last().map(String::as_str).unwrap_or_default();
            artifacts::attachments(request, run, category)
        }
        (&Method::GET, [_, record, "attachments", _, _]) => {
            artifacts::attachment(pipelines, request, run, record)
        }
        (&Method::PATCH, ["stages", stage]) => stages(pipelines, request, run, stage).await,
        (&Method::GET, ["tags"]) => list(run.tags.iter().map(|tag| json!(tag)).collect()),
        (&Method::PUT | &Method::POST | &Method::PATCH | &Method::DELETE, ["tags", rest @ ..]) => {
            tags(pipelines, request, run, rest).await
        }
        (&Method::GET, ["changes"]) => ok(about::changes(pipelines, request, run).await?),
        // There are no work items here.
        (&Method::GET | &Method::POST, ["workitems"]) => list(Vec::new()),
        // Nothing can be noted beside a build but tags.
        (&Method::GET, ["properties"]) => ok(json!({"count": 0, "value": {}})),
        (&Method::GET, ["report"]) => about::report(request, run),
        (&Method::GET, ["leases"]) => about::leases::leases_of(pipelines, run).await,
        _ => Err(nothing(request)),
    }
}

/// A run of this project that the person may see.
pub(crate) async fn find(
    pipelines: &Pipelines,
    request: &AreaRequest,
    number: &str,
) -> Result<Run, AreaError> {
    let project = project(request)?;
    let missing = || {
        AreaError::new(
            http::StatusCode::NOT_FOUND,
            "BuildNotFoundException",
            format!("The requested build {number} could not be found."),
        )
    };
    let run = pipelines
        .run(id(number)?)
        .await?
        .filter(|run| run.project.id == project.id)
        .ok_or_else(missing)?;
    pipelines
        .check(
            &request.principal,
            "get",
            Realm::Pipelines,
            &run.project,
            &run.definition_name,
        )
        .await?;
    Ok(run)
}

pub(super) async fn allow(pipelines: &Pipelines, request: &AreaRequest, run: &Run) -> Result<(), AreaError> {
    pipelines
        .check(
            &request.principal,
            "queue",
            Realm::Pipelines,
            &run.project,
            &run.definition_name,
        )
        .await
}

async fn queued(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let body = request.json()?;
    let Some(definition) = number(&body, "/definition/id") else {
        return Err(AreaError::bad_request("A build needs `definition.id`."));
    };
    let stored = definitions::find(pipelines, request, &definition.to_string()).await?;
    pipelines
        .check(
            &request.principal,
            "queue",
            Realm::Pipelines,
            &stored.body.project,
            &stored.body.name,
        )
        .await?;
    // `parameters` is JSON in a text: variables of the run.
    let given = text(&body, "/parameters").unwrap_or("{}");
    let variables: Value = serde_json::from_str(given)
        .or_else(|error| serde_json::from_str(&double_quoted(given)).map_err(|_| error))
        .map_err(|error| AreaError::bad_request(format!("`parameters` is not JSON: {error}.")))?;
    let variables = variables.as_object().into_iter().flatten();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let wish = Wish {
        branch: text(&body, "/sourceBranch").unwrap_or_default().to_owned(),
        version: text(&body, "/sourceVersion").unwrap_or_default().to_owned(),
        reason: "manual".to_owned(),
        parameters: super::pipelines::parameters(&body),
        variables: variables
            .map(|(name, value)| (name.clone(), plain(value), false))
            .collect(),
        ..Wish::default()
    };
    let run = queue(pipelines, &stored, &request.principal, wish, false).await?;
    ok(shown(pipelines, request, &run).await?)
}

/// A build, with the folder that its pipeline is in now.
pub(super) async fn shown(
    pipelines: &Pipelines,
    request: &AreaRequest,
    run: &Run,
) -> Result<Value, AreaError> {
    let links = Links {
        base: &request.base_url,
    };
    let mut shape = links.build(run);
    let known = pipelines.store().thing(Kind::Definition, run.definition).await?;
    place(&mut shape["definition"], known.as_ref());
    Ok(shape)
}

/// What a run does not keep of its pipeline; one that is gone leaves what was guessed.
pub(super) fn place(definition: &mut Value, known: Option<&Stored<Definition>>) {
    if let Some(known) = known {
        definition["path"] = json!(known.body.path);
        definition["revision"] = json!(known.body.revision);
        definition["queueStatus"] = json!(known.body.queue_status);
    }
}

/// JSON whose texts stand in single quotes, as some clients write them, with double quotes instead.
fn double_quoted(given: &str) -> String {
    let mut written = String::with_capacity(given.len());
    let mut quote = None;
    let mut letters = given.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => {
                quote = Some(letter);
                written.push('"');
            }
            (Some(open), _) if letter == open => {
                quote = None;
                written.push('"');
            }
            (Some('\''), '"') => written.push_str("\\\""),
            (Some(_), '\\') => match letters.next() {
                Some('\'') => written.push('\''),
                next => written.extend(std::iter::once('\\').chain(next)),
            },
            _ => written.push(letter),
        }
    }
    written
}

async fn changed(pipelines: &Pipelines, request: &AreaRequest, number: &str) -> Answer {
    let run = find(pipelines, request, number).await?;
    allow(pipelines, request, &run).await?;
    let body = request.json()?;
    if request
        .parameter("retry")
        .is_some_and(|it| it.eq_ignore_ascii_case("true"))
    {
        return retried(pipelines, request, &run).await;
    }
    let run = canceled(pipelines, &run, &body).await?;
    ok(shown(pipelines, request, &run).await?)
}

/// Several builds at once, each named by its `id`.
async fn changed_together(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let body = request.json()?;
    let mut done = Vec::new();
    for wish in body.as_array().into_iter().flatten() {
        let number = number(wish, "/id").ok_or_else(|| AreaError::bad_request("A build needs its `id`."))?;
        let run = find(pipelines, request, &number.to_string()).await?;
        allow(pipelines, request, &run).await?;
        let run = canceled(pipelines, &run, wish).await?;
        done.push(shown(pipelines, request, &run).await?);
    }
    list(done)
}

async fn canceled(pipelines: &Pipelines, run: &Run, wish: &Value) -> Result<Run, AreaError> {
    let wanted = wish.get("status").cloned().unwrap_or_default();
    let word = wanted.as_str().unwrap_or_default();
    if wanted.as_i64() != Some(4) && !word.eq_ignore_ascii_case("cancelling") {
        return Err(AreaError::bad_request(
            "Of a build only `status: cancelling` can be set.",
        ));
    }
    let canceled = cancel::cancel(&pipelines.shared()?, run.id).await?;
    canceled.ok_or_else(|| {
        AreaError::new(
            http::StatusCode::CONFLICT,
            "BuildStatusInvalidChangeException",
            format!("Build {} has ended already.", run.id),
        )
    })
}

/// All stages that failed, once more.
async fn retried(pipelines: &Pipelines, request: &AreaRequest, run: &Run) -> Answer {
    let shared = pipelines.shared()?;
    let failed = run
        .stages
        .iter()
        .find(|it| matches!(it.outcome, Some(Outcome::Failed | Outcome::Canceled)));
    let Some(stage) = failed else {
        return Err(AreaError::bad_request(format!(
            "Build {} has no stage that failed.",
            run.id
        )));
    };
    cancel::retry(&shared, run.id, &stage.name, false).await?;
    let now = find(pipelines, request, &run.id.to_string()).await?;
    ok(shown(pipelines, request, &now).await?)
}

async fn stages(pipelines: &Pipelines, request: &AreaRequest, run: &Run, stage: &str) -> Answer {
    allow(pipelines, request, run).await?;
    let body = request.json()?;
    let shared = pipelines.shared()?;
    let wanted = body.get("state").cloned().unwrap_or_default();
    let word = wanted.as_str().map(str::to_lowercase).unwrap_or_default();
    let all = body
        .get("forceRetryAllJobs")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let done = match (word.as_str(), wanted.as_i64()) {
        ("retry", _) | (_, Some(1)) => cancel::retry(&shared, run.id, stage, all).await?,
        ("run" | "start", _) | (_, Some(2)) => cancel::release(&shared, run.id, stage).await?,
        ("cancel", _) | (_, Some(0)) => cancel::cancel(&shared, run.id).await?.is_some(),
        _ => {
            return Err(AreaError::bad_request(
                "`state` of a stage is `retry`, `run` or `cancel`.",
            ));
        }
    };
    if done {
        return empty();
    }
    let names: Vec<&str> = run.stages.iter().map(|it| it.name.as_str()).collect();
    let words = format!(
        "Stage `{stage}` of build {} is not in a state for that; stages are: {}.",
        run.id,
        names.join(", ")
    );
    Err(AreaError::bad_request(words))
}

/// Adds or removes tags, from the path or from a list in the body.
async fn tags(pipelines: &Pipelines, request: &AreaRequest, run: &Run, rest: &[&str]) -> Answer {
    allow(pipelines, request, run).await?;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    let named = request.tail.last().cloned().unwrap_or_default();
    let strings = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    match (&request.method, rest.is_empty()) {
        (&Method::DELETE, false) => removed.push(named),
        (_, false) => added.push(named),
        (&Method::POST, true) => added = strings(&request.json()?),
        (&Method::PATCH, true) => {
            let body = request.json()?;
            added = strings(&body["tagsToAdd"]);
            removed = strings(&body["tagsToRemove"]);
        }
        _ => return Err(nothing(request)),
    }
    let now = retag(pipelines, run, &added, &removed).await?;
    list(now.tags.iter().map(|tag| json!(tag)).collect())
}

/// Adds and removes tags; they compare without regard to case.
pub(super) async fn retag(
    pipelines: &Pipelines,
    run: &Run,
    added: &[String],
    removed: &[String],
) -> Result<Run, AreaError> {
    let change = |run: &mut Run| {
        let same = |a: &String, b: &String| a.eq_ignore_ascii_case(b);
        run.tags
            .retain(|tag| !removed.iter().any(|other| same(tag, other)));
        for tag in added {
            if !tag.is_empty() && !run.tags.iter().any(|other| same(tag, other)) {
                run.tags.push(tag.clone());
            }
        }
    };
    if let Some(active) = pipelines.active(run.id) {
        let mut run = active.lock().await;
        change(&mut run);
        save(pipelines, &mut run).await?;
        return Ok(run.clone());
    }
    let mut run = run.clone();
    change(&mut run);
    save(pipelines, &mut run).await?;
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_may_stand_in_single_quotes() {
        let check = |given: &str, expected: Value| {
            let read: Value = serde_json::from_str(&double_quoted(given)).unwrap();
            assert_eq!(read, expected, "{given}");
        };
        check("{'shared': 'there'}", json!({ "shared": "there" }));
        check(
            r#"{'a': "it's", 'b': 'say "no"'}"#,
            json!({ "a": "it's", "b": "say \"no\"" }),
        );
        check(
            r"{'a': 'it\'s', 'b': 'C:\\x'}",
            json!({ "a": "it's", "b": "C:\\x" }),
        );
        check(r#"{"a": "\"'"}"#, json!({ "a": "\"'" }));
        assert!(serde_json::from_str::<Value>(&double_quoted("{'a: 1}")).is_err());
    }
}
