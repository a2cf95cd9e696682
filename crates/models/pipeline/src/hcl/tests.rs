use super::*;

fn read(text: &str) -> TerraformModule {
    read_terraform(&[("terraform/changed/main.tf".to_owned(), text.to_owned())])
}

fn check(text: &str, expected: &[&str]) {
    let found: Vec<String> = read(text).diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{text}");
}

const PROVIDER: &str = "provider \"azurerm\" {\n  features {}\n}\n";

#[test]
fn the_second_posts_code() {
    let module = read(
        "provider \"azurerm\" {\n  features {}\n}\n\nresource \"azurerm_resource_group\" \"example\" {\n  name     = \"orders\"\n  location = \"westeurope\"\n  tags = { owner = \"team\", \"n\" = 1, x = var.y }\n}\n",
    );
    assert_eq!(module.diagnostics, []);
    assert_eq!(module.backend, None);
    let group = &module.resources[0];
    assert_eq!(group.address(), "azurerm_resource_group.example");
    assert_eq!(group.get("name"), Some(&Value::String("orders".to_owned())));
    assert_eq!(
        group.get("tags"),
        Some(&serde_json::json!({"owner": "team", "n": 1, "x": null}))
    );
    assert_eq!(group.place.to_string(), "terraform/changed/main.tf:5:1");
}

#[test]
fn settings_are_read() {
    let module = read(
        "terraform {\n  backend \"azurerm\" {\n    key = \"k\"\n  }\n  required_providers {\n    azurerm = {\n      source = \"hashicorp/azurerm\"\n      version = \"~> 3.0\"\n    }\n  }\n}\nprovider \"azurerm\" {\n  features {}\n}\nmoved {\n  from = azurerm_resource_group.a\n  to   = azurerm_resource_group.b\n}\n",
    );
    assert_eq!(module.backend.unwrap().name, "azurerm");
    let required = ["azurerm", "hashicorp/azurerm", "~> 3.0"].map(str::to_owned);
    let [name, source, version] = required;
    assert_eq!(module.required_providers, [(name, source, version)]);
    assert_eq!(module.moved[0].1, "azurerm_resource_group.b");
}

#[test]
fn old_spellings_get_the_new_name() {
    check(
        &format!(
            "{PROVIDER}resource \"azurerm_kubernetes_cluster\" \"a\" {{\n  default_node_pool {{\n    enable_auto_scaling = true\n  }}\n  role_based_access_control {{\n    enabled = true\n  }}\n  public_network_access_enabled = true\n}}\nresource \"azurerm_postgresql_server\" \"b\" {{}}\n"
        ),
        &[
            "terraform/changed/main.tf:6:5: `default_node_pool.enable_auto_scaling` of `azurerm_kubernetes_cluster` is no longer there since azurerm 4.0 (help: it is `auto_scaling_enabled` now) [PV2302]",
            "terraform/changed/main.tf:8:3: `role_based_access_control` of `azurerm_kubernetes_cluster` is no longer there since azurerm 3.0 (help: it is `role_based_access_control_enabled` now) [PV2302]",
            "terraform/changed/main.tf:11:3: `public_network_access_enabled` of `azurerm_kubernetes_cluster` is no longer there since azurerm 4.0 (help: remove it) [PV2302]",
            "terraform/changed/main.tf:13:1: `azurerm_postgresql_server` is retired (help: use `azurerm_postgresql_flexible_server`; its arguments differ) [PV2303]",
        ],
    );
    let pinned = "terraform {\n  required_providers {\n    azurerm = { source = \"hashicorp/azurerm\", version = \"~> 3.100\" }\n  }\n}\n";
    let cluster = "resource \"azurerm_kubernetes_cluster\" \"a\" {\n  default_node_pool {\n    enable_auto_scaling = true\n  }\n}\n";
    check(&format!("{pinned}{PROVIDER}{cluster}"), &[]);
    let module = read(&format!("{PROVIDER}{cluster}"));
    let fix = module.diagnostics[0].fix.clone().unwrap();
    assert_eq!(
        (fix.replacement.as_str(), fix.span.start.line, fix.span.end.column),
        ("auto_scaling_enabled", 6, 24)
    );
}

#[test]
fn what_terraform_would_refuse() {
    check(
        "provider \"azurerm\" {}\n",
        &[
            "terraform/changed/main.tf:1:1: provider `azurerm` has no `features` block (help: write `features {}` into it, even if it is empty) [PV2304]",
        ],
    );
    let twice = format!(
        "{PROVIDER}resource \"azurerm_resource_group\" \"a\" {{}}\nresource \"azurerm_resource_group\" \"a\" {{}}\n"
    );
    check(
        &twice,
        &[
            "terraform/changed/main.tf:5:1: there is another resource `azurerm_resource_group.a` (help: give each a name of its own, or a directory of its own) [PV2305]",
        ],
    );
    let broken = read("resource \"a\" \"b\" {\n  name = \n}\n");
    assert_eq!(broken.diagnostics[0].code, "PV2301");
    assert_eq!(broken.diagnostics[0].labels[0].location.span.start.line, 2);
    let unfilled = read("resource \"a\" \"b\" {\n  name = \"${{ values.name }}\"\n}\n");
    assert!(
        unfilled.diagnostics[0]
            .help
            .as_ref()
            .unwrap()
            .contains("scaffolder")
    );
}
