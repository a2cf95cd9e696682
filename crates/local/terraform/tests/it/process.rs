//! The process that Terraform starts: how it says where it is, and that it does not outlive who started it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

fn is_running(process: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = state
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .trim_start()
        .to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

#[test]
fn it_ends_with_who_started_it_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut parent = Command::new("sh")
        .args([
            "-c",
            "\"$0\" & echo $!; wait",
            env!("CARGO_BIN_EXE_terraform-provider-azurerm"),
        ])
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_CLIENT_CERT", "any")
        .env("PLUGIN_UNIX_SOCKET_DIR", directory.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let process = lines.next().unwrap().unwrap();
    let said = lines.next().unwrap().unwrap();
    let words: Vec<&str> = said.split('|').collect();
    assert_eq!(
        (&words[..3], words[4]),
        (&["1", "5", "unix"][..], "grpc"),
        "{said}"
    );
    assert!(
        words[3].starts_with(directory.path().to_str().unwrap()) && words[5].len() > 300,
        "{said}"
    );
    assert!(is_running(&process));
    parent.kill().unwrap();
    parent.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while is_running(&process) {
        assert!(Instant::now() < deadline, "{process} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
