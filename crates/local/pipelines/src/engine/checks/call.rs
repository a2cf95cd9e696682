//! `Invoke REST API`: a service says whether the stage may start.
//!
//! Only this machine's own services and the host itself are called, without following redirects: whoever configures a
//! check must not get to talk to other machines in our name.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use url::{Host, Url};
use uuid::Uuid;

use super::facts::{flag, input};
use super::{Verdict, finish};
use crate::engine::{advance, save};
use crate::error::Result;
use crate::pipelines::Pipelines;
use crate::run::{CheckStatus, GateCheck, Run, StageGate};
use crate::store::{Kind, Stored};
use crate::things::Endpoint;

/// How long a service may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of an answer is read.
const MOST: usize = 64 * 1024;
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What is wrong with a configuration, as far as it can be seen.
pub(crate) fn refusal(settings: &Value) -> Option<String> {
    if flag(settings, "waitForCompletion") {
        return Some(
            "completion by a callback (`waitForCompletion: true`) is not waited for here".to_owned(),
        );
    }
    if !input(settings, "connectedServiceNameARM").is_empty() {
        return Some("service connections of Azure Resource Manager are not called here".to_owned());
    }
    if input(settings, "connectedServiceName").is_empty() {
        return Some("`connectedServiceName` names no service connection".to_owned());
    }
    let method = input(settings, "method").to_uppercase();
    if !METHODS.contains(&method.as_str()) {
        return Some(format!(
            "`method` is one of {}, not `{method}`",
            METHODS.join(", ")
        ));
    }
    let criteria = input(settings, "successCriteria");
    if !criteria.is_empty()
        && let Err(error) = pave_pipeline::answer_fulfils(criteria, &Value::Null)
        && error.message.contains("expected")
    {
        return Some(format!("`successCriteria` cannot be read: {error}"));
    }
    None
}

/// Calls once its time has come; how it went is written into the run when it has.
pub(super) fn verdict(
    pipelines: &Pipelines,
    run: &Run,
    _gate: &StageGate,
    check: &GateCheck,
) -> Result<Verdict> {
    let now = pipelines.clock().now().as_second();
    if check.next_at.is_some_and(|at| at > now) {
        return Ok(Verdict::Waits(check.message.clone(), check.next_at));
    }
    let waits = Verdict::Waits(format!("Waits for the answer of {}.", check.title), None);
    if !pipelines.begin_call(check.id) {
        return Ok(waits);
    }
    let own = pipelines.shared()?;
    let (build, id, settings) = (run.id, check.id, check.settings.clone());
    let values = values(run);
    let project = run.project.id;
    pipelines.options().tasks.spawn("pipeline check", async move {
        let answer = call(&own, project, &settings, &values).await;
        if let Err(error) = note(&own, build, id, &settings, answer).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the answer to a check could not be kept"
            );
        }
        own.end_call(id);
        advance(&own, build).await;
    });
    Ok(waits)
}

/// What a body, header or path may name. None of it is secret.
fn values(run: &Run) -> Vec<(&'static str, String)> {
    vec![
        ("system.teamproject", run.project.name.clone()),
        ("system.teamprojectid", run.project.id.to_string()),
        ("system.definitionid", run.definition.to_string()),
        ("system.planid", run.plan_id.to_string()),
        ("system.hosttype", "build".to_owned()),
        ("build.buildid", run.id.to_string()),
        ("build.buildnumber", run.number.clone()),
        ("build.definitionname", run.definition_name.clone()),
        ("build.reason", crate::engine::queue::capitalized(&run.reason)),
        ("build.repository.name", run.repository.name.clone()),
        ("build.requestedfor", run.requested_for.display_name.clone()),
        ("build.sourcebranch", run.branch.clone()),
        ("build.sourceversion", run.version.clone()),
    ]
}

