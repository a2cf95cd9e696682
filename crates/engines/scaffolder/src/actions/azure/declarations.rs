//! What the actions of the three families declare.

use super::super::schema::{Property, declare};
use super::super::{BuiltIn, Outcome};
use super::{clone, pipeline, publish, pull_request, push};
use crate::action::Effect;

const REMOTE: Property = (
    "remoteUrl!",
    "string",
    "The Git URL of the repository. A user in it is ignored",
);
const CLONED_BRANCH: Property = ("branch", "string", "The branch to check out. Default: main");
const CLONE_TARGET: Property = (
    "targetPath",
    "string",
    "The subdirectory of the workspace to clone the repository into. Default: the workspace itself",
);
const SERVER: Property = (
    "server",
    "string",
    "The host of Azure DevOps, with its port. Default: the host that this task cloned the repository from, else dev.azure.com",
);
const TOKEN: Property = (
    "token",
    "string",
    "The token to use instead of the person's or the integration's",
);
const PUSH: [Property; 5] = [
    (
        "branch",
        "string",
        "The branch to push to; it is made when it does not exist. Default: scaffolder",
    ),
    (
        "sourcePath",
        "string",
        "The subdirectory of the workspace that holds the cloned repository",
    ),
    (
        "gitCommitMessage",
        "string",
        "The message of the commit. Default: the configured one, else Initial commit",
    ),
    (
        "gitAuthorName",
        "string",
        "Name of the author. Default: the person who runs the template",
    ),
    (
        "gitAuthorEmail",
        "string",
        "Mail address of the author. Default: that of the person who runs the template",
    ),
];
const PUSHED: [Property; 7] = [
    ("remoteUrl", "string", "The clone URL"),
    ("repoContentsUrl", "string", "A URL to look at the branch"),
    ("branch", "string", "The branch"),
    ("commitHash", "string", "The commit"),
    ("filePaths", "strings", "Paths that differ from what was cloned"),
    (
        "changedFilePaths",
        "strings",
        "Paths of those that stood in the branch before and were changed",
    ),
    (
        "sharedWith",
        "strings",
        "Changes of others that the branch held before, in words",
    ),
];
const PULL_REQUEST: [Property; 8] = [
    (
        "organization",
        "string",
        "The organization. Default: that of the repository that was cloned",
    ),
    (
        "sourceBranch",
        "string",
        "The branch to merge. Default: scaffolder",
    ),
    (
        "targetBranch",
        "string",
        "The branch to merge into. Default: main",
    ),
    ("title!", "string", "The title of the pull request"),
    ("description", "string", "The description of the pull request"),
    (
        "supportsIterations",
        "boolean",
        "Whether later pushes are kept apart as iterations",
    ),
    (
        "autoComplete",
        "boolean",
        "Completes the pull request once its policies are met, and deletes the source branch",
    ),
    TOKEN,
];
const OPENED: [Property; 3] = [
    ("pullRequestId", "number", "The id of the pull request"),
    ("pullRequestUrl", "string", "The page of the pull request"),
    (
        "existing",
        "boolean",
        "Whether it was open before; this change is then part of it",
    ),
];
const PLACE: [Property; 4] = [
    (
        "host",
        "string",
        "The host of Azure DevOps. Default: dev.azure.com",
    ),
    ("organization!", "string", "The organization"),
    ("project!", "string", "The project"),
    TOKEN,
];

const CLONE_TEXT: &str = "Clone an Azure repository into the workspace directory.";
const PUSH_TEXT: &str = "Push the content in the workspace to a remote Azure repository. It is committed once, also when the task is interrupted, and never forced.";
const PULL_REQUEST_TEXT: &str = "Create a PR to a repository in Azure DevOps. Where one is open for the two branches already, that one is taken, and said so.";

const CLONE_EXAMPLE: &str = "remoteUrl: https://dev.azure.com/acme/platform/_git/infrastructure\nbranch: main\ntargetPath: ./sub-directory";
const PUSH_EXAMPLE: &str = "branch: request-${{ parameters.name }}\nsourcePath: ./sub-directory\ngitCommitMessage: Add ${{ parameters.name }}";

pub(in super::super) fn actions() -> Vec<BuiltIn> {
    let mut all = repositories();
    all.extend(publishing());
    all.extend(pipelines());
    all
}

