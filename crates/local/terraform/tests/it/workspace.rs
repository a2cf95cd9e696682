//! A directory with HCL, and `terraform` in it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use pave_keys::Keys;
use pave_local_terraform::{VERSIONS, cli_config, write_mirror};
use serde_json::Value;
use tempfile::TempDir;

use crate::arm::{Arm, SUBSCRIPTION};

pub(crate) struct Workspace {
    pub(crate) directory: TempDir,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) arm: Arm,
    _keys: TempDir,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}", self.text);
        self.text
    }

    #[track_caller]
    pub(crate) fn failed(self, expected: &[&str]) -> String {
        assert_eq!(self.code, 1, "{}", self.text);
        // Terraform breaks lines where it likes.
        let text = self
            .text
            .split_whitespace()
            .filter(|word| *word != "│")
            .collect::<Vec<_>>()
            .join(" ");
        for part in expected {
            assert!(text.contains(part), "`{part}` is not in:\n{}", self.text);
        }
        text
    }
}

impl Workspace {
    pub(crate) async fn new(hcl: &str) -> Self {
        let keys_directory = tempfile::tempdir().unwrap();
        let keys = Keys::open(keys_directory.path()).unwrap();
        let arm = Arm::open(&keys).await;
        let directory = tempfile::tempdir().unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_terraform-provider-azurerm"));
        let mirror = write_mirror(&directory.path().join("pave"), binary, VERSIONS).unwrap();
        let cli = directory.path().join("pave/terraform.rc");
        std::fs::write(&cli, cli_config(&mirror.directory, None).unwrap()).unwrap();
        std::fs::create_dir(directory.path().join("work")).unwrap();
        let pairs = [
            ("TF_CLI_CONFIG_FILE", cli.display().to_string()),
            ("TF_IN_AUTOMATION", "1".to_owned()),
            ("CHECKPOINT_DISABLE", "1".to_owned()),
            ("SSL_CERT_FILE", keys.ca_path().display().to_string()),
            ("ARM_METADATA_HOSTNAME", arm.host.clone()),
            ("ARM_SUBSCRIPTION_ID", SUBSCRIPTION.to_owned()),
            ("ARM_TENANT_ID", "tenant".to_owned()),
            ("ARM_CLIENT_ID", "client".to_owned()),
            ("ARM_CLIENT_SECRET", "right".to_owned()),
        ];
        let environment = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let workspace = Self {
            directory,
            environment,
            arm,
            _keys: keys_directory,
        };
        workspace.write(hcl);
        workspace
    }

    pub(crate) fn write(&self, hcl: &str) {
        std::fs::write(self.directory.path().join("work/main.tf"), hcl).unwrap();
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// `terraform` with these words; a hung one fails the test.
    pub(crate) async fn terraform(&self, words: &[&str]) -> Ran {
        let mut command = tokio::process::Command::new("terraform");
        command
            .args(words)
            .current_dir(self.directory.path().join("work"));
        command.env_clear().env("PATH", std::env::var("PATH").unwrap());
        command
            .env("HOME", self.directory.path())
            .envs(self.environment.iter().cloned());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(120), command.output())
            .await
            .unwrap()
            .unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ran {
            code: output.status.code().unwrap_or(-1),
            text,
        }
    }

    pub(crate) async fn init(&self) -> String {
        self.terraform(&["init", "-no-color", "-input=false"]).await.ok()
    }

    pub(crate) async fn apply(&self) -> Ran {
        self.terraform(&["apply", "-no-color", "-input=false", "-auto-approve"])
            .await
    }

    /// What a plan would change, as the exit code says it: 0 nothing, 2 something.
    pub(crate) async fn plan(&self) -> Ran {
        self.terraform(&["plan", "-no-color", "-input=false", "-detailed-exitcode"])
            .await
    }

    pub(crate) async fn unchanged(&self) {
        let ran = self.plan().await;
        assert_eq!(ran.code, 0, "{}", ran.text);
    }

    /// The same after `init` and a first `apply`.
    pub(crate) async fn applied(hcl: &str) -> Self {
        let workspace = Self::new(hcl).await;
        workspace.init().await;
        workspace.apply().await.ok();
        workspace.unchanged().await;
        workspace
    }

    /// Another text, which changes that many resources in place and then nothing more.
    pub(crate) async fn changes(&self, hcl: &str, number: usize) {
        self.write(hcl);
        let applied = self.apply().await.ok();
        assert!(
            applied.contains(&format!("0 added, {number} changed, 0 destroyed")),
            "{applied}"
        );
        self.unchanged().await;
    }

    /// Forgets a resource and takes it in again.
    pub(crate) async fn import_again(&self, address: &str) {
        let id = self.values(address).await["id"].as_str().unwrap().to_owned();
        self.terraform(&["state", "rm", address]).await.ok();
        self.terraform(&["import", address, &id]).await.ok();
    }

    pub(crate) async fn destroy(&self) -> Ran {
        self.terraform(&["destroy", "-no-color", "-input=false", "-auto-approve"])
            .await
    }

    pub(crate) async fn state(&self) -> Value {
        let text = self.terraform(&["show", "-json"]).await.ok();
        serde_json::from_str(&text).unwrap()
    }

    /// The values of the resource of that address.
    pub(crate) async fn values(&self, address: &str) -> Value {
        let state = self.state().await;
        let all = state["values"]["root_module"]["resources"]
            .as_array()
            .unwrap()
            .clone();
        let found = all.into_iter().find(|resource| resource["address"] == address);
        found.unwrap()["values"].clone()
    }
}

/// The id of what lies in a group.
pub(crate) fn id_in(group: &str, kind_and_name: &str) -> String {
    format!("{}/providers/{kind_and_name}", group_id(group))
}

pub(crate) fn group_id(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}")
}