async fn note(
    pipelines: &Arc<Pipelines>,
    build: i64,
    id: Uuid,
    settings: &Value,
    answer: std::result::Result<String, String>,
) -> Result {
    let Some(active) = pipelines.active(build) else {
        return Ok(());
    };
    let mut run = active.lock().await;
    let mut checks = run.gates.iter_mut().flat_map(|gate| &mut gate.checks);
    let Some(check) = checks.find(|it| it.id == id && !it.status.is_final()) else {
        return Ok(());
    };
    let minutes = settings.get("retryInterval").and_then(Value::as_i64).unwrap_or(0);
    match answer {
        Ok(words) => finish(check, CheckStatus::Approved, &words),
        Err(words) if minutes > 0 => {
            let next = pipelines.clock().now().as_second() + minutes * 60;
            let when = Timestamp::from_second(next).unwrap_or_default();
            check.message = format!("{words} It is asked again at {when}.");
            check.next_at = Some(next);
        }
        Err(words) => finish(check, CheckStatus::Rejected, &words),
    }
    drop(checks);
    save(pipelines, &mut run).await
}

/// Calls the service; why it does not say yes, in words.
pub(crate) async fn call(
    pipelines: &Pipelines,
    project: Uuid,
    settings: &Value,
    values: &[(&'static str, String)],
) -> std::result::Result<String, String> {
    let endpoint = endpoint(pipelines, project, input(settings, "connectedServiceName")).await?;
    let filled = |name: &str| {
        pave_pipeline::expand_macros(input(settings, name), &|wanted: &str| {
            let found = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.clone())
        })
    };
    let url = target(
        &endpoint.body.url,
        &filled("urlSuffix"),
        &pipelines.options().base_url,
    )?;
    let method = input(settings, "method").to_uppercase();
    let method = method
        .parse::<reqwest::Method>()
        .map_err(|_| format!("`{method}` is not a method."))?;
    let mut asked = client(pipelines)?.request(method.clone(), url.clone());
    for (name, value) in headers(&filled("headers"))? {
        asked = asked.header(name, value);
    }
    asked = signed_in(pipelines, &endpoint, asked).await?;
    if method != reqwest::Method::GET {
        asked = asked.body(filled("body"));
    }
    let shown = format!("{method} {url}");
    let answer = asked.send().await.map_err(|error| {
        format!(
            "{shown} could not be asked: {}.",
            pave_diagnostic::innermost(&error)
        )
    })?;
    let status = answer.status();
    let text = read(answer).await.map_err(|error| format!("{shown}: {error}"))?;
    if !status.is_success() {
        return Err(format!("{shown} answered {status}."));
    }
    let criteria = input(settings, "successCriteria");
    if criteria.trim().is_empty() {
        return Ok(format!("{shown} answered {status}."));
    }
    let body: Value =
        serde_json::from_str(&text).map_err(|error| format!("{shown} answered no JSON: {error}."))?;
    match pave_pipeline::answer_fulfils(criteria, &body) {
        Ok(true) => Ok(format!("{shown} answered {status}, and `{criteria}` holds.")),
        Ok(false) => Err(format!(
            "{shown} answered {status}, but `{criteria}` does not hold."
        )),
        Err(error) => Err(format!("`{criteria}` cannot be worked out: {error}.")),
    }
}

/// The name of the service connection that is called; an error says why it is not.
pub(crate) async fn target_of(
    pipelines: &Pipelines,
    project: Uuid,
    settings: &Value,
) -> std::result::Result<String, String> {
    let found = endpoint(pipelines, project, input(settings, "connectedServiceName")).await?;
    let suffix = input(settings, "urlSuffix");
    let suffix = if suffix.contains("$(") { "" } else { suffix };
    target(&found.body.url, suffix, &pipelines.options().base_url)?;
    Ok(found.body.name)
}

async fn endpoint(
    pipelines: &Pipelines,
    project: Uuid,
    wanted: &str,
) -> std::result::Result<Stored<Endpoint>, String> {
    let all = pipelines
        .store()
        .things::<Endpoint>(Kind::Endpoint, Some(project))
        .await
        .map_err(|error| error.to_string())?;
    all.into_iter()
        .find(|it| {
            it.body.uuid.to_string().eq_ignore_ascii_case(wanted) || it.body.name.eq_ignore_ascii_case(wanted)
        })
        .ok_or_else(|| format!("There is no service connection `{wanted}`."))
}

/// The URL to call, if it may be called.
fn target(base: &str, suffix: &str, own: &Url) -> std::result::Result<Url, String> {
    let origin = Url::parse(base).map_err(|error| format!("`{base}` is not a URL: {error}."))?;
    let url = Url::parse(&format!("{base}{suffix}"))
        .map_err(|error| format!("`{base}{suffix}` is not a URL: {error}."))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is not called.", url.scheme()));
    }
    if url.origin() != origin.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{suffix}` leads away from `{base}`."));
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    if is_loopback || url.origin() == own.origin() {
        Ok(url)
    } else {
        Err(format!(
            "`{}` is not called: checks may call services of this machine and the host itself only.",
            url.host_str().unwrap_or_default()
        ))
    }
}

fn client(pipelines: &Pipelines) -> std::result::Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .user_agent(concat!("pave/", env!("CARGO_PKG_VERSION")));
    let authority = pipelines.options().authority.as_ref();
    if let Some(pem) = authority.and_then(|path| std::fs::read(path).ok()) {
        let certificate = reqwest::Certificate::from_pem(&pem).map_err(|error| error.to_string())?;
        builder = builder.tls_certs_merge([certificate]);
    }
    builder.build().map_err(|error| error.to_string())
}

/// `headers` is JSON in a text.
fn headers(text: &str) -> std::result::Result<Vec<(String, String)>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let read: serde_json::Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("`headers` is not JSON: {error}."))?;
    let plain = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // The run's token is given to nobody outside of its jobs.
    let kept = read
        .into_iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("AuthToken"));
    Ok(kept.map(|(name, value)| (name, plain(value))).collect())
}

async fn signed_in(
    pipelines: &Pipelines,
    endpoint: &Stored<Endpoint>,
    asked: reqwest::RequestBuilder,
) -> std::result::Result<reqwest::RequestBuilder, String> {
    let secrets = pipelines
        .unseal(endpoint.secret.as_deref())
        .map_err(|error| error.to_string())?;
    if endpoint.body.kind.eq_ignore_ascii_case("AzureRM") {
        let token = crate::rest::cloud_token(pipelines, &endpoint.body, &secrets).await?;
        return Ok(asked.bearer_auth(token));
    }
    let name = endpoint
        .body
        .parameters
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("username"));
    Ok(match (secrets.get("apitoken"), secrets.get("password")) {
        (Some(token), _) => asked.bearer_auth(token),
        (None, Some(password)) => {
            asked.basic_auth(name.map_or("", |(_, name)| name.as_str()), Some(password))
        }
        (None, None) => asked,
    })
}

async fn read(mut answer: reqwest::Response) -> std::result::Result<String, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST {
            return Err(format!("the answer is longer than {MOST} bytes."));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called() {
        let own: Url = "https://pave.example:8443/".parse().unwrap();
        let check = |base: &str, suffix: &str, expected: std::result::Result<&str, &str>| match (
            target(base, suffix, &own),
            expected,
        ) {
            (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
            (Err(words), Err(expected)) => assert!(words.contains(expected), "{words}"),
            (found, _) => panic!("{base}{suffix}: {found:?}"),
        };
        check("http://127.0.0.1:9/", "a?b=1", Ok("http://127.0.0.1:9/a?b=1"));
        check("http://localhost:9", "/a", Ok("http://localhost:9/a"));
        check("https://[::1]:9/", "", Ok("https://[::1]:9/"));
        check(
            "https://pave.example:8443/x/",
            "y",
            Ok("https://pave.example:8443/x/y"),
        );
        check("https://pave.example/", "", Err("is not called"));
        check("http://169.254.169.254/", "latest", Err("is not called"));
        check("http://10.0.0.1/", "", Err("is not called"));
        check("http://localhost.evil.example/", "", Err("is not called"));
        check("http://127.0.0.1:9", "@evil.example/", Err("leads away"));
        check("http://127.0.0.1", ".evil.example/", Err("leads away"));
        check("http://127.0.0.1:9", "9/", Err("leads away"));
        check("file:///etc/", "passwd", Err("is not called"));
        check("nonsense", "", Err("is not a URL"));
    }

    #[test]
    fn headers_are_json() {
        let read = headers(r#"{"A": "b", "n": 1, "AuthToken": "$(system.AccessToken)"}"#).unwrap();
        assert_eq!(
            read,
            [("A".to_owned(), "b".to_owned()), ("n".to_owned(), "1".to_owned())]
        );
        assert!(headers("x").is_err());
    }
}
