//! Checks that facts decide: the branch, the template, the time of the week.

use std::time::Duration;

use jiff::tz::TimeZone;
use pave_pipeline::{BusinessHours, RequiredTemplate, allows_branch};
use serde_json::Value;

use super::Verdict;
use crate::engine::compile;
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{GateCheck, Run};

/// How long the host may take to say whether a branch is protected.
const PATIENCE: Duration = Duration::from_secs(10);

/// An input of a task check.
pub(super) fn input<'a>(settings: &'a Value, name: &str) -> &'a str {
    let inputs = settings.get("inputs").and_then(Value::as_object);
    let found = inputs.and_then(|inputs| inputs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
    found.and_then(|(_, value)| value.as_str()).unwrap_or_default()
}

pub(super) fn flag(settings: &Value, name: &str) -> bool {
    let given = settings.pointer("/inputs").and_then(|inputs| inputs.get(name));
    given.and_then(Value::as_bool).unwrap_or_default() || input(settings, name).eq_ignore_ascii_case("true")
}

/// Whether everything the run is made of comes from branches that are allowed and, if asked for, protected.
pub(super) async fn branches(pipelines: &Pipelines, run: &Run, check: &GateCheck) -> Result<Verdict> {
    let allowed = input(&check.settings, "allowedBranches");
    let mut used = vec![(run.repository.clone(), run.branch.clone())];
    for resource in &run.plan.repositories {
        let found = compile::resolve(pipelines, &run.repository, resource).await?;
        used.extend(found.map(|(repository, reference, _)| (repository, reference)));
    }
    let protect = flag(&check.settings, "ensureProtectionOfBranch");
    let unknown_is_fine = flag(&check.settings, "allowUnknownStatusBranches");
    for (repository, branch) in &used {
        let name = &repository.name;
        if !allows_branch(allowed, branch) {
            return Ok(Verdict::Denied(format!(
                "Branch `{branch}` of repository `{name}` is not among those allowed: {allowed}."
            )));
        }
        if !protect {
            continue;
        }
        match protection(pipelines, repository, branch).await {
            Some(true) => {}
            None if unknown_is_fine => {}
            Some(false) => {
                return Ok(Verdict::Denied(format!(
                    "Branch `{branch}` of repository `{name}` is not protected by a policy."
                )));
            }
            None => {
                return Ok(Verdict::Denied(format!(
                    "Whether branch `{branch}` of repository `{name}` is protected cannot be found out."
                )));
            }
        }
    }
    Ok(Verdict::Granted(format!(
        "`{}` is among the branches allowed.",
        run.branch
    )))
}

/// Whether a policy guards a branch, as the host's own API says it.
async fn protection(
    pipelines: &Pipelines,
    repository: &pave_devops::RepositoryAt,
    branch: &str,
) -> Option<bool> {
    let options = pipelines.options();
    let token = options
        .identities
        .service_account_token("pave-system", "build-service")
        .ok()?;
    let project = &repository.project;
    let url = format!(
        "{}/{}/{}/_apis/policy/configurations?api-version=7.1",
        options.base_url.as_str().trim_end_matches('/'),
        project.organization,
        project.id
    );
    let asked = pipelines.http().get(url).bearer_auth(token).timeout(PATIENCE);
    let answer = asked.send().await.ok()?.error_for_status().ok()?;
    let body: Value = answer.json().await.ok()?;
    let policies = body.get("value")?.as_array()?;
    Some(
        policies
            .iter()
            .any(|policy| guards(policy, repository.id, branch)),
    )
}

