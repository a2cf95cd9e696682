//! The list of tasks.

/// A task that runs here.
#[derive(Debug, PartialEq, Eq)]
pub struct TaskInfo {
    /// Name without version.
    pub name: &'static str,
    /// Major versions.
    pub versions: &'static [u32],
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Whether the server runs it (`pool: server`), and no agent.
    pub on_server: bool,
    /// Its inputs.
    pub inputs: &'static [TaskInput],
}

/// An input of a task.
#[derive(Debug, PartialEq, Eq)]
pub struct TaskInput {
    /// Name.
    pub name: &'static str,
    /// Whether it must be given, whatever the others are.
    pub required: bool,
    /// Default; empty for none.
    pub default: &'static str,
}

const fn input(name: &'static str, default: &'static str) -> TaskInput {
    TaskInput {
        name,
        required: false,
        default,
    }
}

const fn required(name: &'static str) -> TaskInput {
    TaskInput {
        name,
        required: true,
        default: "",
    }
}

pub(super) static TASKS: [TaskInfo; 19] = [
    TaskInfo {
        name: "TerraformTaskV4",
        versions: &[4],
        summary: "runs a Terraform command",
        on_server: false,
        inputs: &[
            input("provider", "azurerm"),
            input("command", "init"),
            input("workingDirectory", "$(System.DefaultWorkingDirectory)"),
            input("commandOptions", ""),
            input("customCommand", ""),
            input("outputTo", "console"),
            input("outputFormat", "default"),
            input("fileName", ""),
            input("publishPlan", ""),
            input("environmentServiceNameAzureRM", ""),
            input("environmentServiceNameAWS", ""),
            input("environmentServiceNameGCP", ""),
            input("environmentServiceNameOCI", ""),
            input("backendServiceArm", ""),
            input("backendAzureRmResourceGroupName", ""),
            input("backendAzureRmStorageAccountName", ""),
            input("backendAzureRmContainerName", ""),
            input("backendAzureRmKey", ""),
            input("backendAzureRmUseEnvironmentVariablesForAuthentication", "false"),
            input("backendAzureRmUseEntraIdForAuthentication", "true"),
            input("backendServiceAWS", ""),
            input("backendAWSBucketName", ""),
            input("backendAWSKey", ""),
            input("backendServiceGCP", ""),
            input("backendGCPBucketName", ""),
            input("backendGCPPrefix", ""),
            input("backendServiceOCI", ""),
            input("backendOCIPar", ""),
            input("backendOCIConfigGenerate", "yes"),
        ],
    },
    TaskInfo {
        name: "TerraformInstaller",
        versions: &[0, 1],
        summary: "puts a Terraform version into PATH",
        on_server: false,
        inputs: &[input("terraformVersion", "latest")],
    },
    TaskInfo {
        name: "CmdLine",
        versions: &[2],
        summary: "runs lines in the platform's shell",
        on_server: false,
        inputs: &[
            required("script"),
            input("workingDirectory", ""),
            input("failOnStderr", "false"),
        ],
    },
    TaskInfo {
        name: "Bash",
        versions: &[3],
        summary: "runs bash",
        on_server: false,
        inputs: &[
            input("targetType", "filePath"),
            input("filePath", ""),
            input("arguments", ""),
            input("script", ""),
            input("workingDirectory", ""),
            input("failOnStderr", "false"),
            input("bashEnvValue", ""),
        ],
    },
    TaskInfo {
        name: "PowerShell",
        versions: &[2],
        summary: "runs PowerShell, where it is installed",
        on_server: false,
        inputs: &[
            input("targetType", "filePath"),
            input("filePath", ""),
            input("arguments", ""),
            input("script", ""),
            input("workingDirectory", ""),
            input("failOnStderr", "false"),
            input("pwsh", "false"),
            input("errorActionPreference", "stop"),
            input("ignoreLASTEXITCODE", "false"),
        ],
    },
    TaskInfo {
        name: "PublishPipelineArtifact",
        versions: &[0, 1],
        summary: "keeps files of a run",
        on_server: false,
        inputs: &[
            input("targetPath", "$(Pipeline.Workspace)"),
            input("path", ""),
            input("artifact", ""),
            input("artifactName", ""),
            input("publishLocation", "pipeline"),
        ],
    },
    TaskInfo {
        name: "PublishBuildArtifacts",
        versions: &[1],
        summary: "keeps files of a run",
        on_server: false,
        inputs: &[
            input("PathtoPublish", "$(Build.ArtifactStagingDirectory)"),
            input("ArtifactName", "drop"),
            input("publishLocation", "Container"),
        ],
    },
    TaskInfo {
        name: "DownloadPipelineArtifact",
        versions: &[2],
        summary: "fetches kept files",
        on_server: false,
        inputs: &[
            input("buildType", "current"),
            input("source", ""),
            input("project", ""),
            input("pipeline", ""),
            input("definition", ""),
            input("runVersion", "latest"),
            input("buildVersionToDownload", ""),
            input("runId", ""),
            input("buildId", ""),
            input("pipelineId", ""),
            input("runBranch", ""),
            input("branchName", ""),
            input("tags", ""),
            input("artifact", ""),
            input("artifactName", ""),
            input("patterns", ""),
            input("itemPattern", ""),
            input("path", ""),
            input("targetPath", ""),
        ],
    },
    TaskInfo {
        name: "Delay",
        versions: &[1],
        summary: "waits",
        on_server: true,
        inputs: &[input("delayForMinutes", "0")],
    },
    TaskInfo {
        name: "ManualValidation",
        versions: &[0, 1],
        summary: "waits for a person",
        on_server: true,
        inputs: &[
            input("notifyUsers", ""),
            input("approvers", ""),
            input("allowApproversToApproveTheirOwnRuns", "true"),
            input("instructions", ""),
            input("onTimeout", "reject"),
        ],
    },
    TaskInfo {
        name: "InvokeRESTAPI",
        versions: &[1],
        summary: "calls a service",
        on_server: true,
        inputs: &[
            input("connectionType", "connectedServiceName"),
            input("connectedServiceName", ""),
            input("serviceConnection", ""),
            input("genericService", ""),
            input("connectedServiceNameARM", ""),
            input("azureServiceConnection", ""),
            input("method", "POST"),
            input("headers", ""),
            input("body", ""),
            input("urlSuffix", ""),
            input("waitForCompletion", "false"),
            input("successCriteria", ""),
        ],
    },
    TaskInfo {
        name: "CopyFiles",
        versions: &[2],
        summary: "copies files inside the workspace",
        on_server: false,
        inputs: &[
            input("SourceFolder", ""),
            input("Contents", "**"),
            required("TargetFolder"),
            input("CleanTargetFolder", "false"),
            input("OverWrite", "false"),
            input("flattenFolders", "false"),
            input("preserveTimestamp", "false"),
            input("retryCount", "0"),
            input("delayBetweenRetries", "1000"),
            input("ignoreMakeDirErrors", "false"),
        ],
    },
    TaskInfo {
        name: "DeleteFiles",
        versions: &[1],
        summary: "removes files and folders of the workspace",
        on_server: false,
        inputs: &[
            input("SourceFolder", ""),
            input("Contents", "myFileShare"),
            input("RemoveSourceFolder", "false"),
            input("RemoveDotFiles", "false"),
        ],
    },
    TaskInfo {
        name: "ArchiveFiles",
        versions: &[2],
        summary: "packs files",
        on_server: false,
        inputs: &[
            input("rootFolderOrFile", "$(Build.BinariesDirectory)"),
            input("includeRootFolder", "true"),
            input("archiveType", "zip"),
            input("tarCompression", "gz"),
            input(
                "archiveFile",
                "$(Build.ArtifactStagingDirectory)/$(Build.BuildId).zip",
            ),
            input("replaceExistingArchive", "true"),
            input("verbose", "false"),
            input("quiet", "false"),
        ],
    },
    TaskInfo {
        name: "ExtractFiles",
        versions: &[1],
        summary: "unpacks archives",
        on_server: false,
        inputs: &[
            input("archiveFilePatterns", "**/*.zip"),
            required("destinationFolder"),
            input("cleanDestinationFolder", "true"),
            input("overwriteExistingFiles", "false"),
        ],
    },
    TaskInfo {
        name: "AzureCLI",
        versions: &[2],
        summary: "runs a script with `az` signed in, where that is installed",
        on_server: false,
        inputs: &[
            input("azureSubscription", ""),
            input("connectedServiceNameARM", ""),
            required("scriptType"),
            input("scriptLocation", "scriptPath"),
            input("scriptPath", ""),
            input("inlineScript", ""),
            input("arguments", ""),
            input("scriptArguments", ""),
            input("addSpnToEnvironment", "false"),
            input("useGlobalConfig", "false"),
            input("workingDirectory", ""),
            input("cwd", ""),
            input("failOnStandardError", "false"),
            input("visibleAzLogin", "true"),
            input("keepAzSessionActive", "false"),
            input("powerShellErrorActionPreference", "stop"),
            input("powerShellIgnoreLASTEXITCODE", "false"),
        ],
    },
    TaskInfo {
        name: "UsePythonVersion",
        versions: &[0],
        summary: "puts an installed Python into PATH",
        on_server: false,
        inputs: &[
            input("versionSpec", "3.x"),
            input("disableDownloadFromRegistry", "false"),
            input("allowUnstable", "false"),
            input("githubToken", ""),
            input("addToPath", "true"),
            input("architecture", "x64"),
        ],
    },
    TaskInfo {
        name: "NodeTool",
        versions: &[0],
        summary: "puts an installed Node.js into PATH",
        on_server: false,
        inputs: &[
            input("versionSource", "spec"),
            input("versionSpec", "6.x"),
            input("versionFilePath", ""),
            input("checkLatest", "false"),
            input("force32bit", "false"),
            input("nodejsMirror", ""),
        ],
    },
    TaskInfo {
        name: "UseNode",
        versions: &[1],
        summary: "puts an installed Node.js into PATH",
        on_server: false,
        inputs: &[
            input("version", "10.x"),
            input("checkLatest", "false"),
            input("force32bit", "false"),
        ],
    },
];
