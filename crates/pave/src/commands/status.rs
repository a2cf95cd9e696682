//! `pave status`: what runs, and where.

use pave_auth::Identities;
use pave_keys::Keys;
use serde_json::json;

use crate::cli::Format;
use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::platform::instance::Instance;
use crate::platform::people;
use crate::platform::place::Place;
use crate::settings::Settings;
use crate::summary::Summary;

pub(crate) async fn run(place: &Place, format: Format) -> Result<(), Failure> {
    let Some(instance) = Instance::running(place)? else {
        if !output::machine(&json!({ "running": false, "data": place.root() }), &[], format) {
            output::line(format!("no platform runs on `{}`", place.root().display()));
            output::note("\nhint: start it with `pave up`");
        }
        return Err(Failure::told());
    };
    let settings = Settings::read(place.root())?.ok_or_else(|| Failure::ours("the settings are gone"))?;
    let summary = Summary::read(place, &settings)?;
    let overview = Client::connect(place)?.get("/api/pave/v1/overview").await?;
    let environments = overview["environments"].as_array().map_or(0, Vec::len);
    let applications = &overview["applications"];
    let value = json!({
        "running": true,
        "process": instance.process,
        "version": instance.version,
        "startedAt": instance.started_at,
        "readyAfterMilliseconds": instance.ready_after,
        "portal": summary.portal_url,
        "environments": environments,
        "applications": { "total": applications["total"], "synced": applications["synced"], "healthy": applications["healthy"] },
    });
    if output::machine(&value, &["running".to_owned()], format) {
        return Ok(());
    }
    output::line(format!(
        "pave {} runs as process {} since {} (ready after {} ms)\n",
        instance.version, instance.process, instance.started_at, instance.ready_after
    ));
    super::up::block(&summary, &sign_in_link(place, &summary).await?);
    output::line(format!(
        "\n{environments} environment(s); {} of {} Applications synced, {} healthy",
        applications["synced"], applications["total"], applications["healthy"]
    ));
    Ok(())
}

/// A fresh one-time link, made on the data directory itself.
pub(crate) async fn sign_in_link(place: &Place, summary: &Summary) -> Result<String, Failure> {
    let keys = Keys::open(&place.keys()).map_err(anyhow::Error::from)?;
    let identities = Identities::open(&place.identities(), keys).map_err(anyhow::Error::from)?;
    let code = identities
        .issue_sign_in(&people::administrator())
        .await
        .map_err(anyhow::Error::from)?;
    Ok(summary.sign_in_link(&code))
}
