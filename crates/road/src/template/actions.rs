//! Inputs of the actions that upstream and its common modules have, for templates that are written for them.

use pave_template::action::{ActionSpec, Effect};
use serde_json::{Map, Value, json};

/// Action and its inputs; one that ends in `!` must be given.
const UPSTREAM: &[(&str, &str)] = &[
    ("fetch:plain", "url! targetPath token"),
    ("fetch:plain:file", "url! targetPath! token"),
    (
        "fetch:template",
        "url! targetPath values copyWithoutTemplating copyWithoutRender cookiecutterCompat templateFileExtension replace trimBlocks lstripBlocks token",
    ),
    (
        "fetch:template:file",
        "url! targetPath! values cookiecutterCompat replace trimBlocks lstripBlocks token",
    ),
    (
        "catalog:register",
        "catalogInfoUrl repoContentsUrl catalogInfoPath optional",
    ),
    ("catalog:write", "filePath entity!"),
    (
        "catalog:fetch",
        "entityRef entityRefs optional defaultKind defaultNamespace",
    ),
    ("debug:log", "message listWorkspace"),
    ("debug:wait", "minutes seconds milliseconds"),
    ("fs:delete", "files!"),
    ("fs:rename", "files!"),
    ("fs:readdir", "paths! recursive"),
    (
        "publish:github",
        "repoUrl! description homepage access repoVisibility defaultBranch protectDefaultBranch protectEnforceAdmins \
         requiredApprovingReviewCount requireCodeOwnerReviews dismissStaleReviews requiredStatusCheckContexts \
         requireBranchesToBeUpToDate requiredConversationResolution requireLastPushApproval bypassPullRequestAllowances \
         deleteBranchOnMerge gitCommitMessage gitAuthorName gitAuthorEmail allowMergeCommit allowSquashMerge \
         allowRebaseMerge allowAutoMerge allowUpdateBranch squashMergeCommitTitle squashMergeCommitMessage sourcePath \
         collaborators hasProjects hasWiki hasIssues topics repoVariables secrets oidcCustomization customProperties \
         requiredCommitSigning requiredLinearHistory token subscribe",
    ),
    (
        "publish:github:pull-request",
        "repoUrl! branchName! title! description! targetBranchName sourcePath targetPath filesToDelete draft reviewers \
         teamReviewers assignees commitMessage update forceFork createWhenEmpty forceEmptyGitAuthor gitAuthorName \
         gitAuthorEmail token",
    ),
    (
        "publish:azure",
        "repoUrl! description defaultBranch sourcePath token gitCommitMessage gitAuthorName gitAuthorEmail signCommit",
    ),
    (
        "pave:repo:commit",
        "repoUrl remoteUrl branch filePath content files sourcePath targetPath filesToDelete commitMessage gitAuthorName \
         gitAuthorEmail",
    ),
];

/// The actions given, and upstream's that are not among them.
pub(super) fn with_upstream(given: &[ActionSpec]) -> Vec<ActionSpec> {
    let missing = UPSTREAM
        .iter()
        .filter(|(id, _)| given.iter().all(|spec| spec.id != *id));
    given
        .iter()
        .cloned()
        .chain(missing.map(|(id, inputs)| spec(id, inputs)))
        .collect()
}

fn spec(id: &str, inputs: &str) -> ActionSpec {
    let required: Vec<&str> = inputs
        .split_whitespace()
        .filter_map(|name| name.strip_suffix('!'))
        .collect();
    let names = inputs.split_whitespace().map(|name| name.trim_end_matches('!'));
    let properties: Map<String, Value> = names.map(|name| (name.to_owned(), json!({}))).collect();
    ActionSpec {
        id: id.to_owned(),
        description: String::new(),
        input: json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false }),
        output: json!({}),
        examples: Vec::new(),
        supports_dry_run: false,
        effect: Effect::Once,
    }
}
