use crate::hcl::{CLUSTER, in_group};
use crate::workspace::{Workspace, id_in};

const OUTPUTS: &str = r#"
output "host" {
  value     = azurerm_kubernetes_cluster.primary.kube_config[0].host
  sensitive = true
}
output "principal" { value = azurerm_kubernetes_cluster.primary.identity[0].principal_id }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_posts_cluster() {
    let hcl = [&in_group("rg-platform"), CLUSTER, OUTPUTS].concat();
    let workspace = Workspace::applied(&hcl).await;
    let id = id_in(
        "rg-platform",
        "Microsoft.ContainerService/managedClusters/platform",
    );
    let document = workspace.arm.document(&id).unwrap();
    let pool = &document["properties"]["agentPoolProfiles"][0];
    assert_eq!(pool["enableAutoScaling"], true);
    assert_eq!((&pool["mode"], &pool["count"]), (&"System".into(), &2.into()));
    assert_eq!(
        document["sku"],
        serde_json::json!({ "name": "Base", "tier": "Free" })
    );
    let values = workspace.values("azurerm_kubernetes_cluster.primary").await;
    let config = &values["kube_config"][0];
    assert_eq!(
        (&config["host"], &config["password"]),
        (&"https://k.test:6443".into(), &"tok".into())
    );
    assert!(
        values["kube_config_raw"]
            .as_str()
            .unwrap()
            .starts_with("apiVersion: v1")
    );
    assert_eq!(values["network_profile"][0]["service_cidr"], "10.0.0.0/16");
    let outputs = workspace.state().await["values"]["outputs"].clone();
    assert_eq!(outputs["principal"]["value"], "principal-1");

    workspace
        .changes(
            &hcl.replace("max_count            = 3", "max_count            = 5"),
            1,
        )
        .await;
    assert_eq!(
        workspace.arm.document(&id).unwrap()["properties"]["agentPoolProfiles"][0]["maxCount"],
        5
    );
    workspace.import_again("azurerm_kubernetes_cluster.primary").await;
    workspace.unchanged().await;
    workspace.destroy().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_spellings_are_refused_as_azurerm_4_does() {
    let workspace = Workspace::new(
        &(in_group("rg-platform") + CLUSTER).replace("auto_scaling_enabled", "enable_auto_scaling"),
    )
    .await;
    workspace.init().await;
    workspace.terraform(&["validate", "-no-color"]).await.failed(&[
        "An argument named \"enable_auto_scaling\" is not expected here",
        "main.tf line 21",
    ]);
}
