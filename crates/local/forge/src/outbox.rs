//! Delivering service hooks: at least once, in order for each subscription, however long it takes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use serde_json::Value;

use crate::ForgeError;
use crate::event::payload;
use crate::forge::Forge;
use crate::store::Delivery;

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest pause between two attempts, in milliseconds.
const LONGEST_PAUSE: i64 = 60_000;
/// After so many failures (about a week) nobody is expected to listen any more.
const ATTEMPTS: u32 = 10_000;

/// Delivers until the process is to end.
pub(crate) async fn run(forge: Forge) {
    let token = forge.tasks().token();
    loop {
        let wait = match round(&forge).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "service hooks cannot be read"
                );
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = token.cancelled() => return,
            () = forge.woken() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Starts every delivery that is due and tells how long to wait for the next.
async fn round(forge: &Forge) -> Result<Duration, ForgeError> {
    forge.recover_unsettled().await?;
    let now = pave_runtime::clock::unix_millis();
    for delivery in forge.store().due(now).await? {
        let Some(claim) = forge.claim(delivery.subscription.id) else {
            continue;
        };
        let worker = forge.clone();
        forge.tasks().spawn("forge service hook", async move {
            let token = worker.tasks().token();
            tokio::select! {
                () = token.cancelled() => {}
                () = attempt(&worker, &delivery) => {}
            }
            drop(claim);
            worker.wake();
        });
    }
    let pause = forge
        .store()
        .next_due()
        .await?
        .map_or(LONGEST_PAUSE, |due| (due - now).clamp(50, LONGEST_PAUSE));
    Ok(Duration::from_millis(u64::try_from(pause).unwrap_or_default()))
}

async fn attempt(forge: &Forge, delivery: &Delivery) {
    let result = match send(forge, delivery).await {
        Ok(()) => forge.store().delivered(delivery.id).await,
        Err(problem) => {
            let until = pave_runtime::clock::unix_millis() + pause(delivery.attempts);
            tracing::warn!(subscription = %delivery.subscription.id, delivery = delivery.id, problem, "service hook not taken");
            forge
                .store()
                .postpone(delivery.id, until, problem, delivery.attempts >= ATTEMPTS)
                .await
        }
    };
    if let Err(error) = result {
        tracing::error!(error = &error as &dyn std::error::Error, "service hook not noted");
        // The disk may be full; what is not noted is delivered again.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Doubles from a fifth of a second to a minute.
fn pause(attempts: u32) -> i64 {
    (200_i64 << attempts.min(10)).min(LONGEST_PAUSE)
}

async fn send(forge: &Forge, delivery: &Delivery) -> Result<(), String> {
    let repository = forge
        .repository_by_id(delivery.subject.repository())
        .await
        .map_err(|error| error.to_string())?;
    let body = payload(forge.base_url(), delivery, &repository)
        .await
        .map_err(|error| error.to_string())?;
    let inputs = delivery
        .subscription
        .body
        .get("consumerInputs")
        .cloned()
        .unwrap_or_default();
    let text = |key: &str| inputs.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut request = forge.http().post(text("url")).timeout(PATIENCE).json(&body);
    // Whoever needs to tell deliveries apart finds the activity in the header, as with Azure DevOps.
    request = request.header("X-Vss-Activityid", body["id"].as_str().unwrap_or_default());
    request = request.header("X-Vss-Subscriptionid", delivery.subscription.id.to_string());
    for line in text("httpHeaders").lines() {
        if let Some((name, value)) = line.split_once(':') {
            request = request.header(name.trim(), value.trim());
        }
    }
    if let Some(sealed) = &delivery.subscription.secret {
        let password = forge
            .sealer()
            .open_sealed(sealed)
            .map_err(|error| error.to_string())?;
        let mut pair = format!("{}:", text("basicAuthUsername")).into_bytes();
        pair.extend_from_slice(&password);
        request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
    }
    let response = request
        .send()
        .await
        .map_err(|error| pave_diagnostic::with_causes(&error))?;
    if response.status().is_success() {
        Ok(())
    } else {
        Err(format!("it answered {}", response.status()))
    }
}
