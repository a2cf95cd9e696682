//! `pave up`: starts the platform and keeps it running.

use std::time::{Duration, Instant};

use pave_diagnostic::Severity;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{SummaryFormat, Up};
use crate::commands;
use crate::configuration::{Configuration, Flags};
use crate::failure::Failure;
use crate::output;
use crate::platform::Platform;
use crate::platform::instance::{Instance, Lock};
use crate::platform::place::Place;
use crate::settings::Settings;
use crate::summary::Summary;

/// How long another `pave up` may take to get ready before its summary is given up on.
const STARTING: Duration = Duration::from_secs(20);

pub(crate) async fn run(place: Place, command: Up, begun: Instant) -> Result<(), Failure> {
    place.create()?;
    let Some(lock) = Lock::take(&place)? else {
        return running_already(&place, command.output).await;
    };
    let flags = Flags {
        files: command.config.clone(),
        demo: command.demo,
        portal_port: command.portal_port,
        forge_at: command.forge_at.clone(),
    };
    let (settings, configuration) = configure(&place, &flags)?;
    let platform = Platform::start(place, lock, settings, &configuration, begun).await?;
    // A cookie holds for the address that it was left at, so people get the link of theirs.
    let (own, for_people) = platform.sign_in_links().await?;
    match command.output {
        SummaryFormat::Json => output::line(with_link(&platform.summary, &own)),
        SummaryFormat::Text => tell(&platform, &for_people),
    }
    wait_for_the_end().await?;
    if command.output == SummaryFormat::Text {
        output::note("\nstopping: portal, engines, forge, cluster, cloud");
    }
    let databases = platform.databases().await;
    tokio::select! {
        () = platform.stop() => {}
        result = wait_for_the_end() => result?,
    }
    if databases > 0 && command.output == SummaryFormat::Text {
        output::note(format!(
            "{databases} database(s) keep running; `pave down` stops them too"
        ));
    }
    Ok(())
}

/// Reads the settings of an earlier start, or chooses them, and the configuration. An error in it stops the start before
/// anything is touched; a warning does not.
fn configure(place: &Place, flags: &Flags) -> Result<(Settings, Configuration), Failure> {
    let earlier = Settings::read(place.root())?;
    let address = |settings: &Settings| format!("http://127.0.0.1:{}", settings.ports.portal);
    let known = earlier.as_ref().map(address);
    let mut configuration = Configuration::read(flags, known.as_deref().unwrap_or_default());
    commands::config::tell(&configuration.diagnostics, Severity::Warning);
    if pave_diagnostic::has_errors(&configuration.diagnostics) {
        return Err(Failure::user("the configuration has errors, see above")
            .hint("`pave config check` says the same without starting anything"));
    }
    if let Some(settings) = earlier {
        return Ok((settings, configuration));
    }
    let settings = Settings::choose(configuration.portal_port()).map_err(anyhow::Error::from)?;
    configuration = Configuration::read(flags, &address(&settings));
    Ok((settings, configuration))
}

/// Another process has it running: says where, as that one did.
async fn running_already(place: &Place, format: SummaryFormat) -> Result<(), Failure> {
    let begun = Instant::now();
    while Instance::running(place)?.is_none() {
        if begun.elapsed() > STARTING {
            return Err(
                Failure::user("another `pave up` on this directory does not get ready")
                    .hint("see its output"),
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let settings = Settings::read(place.root())?.ok_or_else(|| Failure::ours("the settings are gone"))?;
    let summary = Summary::read(place, &settings)?;
    let link = super::status::sign_in_link(place, &summary).await?;
    match format {
        SummaryFormat::Json => output::line(with_link(&summary, &link)),
        SummaryFormat::Text => {
            output::note("already running");
            block(&summary, &link);
        }
    }
    Ok(())
}

fn with_link(summary: &Summary, link: &str) -> String {
    let mut value = summary.to_json();
    value["portal"]["signIn"] = link.into();
    value.to_string()
}

fn tell(platform: &Platform, link: &str) {
    let version = env!("CARGO_PKG_VERSION");
    output::line(format!(
        "pave {version} is ready after {} ms; nothing leaves this machine\n",
        platform.ready_after.as_millis()
    ));
    block(&platform.summary, link);
    output::line(format!("  databases     {}", platform.database_directory()));
    output::line("\nCtrl-C stops it; everything is still there at the next start.");
}

/// Where everything is, and three commands to try.
pub(crate) fn block(summary: &Summary, link: &str) {
    output::line(format!("  portal        {}", summary.portal_url));
    output::line(format!("  sign in       {link}"));
    output::line(format!(
        "  Kubernetes    export KUBECONFIG={}",
        summary.kubeconfig
    ));
    output::line(format!(
        "  Git           {}",
        crate::platform::demo::repository_url(&summary.forge_url)
    ));
    output::line(format!("  ARM           {}", summary.azure_url));
    output::line(format!("  data          {}", summary.data));
    output::line("\ntry:");
    output::line(
        "  pave request new create-team-environment envName=orders dbUser=orders_admin team=team-a --wait",
    );
    output::line("  pave trace team-a/orders");
    output::line("  eval \"$(pave env)\" && kubectl get teamenvironmentclaims -A");
}

/// Waits for Ctrl-C or a request to end.
async fn wait_for_the_end() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(anyhow::Error::from)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