/// `azure:repo:*` of the Parfümerie Douglas module, and the same under the community module's names.
fn repositories() -> Vec<BuiltIn> {
    let with = |parts: &[&[Property]]| parts.concat();
    let clone = |id, more: &[Property]| {
        let input = with(&[&[REMOTE, CLONED_BRANCH, CLONE_TARGET, TOKEN], more]);
        let output = [("cloneFullPath", "string", "The directory that holds the files")];
        declare(id, CLONE_TEXT, &input, &output, |context| {
            Box::pin(clone::run(context)) as Outcome<'_>
        })
        .with_example("Clone a repository", CLONE_EXAMPLE)
    };
    let push = |id, more: &[Property]| {
        declare(id, PUSH_TEXT, &with(&[&PUSH, more]), &PUSHED, |context| {
            Box::pin(push::run(context)) as Outcome<'_>
        })
        .with_effect(Effect::Keyed)
        .with_example("Push to a branch of its own", PUSH_EXAMPLE)
    };
    let pull_request = |id, more: &[Property], example: &str| {
        let input = with(&[&PULL_REQUEST, &[SERVER], more]);
        declare(id, PULL_REQUEST_TEXT, &input, &OPENED, |context| {
            Box::pin(pull_request::run(context)) as Outcome<'_>
        })
        .with_effect(Effect::Keyed)
        .with_example("Open a pull request", example)
    };
    let depth = (
        "cloneDepth",
        "number",
        "Taken for compatibility; the files are the same",
    );
    let remote = (
        "remoteUrl",
        "string",
        "Taken for compatibility; the clone says where it came from",
    );
    vec![
        clone("azure:repo:clone", &[SERVER]),
        clone("azure:repository:clone", &[depth]),
        push("azure:repo:push", &[]),
        push("azure:repository:push", &[remote, TOKEN]),
        pull_request(
            "azure:repo:pr",
            &[
                (
                    "project",
                    "string",
                    "The project. Default: that of the repository that was cloned",
                ),
                ("repoId!", "string", "The repository, by its name or id"),
            ],
            "repoId: infrastructure\norganization: acme\nproject: platform\nsourceBranch: request-${{ parameters.name }}\ntargetBranch: main\ntitle: ${{ parameters.name }}",
        ),
        pull_request(
            "azure:pr:create",
            &[
                ("project!", "string", "The project"),
                ("repoName!", "string", "The repository, by its name or id"),
                (
                    "mergeStrategy",
                    "string",
                    "How an automatic completion merges: Rebase, RebaseMerge, Squash or NoFastForward",
                ),
                (
                    "workItemId",
                    "string",
                    "The work item to associate with the pull request",
                ),
            ],
            "repoName: infrastructure\norganization: acme\nproject: platform\nsourceBranch: request-${{ parameters.name }}\ntargetBranch: main\ntitle: ${{ parameters.name }}",
        ),
    ]
}

const REPOSITORY: Property = (
    "repoUrl!",
    "string",
    "`<host>?organization=<o>&project=<p>&repo=<r>`",
);

/// Backstage's own.
fn publishing() -> Vec<BuiltIn> {
    vec![new_repository(), proposed_change()]
}

fn new_repository() -> BuiltIn {
    let input = [
        REPOSITORY,
        ("description", "string", "Description of the repository"),
        (
            "defaultBranch",
            "string",
            "The branch that the repository opens with. Default: master",
        ),
        (
            "sourcePath",
            "string",
            "Directory of the workspace that becomes the repository. Default: all of it",
        ),
        (
            "gitCommitMessage",
            "string",
            "The message of the commit. Default: initial commit",
        ),
        ("signCommit", "boolean", "Not supported"),
        TOKEN,
        PUSH[3],
        PUSH[4],
    ];
    let output = [
        ("remoteUrl", "string", "The clone URL"),
        ("repoContentsUrl", "string", "A URL to the root of the repository"),
        ("repositoryId", "string", "The id of the repository"),
        ("commitHash", "string", "The commit"),
    ];
    declare(
        "publish:azure",
        "Initializes a git repository of the content in the workspace, and publishes it to Azure.",
        &input,
        &output,
        |context| Box::pin(publish::repository(context)) as Outcome<'_>,
    )
    .with_effect(Effect::Keyed)
    .with_example(
        "Publish the workspace as a new repository",
        "repoUrl: dev.azure.com?organization=acme&project=platform&repo=orders\ndefaultBranch: main",
    )
}

fn proposed_change() -> BuiltIn {
    let input = [
        REPOSITORY,
        (
            "branchName!",
            "string",
            "The branch to push to; it is made when it does not exist",
        ),
        (
            "targetBranchName",
            "string",
            "The branch to merge into. Default: the repository's default branch",
        ),
        ("title!", "string", "The title of the pull request"),
        ("description", "string", "The description of the pull request"),
        ("draft", "boolean", "Opens the pull request as a draft"),
        (
            "sourcePath",
            "string",
            "Directory of the workspace whose files are committed. Default: all of it",
        ),
        (
            "targetPath",
            "string",
            "Directory of the repository that they go to. Default: its root",
        ),
        ("filesToDelete", "strings", "Paths of the repository to delete"),
        ("reviewers", "strings", "Ids of reviewers"),
        (
            "update",
            "boolean",
            "Adds to a branch that holds another change already",
        ),
        (
            "createWhenEmpty",
            "boolean",
            "Opens the pull request also when nothing differs",
        ),
        (
            "commitMessage",
            "string",
            "The message of the commit. Default: the title",
        ),
        TOKEN,
        PUSH[3],
        PUSH[4],
    ];
    let output = [
        ("targetBranchName", "string", "The branch that it is merged into"),
        ("remoteUrl", "string", "The page of the pull request"),
        ("pullRequestNumber", "number", "The id of the pull request"),
        OPENED[0],
        OPENED[1],
        OPENED[2],
        ("commitHash", "string", "The commit"),
        PUSHED[5],
    ];
    declare(
        "publish:azure:pull-request",
        "Commits files to a branch of an Azure repository and opens a pull request.",
        &input,
        &output,
        |context| Box::pin(publish::change(context)) as Outcome<'_>,
    )
    .with_effect(Effect::Keyed)
    .with_example(
        "Propose a change",
        "repoUrl: dev.azure.com?organization=acme&project=platform&repo=infrastructure\nbranchName: request-${{ parameters.name }}\ntitle: Add ${{ parameters.name }}\ndescription: Asked for by ${{ user.ref }}",
    )
}

