//! A managed Kubernetes by pipeline: the example's HCL becomes a control plane that kubectl and Argo CD reach.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pave_testkit::devops::PATIENCE;
use pave_testkit::{Finished, Platform, find_program, program, wait_for, wait_until};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_pave");
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/azure-devops/aks");
/// The files of the example that belong into its repository.
const FILES: [&str; 5] = [
    "azure-pipelines.yml",
    "main.tf",
    "variables.tf",
    "application.yaml",
    "workloads/settings.yaml",
];
const CLUSTER: &str =
    "resourceGroups/rg-workloads/providers/Microsoft.ContainerService/managedClusters/workloads";
const VERSION: &str = "api-version=2025-05-01";

#[tokio::test]
async fn a_cluster_by_pipeline_is_one_for_kubectl_and_argo_cd() {
    the_story().await.unwrap();
}

async fn the_story() -> anyhow::Result<()> {
    let mut platform = Platform::start(BINARY).await?;
    let files = example(&platform)?;
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let pipeline = platform.pipeline("aks", &files).await?;
    old_spelling(&platform, pipeline, &files).await?;
    platform.run_to(pipeline, "succeeded").await?;
    let kubeconfig = kubeconfig(&platform).await?;
    a_cluster_of_its_own(&platform, &kubeconfig).await?;
    argo_cd_syncs(&platform, &kubeconfig).await?;
    destroyed(&platform, pipeline, &kubeconfig).await?;
    platform.down().await
}

fn example(platform: &Platform) -> anyhow::Result<Vec<(String, String)>> {
    let host = platform
        .text("/forge/url")?
        .trim_start_matches("https://")
        .to_owned();
    let read = |path: &&str| {
        let text = std::fs::read_to_string(Path::new(EXAMPLE).join(path))
            .with_context(|| format!("cannot read `{path}`"))?;
        Ok((path.to_string(), text.replace("forge.example.com", &host)))
    };
    FILES.iter().map(read).collect()
}

/// As the post has it: said by `pave check`, and in the run before `terraform init`.
async fn old_spelling(platform: &Platform, pipeline: i64, files: &[(&str, &str)]) -> anyhow::Result<()> {
    let token = platform.text("/forge/token")?;
    let (_, today) = files
        .iter()
        .find(|(path, _)| *path == "main.tf")
        .context("no main.tf")?;
    let old = today.replace("auto_scaling_enabled =", "enable_auto_scaling  =");
    let line = 1 + old
        .lines()
        .position(|line| line.trim_start().starts_with("enable_auto_scaling"))
        .context("the example has no autoscaling")?;
    let folder = platform.scratch().join("old");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("main.tf"), &old)?;
    let checked = platform.pave(&["check", &folder.display().to_string()]).await?;
    let said = format!("{}{}", checked.stdout, checked.stderr);
    anyhow::ensure!(
        !checked.is_ok() && said.contains("PV2302") && said.contains("auto_scaling_enabled"),
        "{checked:?}"
    );
    platform
        .commit(token, "aks", "main", &[("main.tf", &old)])
        .await?
        .ok()?;
    let run = platform.run_to(pipeline, "failed").await?;
    let (message, place) = run.error("Terraform init")?;
    anyhow::ensure!(
        place == format!("main.tf:{line}")
            && message.contains("PV2302")
            && message.contains("auto_scaling_enabled"),
        "{place}: {message}"
    );
    let log = platform.step_log(&run, "Terraform init").await?;
    anyhow::ensure!(
        log.contains("##[error]PV2302") && !log.contains("Initializing"),
        "{log}"
    );
    platform
        .commit(token, "aks", "main", &[("main.tf", today)])
        .await?
        .ok()?;
    Ok(())
}

/// The administrator's kubeconfig, as `az aks get-credentials --admin` gets it.
async fn kubeconfig(platform: &Platform) -> anyhow::Result<String> {
    let path = format!("{CLUSTER}/listClusterAdminCredential?{VERSION}");
    let answer = platform.cloud("POST", &path).await?.ok()?;
    let text = answer
        .pointer("/kubeconfigs/0/value")
        .and_then(Value::as_str)
        .with_context(|| answer.to_string())?;
    let file = platform.scratch().join("workloads.kubeconfig");
    std::fs::write(&file, STANDARD.decode(text)?)?;
    Ok(file.display().to_string())
}

async fn kubectl(platform: &Platform, kubeconfig: &str, arguments: &[&str]) -> anyhow::Result<Finished> {
    let environment = [
        ("KUBECONFIG", kubeconfig.to_owned()),
        ("HOME", platform.scratch().display().to_string()),
    ];
    let kubectl = find_program("kubectl").context("there is no kubectl")?;
    program::run(&kubectl, arguments, platform.scratch(), &environment).await
}

