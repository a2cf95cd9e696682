//! Retention leases: which runs' files are kept, and for how long.

use http::Method;
use jiff::{Timestamp, ToSpan as _};
use pave_devops::{AreaError, AreaRequest};
use serde_json::{Value, json};

use crate::engine::timeline;
use crate::pipelines::Pipelines;
use crate::rest::{Answer, builds, empty, id, list, nothing, number, ok, project, text};
use crate::run::Run;
use crate::store::{Kind, Stored};
use crate::things::Lease;

/// `build/retention/leases`.
pub(crate) async fn leases(pipelines: &Pipelines, request: &AreaRequest, rest: &[&str]) -> Answer {
    match (&request.method, rest) {
        (&Method::GET, []) => listed(pipelines, request).await,
        (&Method::GET, [one]) => ok(shape(&find(pipelines, request, one).await?)),
        (&Method::POST, []) => {
            let body = request.json()?;
            let wishes = body.as_array().cloned().unwrap_or_else(|| vec![body]);
            let mut made = Vec::new();
            for wish in wishes {
                made.push(shape(&keep(pipelines, request, &wish).await?));
            }
            list(made)
        }
        (&Method::PATCH, [one]) => {
            let stored = find(pipelines, request, one).await?;
            ok(shape(&change(pipelines, request, stored).await?))
        }
        (&Method::DELETE, []) => {
            let ids = request.parameter("ids").unwrap_or_default().to_owned();
            for one in ids.split(',').map(str::trim).filter(|it| !it.is_empty()) {
                let found = pipelines.store().thing::<Lease>(Kind::Lease, id(one)?).await?;
                let here = project(request)?.id;
                if let Some(found) = found.filter(|it| it.project == here) {
                    may_change(pipelines, request, &found.body).await?;
                    pipelines.store().remove(Kind::Lease, found.id).await?;
                }
            }
            empty()
        }
        _ => Err(nothing(request)),
    }
}

async fn listed(pipelines: &Pipelines, request: &AreaRequest) -> Answer {
    let here = project(request)?.id;
    let all = pipelines.store().things::<Lease>(Kind::Lease, Some(here)).await?;
    let given = |key: &str| request.parameter(key).filter(|it| !it.is_empty());
    let fits = |key: &str, own: &str| given(key).is_none_or(|it| it.eq_ignore_ascii_case(own));
    let minimal = given("leasesToFetch").map(minimal).transpose()?;
    let wanted = all.iter().filter(|stored| {
        let it = &stored.body;
        fits("runId", &it.run.to_string())
            && fits("definitionId", &it.definition.to_string())
            && fits("ownerId", &it.owner)
            && given("userOwnerId").is_none_or(|user| it.owner.eq_ignore_ascii_case(&format!("User:{user}")))
            && minimal
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|one| is(it, one)))
    });
    list(wanted.map(shape).collect())
}

/// Leases that are asked for by what they are, as JSON with bars in between.
fn minimal(given: &str) -> Result<Vec<Value>, AreaError> {
    let one = |it: &str| {
        serde_json::from_str(it)
            .map_err(|error| AreaError::bad_request(format!("`leasesToFetch` holds no JSON: {error}.")))
    };
    given.split('|').map(one).collect()
}

fn is(lease: &Lease, wanted: &Value) -> bool {
    number(wanted, "/runId").is_none_or(|run| run == lease.run)
        && number(wanted, "/definitionId").is_none_or(|it| it == lease.definition)
        && text(wanted, "/ownerId").is_none_or(|owner| owner.eq_ignore_ascii_case(&lease.owner))
}

async fn find(pipelines: &Pipelines, request: &AreaRequest, one: &str) -> Result<Stored<Lease>, AreaError> {
    let here = project(request)?.id;
    let found = pipelines.store().thing::<Lease>(Kind::Lease, id(one)?).await?;
    found
        .filter(|it| it.project == here)
        .ok_or_else(|| AreaError::not_found(format!("There is no retention lease {one}.")))
}

/// Whoever may queue a pipeline says how long its runs are kept.
async fn may_change(pipelines: &Pipelines, request: &AreaRequest, lease: &Lease) -> Result<(), AreaError> {
    let run = builds::find(pipelines, request, &lease.run.to_string()).await?;
    builds::allow(pipelines, request, &run).await
}

async fn keep(
    pipelines: &Pipelines,
    request: &AreaRequest,
    wish: &Value,
) -> Result<Stored<Lease>, AreaError> {
    let run = number(wish, "/runId").ok_or_else(|| AreaError::bad_request("A lease needs `runId`."))?;
    let run = builds::find(pipelines, request, &run.to_string()).await?;
    builds::allow(pipelines, request, &run).await?;
    let body = Lease {
        owner: text(wish, "/ownerId").unwrap_or("User").to_owned(),
        run: run.id,
        definition: run.definition,
        created_at: timeline::now(),
        valid_until: until(number(wish, "/daysValid").unwrap_or(365)),
        protected: wish
            .get("protectPipeline")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    };
    let name = uuid::Uuid::new_v4().to_string();
    let added = pipelines
        .store()
        .add(Kind::Lease, run.project.id, &name, &body, None)
        .await?;
    Ok(Stored {
        id: added.unwrap_or_default(),
        project: run.project.id,
        body,
        secret: None,
    })
}

/// Days count from now on, as they do when a lease is made.
async fn change(
    pipelines: &Pipelines,
    request: &AreaRequest,
    mut stored: Stored<Lease>,
) -> Result<Stored<Lease>, AreaError> {
    may_change(pipelines, request, &stored.body).await?;
    let body = request.json()?;
    if let Some(days) = number(&body, "/daysValid") {
        stored.body.valid_until = until(days);
    }
    if let Some(protected) = body.get("protectPipeline").and_then(Value::as_bool) {
        stored.body.protected = protected;
    }
    // Its name was chosen at random and is not shown; another one is as good.
    let name = uuid::Uuid::new_v4().to_string();
    pipelines
        .store()
        .replace(Kind::Lease, stored.id, &name, &stored.body, None)
        .await?;
    Ok(stored)
}

fn until(days: i64) -> String {
    let now = pave_runtime::clock::now();
    let end = now.checked_add((days.clamp(1, 36_500) * 24).hours());
    end.unwrap_or(Timestamp::MAX).to_string()
}

/// `builds/{id}/leases`.
pub(crate) async fn leases_of(pipelines: &Pipelines, run: &Run) -> Answer {
    let all = pipelines
        .store()
        .things::<Lease>(Kind::Lease, Some(run.project.id))
        .await?;
    let own = all.iter().filter(|it| it.body.run == run.id);
    list(own.map(shape).collect())
}

fn shape(stored: &Stored<Lease>) -> Value {
    let it = &stored.body;
    json!({
        "leaseId": stored.id, "ownerId": it.owner, "runId": it.run, "definitionId": it.definition,
        "createdOn": it.created_at, "validUntil": it.valid_until, "protectPipeline": it.protected,
    })
}
