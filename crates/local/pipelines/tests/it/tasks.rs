//! Tasks that pipelines name, each really run.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Scene, limits};

/// A program in the directory that the scene puts before PATH.
fn program(root: &Path, name: &str, script: &str) {
    let directory = root.join("bin");
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{script}")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn issue(step: &Value) -> String {
    step["issues"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_copied_packed_unpacked_and_removed() {
    let scene = Scene::new().await;
    let build = scene
        .run(
            "trigger: none
steps:
- checkout: none
- bash: |
    mkdir -p src/deep 'src/with space' src/.hidden
    echo one > src/one.txt; echo two > src/deep/two.txt; echo three > 'src/with space/three.tmp'; echo h > src/.hidden/h
    printf '#!/bin/sh\\necho ran\\n' > src/run.sh; chmod +x src/run.sh
- task: CopyFiles@2
  displayName: Copy
  inputs: { SourceFolder: src, Contents: '**', TargetFolder: $(Build.ArtifactStagingDirectory)/copy, CleanTargetFolder: true }
- bash: test \"$($(Build.ArtifactStagingDirectory)/copy/run.sh)\" = ran
  displayName: Still runs
- task: ArchiveFiles@2
  displayName: Zip
  inputs: { rootFolderOrFile: src, includeRootFolder: false, archiveFile: $(Build.ArtifactStagingDirectory)/a.zip }
- task: ArchiveFiles@2
  displayName: Tar
  inputs: { rootFolderOrFile: src, archiveType: tar, archiveFile: $(Build.ArtifactStagingDirectory)/packed/a.tar.gz }
- bash: mkdir out && touch out/old
- task: ExtractFiles@1
  displayName: Unzip
  inputs: { archiveFilePatterns: '$(Build.ArtifactStagingDirectory)/*.zip', destinationFolder: out }
- task: ExtractFiles@1
  displayName: Untar
  inputs: { archiveFilePatterns: '$(Build.ArtifactStagingDirectory)/**/*.tar.gz', destinationFolder: out2, cleanDestinationFolder: false }
- bash: |
    set -e
    test ! -e out/old; cat out/one.txt 'out/with space/three.tmp' out2/src/deep/two.txt
  displayName: See
- task: DeleteFiles@1
  displayName: Delete
  inputs:
    SourceFolder: src
    Contents: |
      **/*.tmp
      deep
- bash: find src -type f | sort
  displayName: Left
- task: DeleteFiles@1
  displayName: Delete all
  inputs: { SourceFolder: src, Contents: '**', RemoveSourceFolder: true, RemoveDotFiles: true }
- bash: test ! -e src
  displayName: Gone
- task: ExtractFiles@1
  displayName: None
  continueOnError: true
  inputs: { archiveFilePatterns: 'none/*.zip', destinationFolder: out }
- task: ArchiveFiles@2
  displayName: Seven
  continueOnError: true
  inputs: { rootFolderOrFile: out, archiveType: 7z, archiveFile: a.7z }
",
        )
        .await;
    scene.assert_result(&build, "partiallySucceeded").await;
    let seen = scene.log(&build, "See").await;
    assert!(seen.contains("one\nthree\ntwo"), "{seen}");
    let left = scene.log(&build, "Left").await;
    assert!(left.contains("src/.hidden/h\nsrc/one.txt\nsrc/run.sh"), "{left}");
    assert!(!left.contains("deep") && !left.contains("three.tmp"), "{left}");
    assert_eq!(
        issue(&scene.step(&build, "None").await),
        "No file matches `none/*.zip`."
    );
    assert!(issue(&scene.step(&build, "Seven").await).contains("`7z` are not made here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_touches_only_what_its_step_may() {
    let scene = Scene::new().await;
    let outside = scene.file("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("x"), "kept").unwrap();
    let build = scene
        .run(&format!(
            "trigger: none
steps:
- checkout: none
- bash: ln -s {0} link
- task: DeleteFiles@1
  displayName: Delete
  condition: always()
  inputs: {{ SourceFolder: {0}, Contents: '**' }}
- task: DeleteFiles@1
  displayName: Through link
  condition: always()
  inputs: {{ SourceFolder: link, Contents: '**' }}
",
            outside.display()
        ))
        .await;
    scene.assert_result(&build, "failed").await;
    assert!(outside.join("x").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_in_files_are_found_from_the_sources() {
    let scene = Scene::new().await;
    let build = scene
        .run(
            "trigger: none
steps:
- checkout: none
- bash: mkdir -p ci sub; echo 'echo \"got $1 in $(basename \"$PWD\")\"' > ci/say.sh
- task: Bash@3
  displayName: Say
  inputs: { targetType: filePath, filePath: ci/say.sh, arguments: word, workingDirectory: sub }
- task: CmdLine@2
  displayName: Line
  inputs: { script: 'echo line', workingDirectory: sub }
",
        )
        .await;
    scene.assert_result(&build, "succeeded").await;
    let said = scene.log(&build, "Say").await;
    assert!(said.contains("got word in sub"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installed_version_that_fits_comes_first_on_the_path() {
    let scene = Scene::with_path(limits(), "bin").await;
    program(scene.root.path(), "python3.97", "echo Python 3.97.1\n");
    program(scene.root.path(), "node", "echo v18.19.1\n");
    let build = scene
        .run(
            "trigger: none
steps:
- checkout: none
- task: UsePythonVersion@0
  displayName: Python
  name: py
  inputs: { versionSpec: '>=3.97' }
- task: UseNode@1
  displayName: Node
  inputs: { version: 18.x }
- bash: |
    python --version; python3 --version; node --version; echo \"at $(py.pythonLocation)\"
  displayName: See
- task: NodeTool@0
  displayName: No node
  continueOnError: true
  inputs: { versionSpec: 99.x }
- task: UsePythonVersion@0
  displayName: No python
  continueOnError: true
  inputs: { versionSpec: '2.7' }
",
        )
        .await;
    scene.assert_result(&build, "partiallySucceeded").await;
    let seen = scene.log(&build, "See").await;
    assert!(
        seen.contains("Python 3.97.1\nPython 3.97.1\nv18.19.1\nat /"),
        "{seen}"
    );
    let words = issue(&scene.step(&build, "No node").await);
    assert!(
        words.contains("Node.js 99.x is asked for, and on this machine is 18.19.1 ("),
        "{words}"
    );
    let words = issue(&scene.step(&build, "No python").await);
    assert!(
        words.contains("Python 2.7 is asked for") && words.contains("3.97.1 ("),
        "{words}"
    );
}

async fn connection(scene: &Scene, scheme: &str, environment: &str) {
    let project = &scene.repository.at.project;
    let body = json!({
        "name": "azure", "type": "AzureRM", "url": "https://127.0.0.1:2/",
        "data": {"environment": environment, "subscriptionId": "sub-1", "creationMode": "Manual", "scopeLevel": "Subscription"},
        "authorization": {"scheme": scheme, "parameters": {"tenantid": "tenant-1", "serviceprincipalid": "client-1", "authenticationType": "spnKey", "serviceprincipalkey": "hunter2-key"}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": project.id, "name": project.name}, "name": "azure"}],
    });
    scene.call("POST", "serviceendpoint/endpoints", body).await;
}

/// Notes what it is called with, and what lies in the file of a password.
const AZ: &str = r#"
echo "az $*" >> "$AZURE_CONFIG_DIR/calls"
for word in "$@"; do
  case "$word" in @*) tr a-z A-Z < "${word#@}" >> "$AZURE_CONFIG_DIR/calls"; echo >> "$AZURE_CONFIG_DIR/calls";; esac
done
echo "did $1"
"#;

const CLI: &str = "trigger: none
steps:
- checkout: none
- task: AzureCLI@2
  displayName: Cli
  inputs:
    azureSubscription: azure
    scriptType: bash
    scriptLocation: inlineScript
    arguments: first 'second word'
    addSpnToEnvironment: true
    visibleAzLogin: false
    inlineScript: |
      cat \"$AZURE_CONFIG_DIR/calls\"
      echo \"args $1 | $2 | $tenantId $servicePrincipalId $servicePrincipalKey\"
      echo \"##vso[task.setvariable variable=directory]$AZURE_CONFIG_DIR\"
- bash: test -n \"$(directory)\" && test ! -e \"$(directory)\"
  displayName: Gone
";

#[tokio::test(flavor = "multi_thread")]
async fn a_script_finds_az_signed_in_and_the_session_ends_with_it() {
    for (environment, first) in [
        (
            "AzureCloud",
            "az login --service-principal --username client-1 --password @",
        ),
        (
            "Local",
            "az cloud register --name pave --endpoint-resource-manager https://127.0.0.1:2 ",
        ),
    ] {
        let scene = Scene::with_path(limits(), "bin").await;
        program(scene.root.path(), "az", AZ);
        connection(&scene, "ServicePrincipal", environment).await;
        let build = scene.run(CLI).await;
        scene.assert_result(&build, "succeeded").await;
        let log = scene.log(&build, "Cli").await;
        assert!(log.contains(first), "{log}");
        assert!(log.contains("HUNTER2-KEY\n"), "{log}");
        assert!(log.contains("az account set --subscription sub-1\n"), "{log}");
        assert!(
            log.contains("args first | second word | tenant-1 client-1 ***"),
            "{log}"
        );
        assert!(!log.contains("hunter2") && !log.contains("did login"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_az_the_step_says_how_to_get_it() {
    let scene = Scene::new().await;
    if std::process::Command::new("az").arg("--version").output().is_ok() {
        return;
    }
    connection(&scene, "ServicePrincipal", "AzureCloud").await;
    let build = scene.run(CLI).await;
    scene.assert_result(&build, "failed").await;
    let words = issue(&scene.step(&build, "Cli").await);
    assert!(
        words.starts_with("`az` is not on this machine. Install it (`pip install azure-cli`"),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_fails_fails_the_step_and_leaves_nothing() {
    let scene = Scene::with_path(limits(), "bin").await;
    program(scene.root.path(), "az", "echo 'no such client' >&2; exit 3\n");
    connection(&scene, "ServicePrincipal", "AzureCloud").await;
    let build = scene.run(CLI).await;
    scene.assert_result(&build, "failed").await;
    let step = scene.step(&build, "Cli").await;
    let all = step["issues"].to_string();
    assert!(all.contains("`az` exited with code '3'."), "{all}");
    assert!(scene.log(&build, "Cli").await.contains("no such client"));
}