/// Whether a policy configuration is in force on a branch.
fn guards(policy: &Value, repository: uuid::Uuid, branch: &str) -> bool {
    let on = |key: &str| policy.get(key).and_then(Value::as_bool) == Some(true);
    let scopes = policy.pointer("/settings/scope").and_then(Value::as_array);
    let text = |scope: &Value, key: &str| {
        let found = scope.get(key).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let covers = |scope: &Value| {
        let of = text(scope, "repositoryId");
        let (reference, kind) = (text(scope, "refName"), text(scope, "matchKind"));
        let here = of.is_empty() || of.eq_ignore_ascii_case(&repository.to_string());
        here && match kind.to_lowercase().as_str() {
            "prefix" => branch.starts_with(&reference),
            _ => reference.is_empty() || branch == reference,
        }
    };
    on("isEnabled") && on("isBlocking") && scopes.is_some_and(|scopes| scopes.iter().any(covers))
}

/// The templates of which a pipeline must extend one.
pub(crate) fn required_templates(settings: &Value, project: &str) -> Vec<RequiredTemplate> {
    let list = settings.get("extendsChecks").and_then(Value::as_array);
    let text = |item: &Value, key: &str| {
        let found = item.get(key).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    list.into_iter()
        .flatten()
        .map(|item| RequiredTemplate {
            repository: qualified(&text(item, "repositoryName"), project),
            reference: text(item, "repositoryRef"),
            path: text(item, "templatePath"),
        })
        .collect()
}

fn qualified(name: &str, project: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        format!("{project}/{name}")
    }
}

/// Whether the pipeline extends one of the templates asked for.
pub(super) async fn template(pipelines: &Pipelines, run: &Run, check: &GateCheck) -> Result<Verdict> {
    let wanted = required_templates(&check.settings, &run.project.name);
    let mut extended = Vec::new();
    for file in &run.plan.extends {
        let alias = file
            .repository
            .as_deref()
            .filter(|it| !it.eq_ignore_ascii_case("self"));
        let of = match alias {
            None => Some((run.repository.clone(), run.branch.clone())),
            Some(alias) => {
                let named = run
                    .plan
                    .repositories
                    .iter()
                    .find(|it| it.alias.eq_ignore_ascii_case(alias));
                match named {
                    Some(resource) => compile::resolve(pipelines, &run.repository, resource)
                        .await?
                        .map(|(repository, reference, _)| (repository, reference)),
                    None => None,
                }
            }
        };
        extended.extend(of.map(|(repository, reference)| RequiredTemplate {
            repository: format!("{}/{}", repository.project.name, repository.name),
            reference,
            path: file.path.clone(),
        }));
    }
    let met = extended.iter().find(|it| wanted.iter().any(|one| one.is(it)));
    if let Some(met) = met {
        return Ok(Verdict::Granted(format!("The pipeline extends {met}.")));
    }
    let list = |all: &[RequiredTemplate]| {
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        all.join(", ")
    };
    let does = if extended.is_empty() {
        "it extends none".to_owned()
    } else {
        format!("it extends {}", list(&extended))
    };
    Ok(Verdict::Denied(format!(
        "The pipeline must extend {}, but {does}.",
        list(&wanted)
    )))
}

/// The hours of a configuration; an error says what is wrong with it.
pub(crate) fn business_hours(settings: &Value) -> std::result::Result<BusinessHours, String> {
    let name = input(settings, "timeZone");
    let zone = if name.is_empty() || name.eq_ignore_ascii_case("UTC") {
        TimeZone::UTC
    } else {
        TimeZone::get(name).map_err(|_| {
            format!("the time zone `{name}` is not known here; write `UTC` or a name such as `Europe/Berlin`")
        })?
    };
    BusinessHours::parse(
        input(settings, "businessDays"),
        input(settings, "startTime"),
        input(settings, "endTime"),
        zone,
    )
}

pub(super) fn hours(pipelines: &Pipelines, check: &GateCheck) -> Verdict {
    let now = pipelines.clock().now();
    match business_hours(&check.settings) {
        Err(words) => Verdict::Denied(format!("The business hours cannot be read: {words}.")),
        Ok(hours) if hours.contains(now) => Verdict::Granted(format!("It is within {}.", hours.describe())),
        Ok(hours) => {
            let next = hours.next_opening(now);
            let when = next.map_or_else(String::new, |at| format!(", next from {at}"));
            Verdict::Waits(
                format!("Waits for business hours: {}{when}.", hours.describe()),
                next.map(jiff::Timestamp::as_second),
            )
        }
    }
}
