//! The provider by itself, without the rest of Pave: `terraform` starts it through a mirror; see the tests.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    pave_local_terraform::serve_provider().await
}
