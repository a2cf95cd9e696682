//! Pipelines against a real repository, real agents and real Terraform.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its scene has failed"
)]

mod checks;
mod containers;
mod downloads;
mod faults;
mod harness;
mod rest;
mod runs;
mod server;
mod skipped;
mod strategies;
mod tasks;
mod terraform;
mod triggers;

/// Not a test: this program is its own agent, see the harness.
#[test]
fn agent_entry() {
    let last = std::env::args().next_back().unwrap_or_default();
    if std::path::Path::new(&last).join("job.json").exists() {
        let code = pave_local_pipelines::agent::main(&[last]);
        std::process::exit(code);
    }
}
