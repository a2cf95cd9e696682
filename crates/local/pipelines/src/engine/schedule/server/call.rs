//! `InvokeRESTAPI`: a service is called once, and its answer says how the step ends.

use pave_pipeline::Outcome;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::super::prepare::ServerJobFacts;
use super::super::super::{advance, checks, save};
use super::{Here, Standing};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{Answer, Run, ServerStep};

/// Methods that may be called again where it is not known whether the first call arrived.
const REPEATABLE: [&str; 3] = ["GET", "PUT", "DELETE"];

/// Calls, or looks at the answer.
pub(super) fn look(
    pipelines: &Pipelines,
    run: &mut Run,
    facts: &ServerJobFacts,
    here: &Here<'_>,
) -> Result<Standing> {
    let (Some(record), Some(state)) = (here.record(run), here.state(run).map(|state| state.clone())) else {
        return Ok(Standing::Ended(Outcome::Failed, String::new()));
    };
    if let Some(answer) = state.answer {
        let outcome = if answer.good {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        };
        return Ok(Standing::Ended(outcome, answer.words));
    }
    let waits = Standing::Waits("Waits for the answer of the service.".to_owned());
    let (settings, method) = settings(facts, here);
    if !pipelines.begin_call(record) {
        return Ok(waits);
    }
    if state.called && !REPEATABLE.contains(&method.as_str()) {
        pipelines.end_call(record);
        let words = format!(
            "Pave was ended while {method} was under way; whether the service did it is not known. Look there before you run the step again."
        );
        return Ok(Standing::Ended(Outcome::Failed, words));
    }
    let own = pipelines.shared()?;
    let (build, job, index) = (run.id, here.job, here.index);
    let (project, masker) = (run.project.id, facts.masker());
    pipelines.options().tasks.spawn("pipeline call", async move {
        let done = async {
            // It is written down first: after a crash we must know that there may have been a call.
            if !change(&own, build, job, index, |step| step.called = true).await? {
                return Ok(());
            }
            let answer = match checks::call(&own, project, &settings, &[]).await {
                Ok(words) => Answer { good: true, words },
                Err(words) => Answer { good: false, words },
            };
            let words = masker.mask(&answer.words).into_owned();
            let answer = Answer { words, ..answer };
            change(&own, build, job, index, |step| step.answer = Some(answer)).await?;
            crate::error::Result::Ok(())
        };
        if let Err(error) = done.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the answer to a call could not be kept"
            );
        }
        own.end_call(record);
        advance(&own, build).await;
    });
    Ok(waits)
}

/// Changes a step that still waits; false when it does not.
async fn change(
    pipelines: &Pipelines,
    build: i64,
    job: Uuid,
    index: usize,
    apply: impl FnOnce(&mut ServerStep) + Send,
) -> Result<bool> {
    let Some(active) = pipelines.active(build) else {
        return Ok(false);
    };
    let mut run = active.lock().await;
    let step = run
        .job_mut(job)
        .and_then(|job| job.server.as_mut()?.steps.get_mut(index))
        .filter(|step| step.ended.is_none());
    let Some(step) = step else { return Ok(false) };
    apply(step);
    save(pipelines, &mut run).await?;
    Ok(true)
}

/// What is called, in the words of a check of the same kind, macros filled in.
fn settings(facts: &ServerJobFacts, here: &Here<'_>) -> (Value, String) {
    let text = |names: &[&str]| facts.filled_with_secrets(&here.raw(names).unwrap_or_default());
    let arm = text(&["connectionType"]).eq_ignore_ascii_case("connectedServiceNameARM");
    let generic = ["connectedServiceName", "serviceConnection", "genericService"];
    let azure = ["connectedServiceNameARM", "azureServiceConnection"];
    let connection = if arm {
        text(&azure)
    } else {
        text(&[&generic[..], &azure[..]].concat())
    };
    let method = match text(&["method"]).trim().to_uppercase() {
        none if none.is_empty() => "POST".to_owned(),
        method => method,
    };
    let headers = match text(&["headers"]) {
        none if none.is_empty() => r#"{"Content-Type": "application/json"}"#.to_owned(),
        given => given,
    };
    let settings = json!({"inputs": {
        "connectedServiceName": connection, "method": method, "headers": headers, "body": text(&["body"]),
        "urlSuffix": text(&["urlSuffix"]), "successCriteria": text(&["successCriteria"]),
    }});
    (settings, method)
}
