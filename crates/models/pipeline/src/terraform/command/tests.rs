use super::*;

fn connection(credential: Credential) -> AzureConnection {
    AzureConnection {
        subscription_id: "sub".to_owned(),
        tenant_id: "ten".to_owned(),
        credential,
    }
}

fn principal() -> AzureConnection {
    connection(Credential::ServicePrincipal {
        client_id: "cli".to_owned(),
        client_secret: "hush".to_owned(),
    })
}

#[expect(clippy::result_large_err, reason = "a test")]
fn run(pairs: &str, connection: &AzureConnection) -> Result<Command, Diagnostic> {
    let values = pairs
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let inputs = Inputs {
        values,
        default_directory: "/s".to_owned(),
        identifier: "ID".to_owned(),
    };
    command(&inputs, Some(connection), Some(connection))
}

fn check(pairs: &str, connection: &AzureConnection, line: &str, environment: &str) {
    let command = run(pairs, connection).unwrap();
    assert_eq!(command.arguments.join(" "), line);
    let found: Vec<String> = command
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(found.join(" "), environment, "{line}");
}

const BACKEND: &str = "command: init\nbackendServiceArm: c\nbackendAzureRmResourceGroupName: rg\nbackendAzureRmStorageAccountName: sa\nbackendAzureRmContainerName: co\nbackendAzureRmKey: k\n";

#[test]
fn init_gives_each_setting_as_an_argument() {
    let base = "-backend-config=storage_account_name=sa -backend-config=container_name=co -backend-config=key=k -backend-config=resource_group_name=rg -backend-config=subscription_id=sub -backend-config=tenant_id=ten";
    check(
        BACKEND,
        &principal(),
        &format!("init {base} -backend-config=client_id=cli -backend-config=client_secret=hush"),
        "",
    );
    check(
        &format!(
            "{BACKEND}backendAzureRmUseEnvironmentVariablesForAuthentication: true\ncommandOptions: -upgrade -var \"a b\""
        ),
        &principal(),
        &format!("init -upgrade -var a b {base}"),
        "ARM_CLIENT_ID=cli ARM_CLIENT_SECRET=hush",
    );
    check(
        &format!("{BACKEND}backendAzureRmUseEntraIdForAuthentication: true"),
        &connection(Credential::ManagedIdentity),
        &format!("init {base} -backend-config=use_azuread_auth=true -backend-config=use_msi=true"),
        "",
    );
    let federated = connection(Credential::WorkloadIdentity {
        client_id: "cli".to_owned(),
        token: "tok".to_owned(),
    });
    check(
        BACKEND,
        &federated,
        &format!(
            "init {base} -backend-config=client_id=cli -backend-config=oidc_token=tok -backend-config=use_oidc=true"
        ),
        "",
    );
}

#[test]
fn commands_with_resources_get_credentials_in_the_environment() {
    const ARM: &str = "ARM_SUBSCRIPTION_ID=sub ARM_TENANT_ID=ten ARM_CLIENT_ID=cli ARM_CLIENT_SECRET=hush";
    let name = "environmentServiceNameAzureRM: c\n";
    check(
        "command: validate\ncommandOptions: -json",
        &principal(),
        "validate -json",
        "",
    );
    for (pairs, line) in [
        ("command: plan", "plan -detailed-exitcode"),
        (
            "command: plan\ncommandOptions: -out=p.tfplan",
            "plan -out=p.tfplan -detailed-exitcode",
        ),
        ("command: apply", "apply -auto-approve"),
        (
            "command: apply\ncommandOptions: p.tfplan",
            "apply -auto-approve p.tfplan",
        ),
        (
            "command: apply\ncommandOptions: -auto-approve p",
            "apply -auto-approve p",
        ),
        (
            "command: destroy\ncommandOptions: -target=a.b",
            "destroy -auto-approve -target=a.b",
        ),
        (
            "command: show\noutputFormat: json\ncommandOptions: p",
            "show -json p",
        ),
        ("command: show\ncommandOptions: p", "show p"),
        ("command: output", "output -json"),
        (
            "command: custom\ncustomCommand: state list\ncommandOptions: -id=x",
            "state list -id=x",
        ),
    ] {
        check(&format!("{pairs}\n{name}"), &principal(), line, ARM);
    }
    let msi = connection(Credential::ManagedIdentity);
    let pairs = format!("command: plan\n{name}");
    check(
        &pairs,
        &msi,
        "plan -detailed-exitcode",
        "ARM_SUBSCRIPTION_ID=sub ARM_TENANT_ID=ten ARM_USE_MSI=true",
    );
}

#[test]
fn what_follows_from_exit_codes_and_files() {
    let plan = run(
        "command: plan\nenvironmentServiceNameAzureRM: c\npublishPlan: mine\nworkingDirectory: /w",
        &principal(),
    );
    let plan = plan.unwrap();
    assert_eq!(
        plan.arguments.join(" "),
        "plan -out=/w/terraform-plan-ID.tfplan -detailed-exitcode"
    );
    assert_eq!(
        plan.publish_plan,
        Some(("/w/terraform-plan-ID.tfplan".to_owned(), "mine".to_owned()))
    );
    assert_eq!(
        (plan.success_codes.as_slice(), plan.changes_code),
        ([0, 2].as_slice(), Some(2))
    );
    assert_eq!(plan.before, ["providers"]);
    assert!(!format!("{plan:?}").contains("hush"));
    let shown = run(
        "command: show\nenvironmentServiceNameAzureRM: c\noutputTo: file\nfileName: o.txt",
        &principal(),
    );
    assert_eq!(shown.unwrap().output_file.as_deref(), Some("/s/o.txt"));
}

#[test]
fn inputs_that_are_missing_are_named() {
    for (pairs, expected) in [
        ("command: init", "needs the input `backendServiceArm`"),
        ("command: plan", "needs the input `environmentServiceNameAzureRM`"),
        (
            "command: custom\nenvironmentServiceNameAzureRM: c",
            "needs the input `customCommand`",
        ),
        ("command: aply", "cannot be `aply`"),
        ("provider: aws", "provider `aws` has no stand-in here"),
    ] {
        let error = run(pairs, &principal()).unwrap_err();
        assert!(error.message.contains(expected), "{}", error.message);
    }
}
