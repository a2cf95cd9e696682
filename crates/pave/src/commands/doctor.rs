//! `pave doctor`: what would keep the platform from working.

use std::process::Command;

use pave_diagnostic::{Diagnostic, Severity};
use serde_json::json;

use crate::cli::Format;
use crate::drawing;
use crate::failure::Failure;
use crate::output;
use crate::platform::instance::Instance;
use crate::platform::place::Place;
use crate::platform::{of_port, of_wildcard};
use crate::settings::Settings;

/// Port of every database server; ARM has no field for another.
const POSTGRESQL: u16 = 5432;
/// Free space below which a warning is due, in bytes.
const LITTLE: u64 = 1024 * 1024 * 1024;

pub(crate) fn run(place: &Place, format: Format) -> Result<(), Failure> {
    let mut findings = Vec::new();
    let mut fine = Vec::new();
    let mut check = |what: &str, finding: Option<Diagnostic>| match finding {
        Some(finding) => findings.push(finding),
        None => fine.push(what.to_owned()),
    };
    check("git is installed", git());
    check("kubectl is installed", kubectl());
    check("PostgreSQL's programs are installed", postgresql());
    check("no wildcard listener on port 5432", wildcard());
    check("the disk has room", disk(place));
    check("the database directory is reachable", reachable(place));
    let running = Instance::running(place)?.is_some();
    if let (false, Some(settings)) = (running, Settings::read(place.root())?) {
        for (name, port) in settings.ports.named() {
            check(
                &format!("port {port} is free for the {name}"),
                port_taken(name, port),
            );
        }
    }
    let failed = pave_diagnostic::has_errors(&findings);
    let names: Vec<String> = findings.iter().map(|finding| finding.code.clone()).collect();
    if !output::machine(&json!(findings), &names, format) {
        for what in fine {
            output::line(format!("✓ {what}"));
        }
        for finding in &findings {
            let sign = if finding.severity == Severity::Error {
                '✗'
            } else {
                '!'
            };
            output::line(format!("{sign} {}", finding.message));
            for line in drawing::diagnostic(finding, output::coloured())
                .into_iter()
                .skip(1)
            {
                output::line(line);
            }
        }
    }
    if failed { Err(Failure::told()) } else { Ok(()) }
}

fn git() -> Option<Diagnostic> {
    program("git")
        .then(|| Diagnostic::error("PV1910", "git is not installed").with_help("`apt-get install git`"))
}

fn kubectl() -> Option<Diagnostic> {
    program("kubectl").then(|| {
        Diagnostic::info("PV1911", "kubectl is not installed; Pave itself does not need it")
            .with_help("`apt-get install kubernetes-client`")
    })
}

/// Whether a program is missing.
fn program(name: &str) -> bool {
    Command::new(name).arg("version").output().is_err()
}

fn postgresql() -> Option<Diagnostic> {
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&in_path).chain(
        std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin")),
    );
    let found = directories
        .into_iter()
        .any(|directory| directory.join("postgres").is_file());
    (!found).then(|| {
        Diagnostic::error("PV1901", "PostgreSQL is not installed")
            .with_effect("requests for databases wait, and go on by themselves once it is there")
            .with_help("`apt-get install postgresql`")
    })
}

fn wildcard() -> Option<Diagnostic> {
    of_wildcard(POSTGRESQL).map(|holder| {
        Diagnostic::error(
            "PV1902",
            format!("{holder} listens on port {POSTGRESQL} of all addresses"),
        )
        .with_effect("no database server can be created: each needs that port on an address of its own")
        .with_help("let it listen on one address only (`listen_addresses = 'localhost'`), or on another port")
    })
}

fn disk(place: &Place) -> Option<Diagnostic> {
    let existing = place.root().ancestors().find(|path| path.exists())?;
    let space = rustix::fs::statvfs(existing).ok()?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    (free < LITTLE).then(|| {
        Diagnostic::warning(
            "PV1912",
            format!(
                "only {} MB are free for `{}`",
                free / 1_048_576,
                place.root().display()
            ),
        )
        .with_help("each database takes about 45 MB")
    })
}

fn reachable(place: &Place) -> Option<Diagnostic> {
    let directory = super::down::database_directory(place);
    (!directory.starts_with(place.root())).then(|| {
        let message = format!("databases live in `{}`, not below the data directory", directory.display());
        Diagnostic::info("PV1904", message)
            .with_help("the user that runs PostgreSQL cannot reach the data directory; choose one outside `/root` to keep them together")
    })
}

fn port_taken(name: &str, port: u16) -> Option<Diagnostic> {
    of_port(port).map(|holder| {
        Diagnostic::error("PV1913", format!("port {port} of the {name} is held by {holder}"))
            .with_effect("`pave up` stops: URLs contain this port, so it is kept")
            .with_help("free the port, or use another `--data` directory")
    })
}
