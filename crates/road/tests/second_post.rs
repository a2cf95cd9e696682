//! The second post: template, Terraform code and pipeline, and what each does to the others.

#![expect(clippy::unwrap_used, reason = "a failure here is the test's answer")]

mod support;

use pave_diagnostic::Severity;
use pave_road::{Options, check};
use support::{draw, folder};

const POST: &str = "../../examples/azure-devops/azure-demo";
const TEMPLATE: &str = "templates/azure-repo-demo.yaml";

#[test]
fn the_posts_own_version_is_warned_about() {
    let found = check(&folder(POST), &Options::default());
    insta::assert_snapshot!(draw(&found));
}

#[test]
fn one_directory_for_each_request_is_sound() {
    let found = check(
        &folder("../../examples/azure-devops/resource-groups"),
        &Options::default(),
    );
    let codes: Vec<&str> = found.iter().map(|it| it.code.as_str()).collect();
    // What remains is said of the real service: no installer, no backend.
    assert_eq!(codes, ["PV2230", "PV2231"], "{}", draw(&found));
    assert!(found.iter().all(|it| it.severity == Severity::Warning));
}

#[test]
fn repositories_beside_each_other_and_further_down() {
    let all = folder("../../examples/azure-devops");
    let nested: Vec<_> = all
        .iter()
        .map(|(path, text)| (format!("/a/b/{path}"), text.clone()))
        .collect();
    let places = |files: &[(String, String)]| -> Vec<String> {
        let found = check(files, &Options::default());
        found
            .iter()
            .map(|it| format!("{} {}", it.code, it.labels[0].location))
            .collect()
    };
    let (here, below) = (places(&all), places(&nested));
    assert!(
        here.iter().any(|it| it.starts_with("PV2140 azure-demo/")),
        "{here:#?}"
    );
    let moved: Vec<String> = here.iter().map(|it| it.replacen(' ', " /a/b/", 1)).collect();
    assert_eq!(moved, below);
}

/// Changes the post and says which codes are found, besides those of the pipeline alone.
fn changed(changes: &[(&str, &str, &str)]) -> Vec<String> {
    let mut files = folder(POST);
    for (file, from, to) in changes {
        let (_, text) = files.iter_mut().find(|(path, _)| path == file).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        *text = text.replace(from, to);
    }
    let found = check(&files, &Options::default());
    let of_the_pipeline = ["PV2230", "PV2231", "PV2232", "PV2233", "PV1512"];
    let others = found
        .iter()
        .filter(|it| !of_the_pipeline.contains(&it.code.as_str()));
    others.map(|it| format!("{} {}", it.code, it.message)).collect()
}

#[test]
fn what_requests_share() {
    let shared = "every request writes `terraform/changed/main.tf`: the second one";
    let branch = "PV2141 every request pushes to the branch `scaffolder`".to_owned();
    let code = "terraform/base/main.tf";
    let destroyed = format!("PV2140 {shared} destroys `azurerm_resource_group.example` of the first");
    assert_eq!(changed(&[]), [destroyed, branch.clone()]);
    // A name of its own for each request, but one directory: the resource is taken over.
    let tagged = "tags = { owner = \"${{ values.name }}\" }\n  name     = \"fixed\"";
    assert_eq!(
        changed(&[(code, "name     = \"${{ values.name }}\"", tagged)]),
        [
            format!("PV2140 {shared} takes over what the first one made"),
            branch.clone()
        ]
    );
    // Nothing of the request in it.
    assert_eq!(
        changed(&[(code, "${{ values.name }}", "fixed")]),
        std::slice::from_ref(&branch)
    );
    // Applied by nobody, and written elsewhere.
    assert_eq!(
        changed(&[("azure-pipelines.yml", "terraform/changed", "terraform/other")]),
        std::slice::from_ref(&branch)
    );
    let own = "terraform/changed/${{ parameters.name }}";
    assert_eq!(changed(&[(TEMPLATE, "terraform/changed", own)]), [branch]);
    assert_eq!(
        changed(&[
            (TEMPLATE, "terraform/changed", own),
            (TEMPLATE, ": scaffolder", ": r-${{ parameters.name }}")
        ]),
        Vec::<String>::new()
    );
}

#[test]
fn terraform_code_is_read_before_terraform_reads_it() {
    let check = |from: &str, to: &str, code: &str, line: usize, severity: Severity| {
        let mut files = folder(POST);
        let (_, text) = files
            .iter_mut()
            .find(|(path, _)| path == "terraform/base/main.tf")
            .unwrap();
        *text = text.replace(from, to);
        let found = check(&files, &Options::default());
        let finding = found.iter().filter(|it| it.code == code).collect::<Vec<_>>();
        assert_eq!(finding.len(), 1, "{to}: {}", draw(&found));
        let place = &finding[0].labels[0].location;
        assert_eq!(
            (place.file.as_str(), place.span.start.line, finding[0].severity),
            ("terraform/base/main.tf", line, severity),
            "{to}"
        );
    };
    let group = "resource \"azurerm_resource_group\" \"example\" {";
    let cluster = "resource \"azurerm_kubernetes_cluster\" \"example\" {\n  default_node_pool {\n    enable_auto_scaling = true\n  }";
    check(group, cluster, "PV2302", 7, Severity::Error);
    check(
        "azurerm_resource_group",
        "azurerm_key_vault",
        "PV2310",
        5,
        Severity::Warning,
    );
    check("location", "region", "PV2311", 7, Severity::Warning);
    check("features {}", "features {", "PV2301", 8, Severity::Error);
}

#[test]
fn a_pipeline_with_errors_says_where() {
    let mut files = folder(POST);
    let (_, text) = files
        .iter_mut()
        .find(|(path, _)| path == "azure-pipelines.yml")
        .unwrap();
    *text = text.replace("TerraformTaskV4@4", "TerraformTask4@4");
    let found = check(&files, &Options::default());
    let wrong: Vec<_> = found.iter().filter(|it| it.severity == Severity::Error).collect();
    assert_eq!(wrong.len(), 4, "{}", draw(&found));
    assert_eq!(wrong[0].labels[0].location.file, "azure-pipelines.yml");
    assert_eq!(wrong[0].labels[0].location.span.start.line, 9);
}
