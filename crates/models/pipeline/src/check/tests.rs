use std::collections::HashMap;

use super::*;
use crate::{CompileRequest, compile};

fn plan(text: &str) -> Plan {
    let files: HashMap<(Option<String>, String), String> = HashMap::new();
    let compiled = compile(&CompileRequest {
        path: "azure-pipelines.yml",
        text,
        files: &files,
        parameters: &[],
        variables: &[],
    });
    compiled
        .plan
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn group(name: &str) -> Vec<(String, String)> {
    let text = format!(
        "provider \"azurerm\" {{\n  features {{}}\n}}\nresource \"azurerm_resource_group\" \"example\" {{\n  name     = \"{name}\"\n  location = \"westeurope\"\n}}\n"
    );
    vec![("terraform/changed/main.tf".to_owned(), text)]
}

fn codes_of(text: &str, files: &[(String, String)]) -> Vec<String> {
    warnings(&plan(text), files)
        .into_iter()
        .map(|one| one.code)
        .collect()
}

#[test]
fn the_second_post_is_warned_about() {
    let text = include_str!("../compile/tests/second_post.yml");
    assert_eq!(
        codes_of(text, &group("a")),
        ["PV2230", "PV2231", "PV2233", "PV2232"]
    );
}

#[test]
fn a_careful_pipeline_is_not() {
    let text = "trigger:\n  branches: {include: [main]}\n  paths: {include: [terraform]}\npool: {vmImage: ubuntu-latest}\nsteps:\n- task: TerraformInstaller@1\n- task: TerraformTaskV4@4\n  inputs: {command: init, backendServiceArm: c, backendAzureRmResourceGroupName: r, backendAzureRmStorageAccountName: s, backendAzureRmContainerName: n, backendAzureRmKey: k, workingDirectory: terraform}\n- task: TerraformTaskV4@4\n  inputs: {command: plan, commandOptions: -out=tfplan, environmentServiceNameAzureRM: c, workingDirectory: terraform}\n- task: TerraformTaskV4@4\n  inputs: {command: apply, commandOptions: tfplan, environmentServiceNameAzureRM: c, workingDirectory: terraform}\n";
    let files = vec![(
        "terraform/main.tf".to_owned(),
        "terraform {\n  backend \"azurerm\" {}\n}\n".to_owned(),
    )];
    assert_eq!(codes_of(text, &files), Vec::<String>::new());
}

#[test]
fn a_second_request_destroys_the_first() {
    let found = destroys(&group("orders"), &group("billing"));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].name.as_str(), found[0].becomes.as_deref()),
        ("orders", Some("billing"))
    );
    assert_eq!(
        found[0].diagnostic.to_string(),
        "terraform/changed/main.tf:5:14: `azurerm_resource_group.example` (`orders`) would be destroyed: `name` cannot change from `orders` to `billing` (help: give each request a directory and a state of its own) [PV2234]"
    );
    assert_eq!(destroys(&group("orders"), &group("orders")), []);
    assert_eq!(destroys(&group("orders"), &[])[0].becomes, None);
    let moved = group("orders")[0].1.replace("\"example\"", "\"other\"")
        + "moved {\n  from = azurerm_resource_group.example\n  to = azurerm_resource_group.other\n}\n";
    assert_eq!(
        destroys(
            &group("orders"),
            &[("terraform/changed/main.tf".to_owned(), moved)]
        ),
        []
    );
}