/// `azure:pipeline:*` of both modules, which differ in the names of their inputs.
fn pipelines() -> Vec<BuiltIn> {
    let with = |more: &[Property]| [&PLACE[..], more].concat();
    let id: Property = ("pipelineId!", "string", "The id of the pipeline");
    vec![
        declare(
            "azure:pipeline:create",
            "Creates a pipeline from a YAML file of a repository.",
            &with(&[
                ("name", "string", "Name of the pipeline"),
                ("pipelineName", "string", "The same, by another name"),
                ("folder", "string", "Folder of the pipeline. Default: the root"),
                ("pipelineFolder", "string", "The same, by another name"),
                ("repositoryId", "string", "Id of the repository"),
                ("repositoryName", "string", "Name of the repository"),
                ("repository", "string", "The same, by another name"),
                ("yamlPath", "string", "Path of the YAML file. Default: /azure-pipelines.yaml"),
                ("pipelineYamlFile", "string", "The same, by another name"),
                ("branch", "string", "Branch of the repository"),
                ("pipelineAgentPoolName", "string", "Taken for compatibility; the YAML file names the pool"),
                ("createApiVersion", "string", "Taken for compatibility"),
            ]),
            &[
                ("pipelineId", "string", "The id of the pipeline"),
                ("pipelineUrl", "string", "The page of the pipeline"),
            ],
            |context| Box::pin(pipeline::create(context)) as Outcome<'_>,
        )
        .with_effect(Effect::Keyed)
        .with_example(
            "Create a pipeline",
            "organization: acme\nproject: platform\nname: infrastructure\nrepositoryName: infrastructure\nyamlPath: /azure-pipelines.yml",
        ),
        declare(
            "azure:pipeline:permit",
            "Lets a pipeline use a resource, such as a service connection, or takes that away.",
            &with(&[
                id,
                ("resourceId!", "string", "The id of the resource"),
                ("resourceType!", "string", "endpoint, variablegroup, environment, queue, repository or securefile"),
                ("authorized", "boolean", "Whether it may. Default: true"),
                ("apiVersion", "string", "Taken for compatibility"),
                ("permitsApiVersion", "string", "Taken for compatibility"),
            ]),
            &[],
            |context| Box::pin(pipeline::permit(context)) as Outcome<'_>,
        )
        .with_example(
            "Let a pipeline use a service connection",
            "organization: acme\nproject: platform\npipelineId: \"12\"\nresourceId: 3fa85f64-5717-4562-b3fc-2c963f66afa6\nresourceType: endpoint\nauthorized: true",
        ),
        declare(
            "azure:pipeline:run",
            "Runs a pipeline, and waits for its end if it is told to.",
            &with(&[
                id,
                ("branch", "string", "The branch to run on"),
                ("pipelineParameters", "object", "Values of the pipeline's parameters"),
                ("templateParameters", "object", "The same, by another name"),
                ("pollingInterval", "number", "Seconds between two looks at the run; 0 does not wait. Default: 0"),
                ("pipelineTimeout", "number", "Seconds to wait at most. Default: 3600"),
                ("failIfNotSuccessful", "boolean", "Fails the step when the run does not succeed"),
                ("runApiVersion", "string", "Taken for compatibility"),
                ("buildApiVersion", "string", "Taken for compatibility"),
            ]),
            &[
                ("pipelineRunUrl", "string", "The page of the run"),
                ("pipelineRunId", "number", "The id of the run"),
                ("pipelineRunStatus", "string", "canceled, failed, succeeded or unknown"),
                ("pipelineTimeoutExceeded", "boolean", "Whether it did not end in time"),
                ("pipelineOutput", "object", "Output variables"),
            ],
            |context| Box::pin(pipeline::run(context)) as Outcome<'_>,
        )
        .with_effect(Effect::Once)
        .with_example(
            "Run a pipeline",
            "organization: acme\nproject: platform\npipelineId: \"12\"\nbranch: main",
        ),
    ]
}
