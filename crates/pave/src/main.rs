//! Pave: an internal developer platform in one binary.
//!
//! The program itself: command line, start-up, supervision. `cli` is what can be typed, `commands` what it does,
//! `platform` how everything is started and joined.

mod cli;
mod client;
mod commands;
mod configuration;
mod drawing;
mod failure;
mod output;
mod platform;
mod settings;
mod summary;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::platform::place::Place;

fn main() -> ExitCode {
    let begun = Instant::now();
    let cli = Cli::parse();
    log_to_standard_error(cli.verbose);
    // Nobody else reads what this process writes, unless it says so.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    pave_keys::install_crypto();
    let done = match cli.command {
        Command::Agent { directory } => return agent(directory),
        Command::TerraformProvider { .. } => {
            runtime().map(|runtime| runtime.block_on(pave_local_terraform::serve_provider()))
        }
        command => run(cli.data.as_deref(), command, begun).map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(failure) => ExitCode::from(failure.tell()),
    }
}

/// A job without an asynchronous runtime of ours around it: it has to survive us.
fn agent(directory: String) -> ExitCode {
    let code = pave_local_pipelines::agent::main(&[directory]);
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    Ok(runtime)
}

fn run(data: Option<&std::path::Path>, command: Command, begun: Instant) -> Result<(), Failure> {
    let place = Place::new(data)?;
    let runtime = runtime()?;
    match command {
        Command::Up(command) => runtime.block_on(commands::up::run(place, command, begun)),
        Command::Down => runtime.block_on(commands::down::run(&place)),
        Command::Status(read) => runtime.block_on(commands::status::run(&place, read.output)),
        Command::Doctor(read) => commands::doctor::run(&place, read.output),
        Command::Reset(reset) => runtime.block_on(commands::reset::run(&place, reset.yes)),
        Command::Env(env) => commands::env::run(&place, env.output),
        Command::Token(command) => runtime.block_on(commands::token::run(&place, command)),
        Command::Check(command) => commands::check::run(command),
        Command::Preview(command) => runtime.block_on(commands::request::preview(&place, command)),
        Command::Trace(command) => runtime.block_on(commands::trace::run(&place, command)),
        Command::Request(command) => runtime.block_on(commands::request::run(&place, command)),
        Command::Config(command) => commands::config::run(&place, command),
        Command::Explain { code } => commands::explain::run(&code),
        Command::Completion { shell } => {
            commands::completion::run(shell);
            Ok(())
        }
        // Answered before, without a data directory.
        Command::Agent { .. } | Command::TerraformProvider { .. } => Ok(()),
    }
}

fn log_to_standard_error(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("PAVE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