async fn a_cluster_of_its_own(platform: &Platform, kubeconfig: &str) -> anyhow::Result<()> {
    let who = kubectl(platform, kubeconfig, &["auth", "whoami"]).await?.ok()?;
    anyhow::ensure!(who.contains("system:masters"), "{who}");
    kubectl(platform, kubeconfig, &["create", "namespace", "only-here"])
        .await?
        .ok()?;
    let platforms = platform
        .kubectl(&["get", "namespaces", "--output", "name"])
        .await?
        .ok()?;
    let own = kubectl(platform, kubeconfig, &["get", "namespaces", "--output", "name"])
        .await?
        .ok()?;
    anyhow::ensure!(
        own.contains("namespace/only-here")
            && !own.contains("argocd")
            && !platforms.contains("only-here")
            && platforms.contains("argocd"),
        "{own}\n{platforms}"
    );
    Ok(())
}

/// A cluster Secret names the new cluster, the example's Application names the Secret.
async fn argo_cd_syncs(platform: &Platform, kubeconfig: &str) -> anyhow::Result<()> {
    let read = ["config", "view", "--raw", "--output", "json"];
    let found = kubectl(platform, kubeconfig, &read).await?.json()?;
    let config = json!({
        "bearerToken": found.pointer("/users/0/user/token"),
        "tlsClientConfig": { "caData": found.pointer("/clusters/0/cluster/certificate-authority-data") },
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": { "name": "workloads", "namespace": "argocd", "labels": { "argocd.argoproj.io/secret-type": "cluster" } },
        "stringData": { "name": "workloads", "server": found.pointer("/clusters/0/cluster/server"), "config": config.to_string() },
    });
    let file = platform.scratch().join("cluster.json");
    std::fs::write(&file, secret.to_string())?;
    let file = file.display().to_string();
    platform.kubectl(&["apply", "--filename", &file]).await?.ok()?;
    let (_, application) = example(platform)?
        .into_iter()
        .find(|(path, _)| path == "application.yaml")
        .context("no Application")?;
    let file = platform.scratch().join("application.yaml");
    std::fs::write(&file, application)?;
    let file = file.display().to_string();
    platform.kubectl(&["apply", "--filename", &file]).await?.ok()?;
    platform
        .application_when("workloads", "a synced Application", |it| {
            it["status"]["sync"]["status"] == "Synced" && it["status"]["health"]["status"] == "Healthy"
        })
        .await?;
    let settings = [
        "get",
        "configmap",
        "settings",
        "--output",
        "jsonpath={.data.greeting}",
    ];
    let there = kubectl(platform, kubeconfig, &settings).await?.ok()?;
    anyhow::ensure!(there == "hello from the platform", "{there}");
    let here = platform.kubectl(&["get", "configmap", "settings"]).await?;
    anyhow::ensure!(
        !here.is_ok(),
        "the ConfigMap went into the platform's own cluster"
    );
    // Whoever changes it by hand finds it mended.
    kubectl(platform, kubeconfig, &["delete", "configmap", "settings"])
        .await?
        .ok()?;
    wait_until(PATIENCE, "the ConfigMap to come back", async || {
        let found = kubectl(platform, kubeconfig, &settings).await;
        found.is_ok_and(|it| it.is_ok())
    })
    .await
}

async fn destroyed(platform: &Platform, pipeline: i64, kubeconfig: &str) -> anyhow::Result<()> {
    let path = format!("pipelines/{pipeline}/runs");
    let body = json!({ "templateParameters": { "action": "destroy" } });
    let run = platform.devops_ok("POST", &path, Some(&body)).await?;
    let run = platform
        .run_ended(run["id"].as_i64().context("a run has an id")?)
        .await?;
    anyhow::ensure!(run.result == "succeeded", "{run:#?}");
    let answer = platform.cloud("GET", &format!("{CLUSTER}?{VERSION}")).await?;
    anyhow::ensure!(answer.status == 404, "{answer:?}");
    let gone = kubectl(platform, kubeconfig, &["get", "namespaces"]).await?;
    anyhow::ensure!(!gone.is_ok(), "{gone:?}");
    wait_for(
        PATIENCE,
        "the Application to say that its cluster is gone",
        async || {
            let found = platform.application("workloads").await.ok()?;
            (found["status"]["conditions"]
                .as_array()
                .is_some_and(|it| !it.is_empty())
                || found["status"]["sync"]["status"] != "Synced")
                .then_some(())
        },
    )
    .await
}
