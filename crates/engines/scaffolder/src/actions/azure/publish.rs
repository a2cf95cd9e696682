//! `publish:azure` and `publish:azure:pull-request`: Backstage's own names for a new repository, and for a change of
//! one that exists.

use pave_git::{Commit, CommitInfo, Mirror, Remote};
use pave_hosts::devops::{CreatedRepository, DevOpsError, NewPullRequest};
use pave_names::annotation::STEP_TRAILER;
use pave_template::repository::RepositoryUrl;
use serde_json::{Map, Value, json};
use url::Url;

use super::super::copies::fetched;
use super::super::existing;
use super::super::publishing::{self, Commitment, copy_of, failed, publish};
use super::target::{Target, at};
use super::{changes, leftovers, pull_request};
use crate::action::{ActionContext, ActionError, Outputs};
use crate::model::PlannedFile;
use crate::workspace::Checkout;

/// Upstream's branch of a new repository.
const BRANCH: &str = "master";
/// The tree without files, which every repository knows.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
/// Commits among which a step looks for its own.
const HISTORY: usize = 50;

fn clone_url(context: &ActionContext<'_>) -> Result<Url, ActionError> {
    let text = context.text("repoUrl").unwrap_or_default();
    let parsed = RepositoryUrl::parse(text).map_err(ActionError::input)?;
    for (part, missing) in [
        (
            "organization",
            parsed.organization.is_none() && parsed.owner.is_none(),
        ),
        ("project", parsed.project.is_none()),
    ] {
        if missing {
            return Err(ActionError::input(format!(
                "Invalid URL provider was included in the repo URL to create {text}, missing {part}"
            )));
        }
    }
    let url = parsed.azure_remote().unwrap_or_default();
    Url::parse(&url).map_err(|error| ActionError::input(format!("`{url}` is not a URL: {error}")))
}

/// The files of `sourcePath`, by the paths that they get in the repository.
async fn files(
    context: &ActionContext<'_>,
    mirror: &Mirror,
    branch: &str,
    target: &str,
) -> Result<Vec<PlannedFile>, ActionError> {
    let directory = context
        .workspace
        .resolve(context.text("sourcePath").unwrap_or("./"))?;
    if !directory.is_dir() {
        let path = context.workspace.relative(&directory);
        return Err(ActionError::input(format!("`{path}` is not a directory")));
    }
    let base = Commit::parse(EMPTY_TREE).map_err(|error| failed(&error))?;
    let place = (mirror.remote().url.as_str(), branch);
    let mut files = changes::since(context, mirror, &base, &directory, place).await?;
    let prefix = target.trim_start_matches("./").trim_matches('/');
    if !prefix.is_empty() && prefix != "." {
        for file in &mut files {
            file.path = format!("{prefix}/{}", file.path);
        }
    }
    Ok(files)
}

/// `publish:azure`.
pub(super) async fn repository(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let url = clone_url(context)?;
    if context.flag("signCommit") {
        return Err(ActionError::input(
            "signCommit: commits cannot be signed here; leave it out, or sign where the repository is",
        ));
    }
    let branch = context.text("defaultBranch").unwrap_or(BRANCH);
    let remote = publishing::remote(context, &url).await?;
    if context.dry_run {
        let copy = Mirror::open(&copy_of(context, url.as_str(), "-read")?, remote.clone()).await;
        let files = files(context, &copy.map_err(|error| failed(&error))?, branch, "").await?;
        context
            .log(&format!("Would create {url} with {} files", files.len()))
            .await;
        context.plan(&files);
        return Ok(repository_outputs(
            url.as_str(),
            url.as_str(),
            "<example>",
            "<example>",
        ));
    }
    let target = at(context, &url).await?;
    let created = create(context, &target, &remote, branch).await?;
    let mirror = Mirror::open(&copy_of(context, url.as_str(), "-read")?, remote.clone())
        .await
        .map_err(|error| failed(&error))?;
    let files = files(context, &mirror, branch, "").await?;
    let wanted = Commitment {
        remote: &remote,
        branch,
        message: context.text("gitCommitMessage").unwrap_or("initial commit"),
        files: &files,
    };
    let published = publish(context, &wanted).await?;
    open_with(context, &target, &created, branch).await;
    Ok(repository_outputs(
        &created.remote_url,
        &created.web_url,
        &created.id,
        published.commit.as_str(),
    ))
}

fn repository_outputs(remote: &str, web: &str, id: &str, commit: &str) -> Outputs {
    Map::from_iter([
        ("remoteUrl".to_owned(), Value::from(remote)),
        ("repoContentsUrl".to_owned(), Value::from(web)),
        ("repositoryId".to_owned(), Value::from(id)),
        ("commitHash".to_owned(), Value::from(commit)),
    ])
}

/// Makes the repository. One that is there is taken only if this very step made it: empty, or with its commit.
async fn create(
    context: &ActionContext<'_>,
    target: &Target,
    remote: &Remote,
    branch: &str,
) -> Result<CreatedRepository, ActionError> {
    let (project, name) = (target.project.as_str(), target.repository.as_str());
    let refusal = match target.client.create_repository(project, name).await {
        Ok(created) => {
            context
                .log(&format!("Created repository {name} in project {project}"))
                .await;
            context
                .interruption(&format!("created {}", context.step_id))
                .await;
            return Ok(created);
        }
        Err(DevOpsError::Conflict { message, .. }) => message,
        Err(error) => return Err(error.into()),
    };
    let present = target.client.repository(project, name).await?;
    let is_ours = match fetched(context, remote).await {
        Ok(mirror) => holds_own(context, &mirror, branch)
            .await
            .unwrap_or(present.default_branch.is_none()),
        Err(_) => false,
    };
    if is_ours {
        context
            .log(&format!(
                "Repository {name} is there already, and goes on from there"
            ))
            .await;
        return Ok(present);
    }
    Err(ActionError::new(
        "ConflictError",
        format!("{refusal} To change a repository that exists, use `publish:azure:pull-request`."),
    ))
}

/// Whether the branch has this step's commit; nothing when there is no such branch.
async fn holds_own(context: &ActionContext<'_>, mirror: &Mirror, branch: &str) -> Option<bool> {
    let tip = mirror.resolve(&format!("refs/heads/{branch}")).await.ok()?;
    let log = mirror.log(&tip, None, HISTORY).await.ok()?;
    let is_own = |commit: &CommitInfo| commit.trailer(STEP_TRAILER) == Some(&context.step_key);
    Some(log.iter().any(is_own))
}

/// Hosts open a repository with the first branch that was pushed, as a rule; where that is another, this says so.
async fn open_with(context: &ActionContext<'_>, target: &Target, created: &CreatedRepository, branch: &str) {
    let wanted = format!("refs/heads/{branch}");
    let now = target.client.repository(&target.project, &created.id).await;
    if now.is_ok_and(|now| now.default_branch.as_deref() == Some(&wanted)) {
        return;
    }
    let set = target
        .client
        .set_default_branch(&target.project, &created.id, branch)
        .await;
    if let Err(error) = set {
        context
            .log(&format!("warn: `{branch}` is not the default branch: {error}"))
            .await;
    }
}

/// `publish:azure:pull-request`.
pub(super) async fn change(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let url = clone_url(context)?;
    let branch = context.text("branchName").unwrap_or_default();
    let branch = branch.trim_start_matches("refs/heads/");
    let remote = publishing::remote(context, &url).await?;
    let mirror = fetched(context, &remote).await.map_err(|error| failed(&error))?;
    let target = at(context, &url).await?;
    let into = match context.text("targetBranchName") {
        Some(name) => name.to_owned(),
        None => default_branch(&target).await?,
    };
    let base = mirror
        .resolve(&format!("refs/heads/{into}"))
        .await
        .map_err(|error| failed(&error))?;
    let mut files = files(
        context,
        &mirror,
        branch,
        context.text("targetPath").unwrap_or_default(),
    )
    .await?;
    files.extend(deleted(context, &url, branch)?);
    let files = different(&mirror, &base, files).await?;
    let wanted = wanted(context, branch, &into);
    if files.is_empty() && !context.flag("createWhenEmpty") {
        context
            .log(&format!(
                "Nothing differs from `{into}`; no pull request is needed"
            ))
            .await;
        return Ok(Map::from_iter([(
            "targetBranchName".to_owned(),
            Value::from(into),
        )]));
    }
    if context.dry_run {
        context.plan(&files);
        context.find(existing::foresee(context, &remote, &into, &files).await);
        return Ok(Map::from_iter([
            ("targetBranchName".to_owned(), Value::from(into)),
            ("remoteUrl".to_owned(), Value::from("<example>")),
            ("pullRequestNumber".to_owned(), Value::from(0)),
            ("pullRequestId".to_owned(), Value::from(0)),
        ]));
    }
    let checkout = Checkout {
        path: String::new(),
        remote: url.to_string(),
        branch: into.clone(),
        commit: base.to_string(),
    };
    let standing = leftovers::standing(context, &mirror, &base, branch).await?;
    if !context.flag("update") && !standing.foreign.is_empty() {
        let what = standing.foreign.first().map(existing::words).unwrap_or_default();
        return Err(ActionError::new(
            "ConflictError",
            format!(
                "branch `{branch}` exists already and holds {what}; choose another `branchName`, or set `update: true` to add to it"
            ),
        ));
    }
    leftovers::tell(context, &mirror, &checkout, branch, &standing, &files).await;
    leftovers::begin(context, &mirror, &remote, &checkout, branch, &standing).await?;
    let commitment = Commitment {
        remote: &remote,
        branch,
        message: context.text("commitMessage").unwrap_or(&wanted.title),
        files: &files,
    };
    let published = publish(context, &commitment).await?;
    let opened = pull_request::open(context, &target, &wanted).await?;
    let mut outputs = pull_request::outputs(&opened);
    outputs.insert(
        "pullRequestNumber".to_owned(),
        Value::from(opened.pull_request.id),
    );
    outputs.insert(
        "remoteUrl".to_owned(),
        Value::from(opened.pull_request.web_url.as_str()),
    );
    outputs.insert("targetBranchName".to_owned(), Value::from(into));
    outputs.insert("commitHash".to_owned(), Value::from(published.commit.as_str()));
    outputs.insert("changedFilePaths".to_owned(), json!(published.changed));
    Ok(outputs)
}

fn wanted(context: &ActionContext<'_>, branch: &str, into: &str) -> NewPullRequest {
    NewPullRequest {
        source: branch.to_owned(),
        target: into.to_owned(),
        title: context.text("title").unwrap_or_default().to_owned(),
        description: context.text("description").unwrap_or_default().to_owned(),
        draft: context.flag("draft"),
        supports_iterations: None,
        reviewers: context.texts("reviewers").map(str::to_owned).collect(),
        work_items: Vec::new(),
    }
}

async fn default_branch(target: &Target) -> Result<String, ActionError> {
    let repository = target
        .client
        .repository(&target.project, &target.repository)
        .await?;
    let name = repository.default_branch.unwrap_or_else(|| "main".to_owned());
    Ok(name.trim_start_matches("refs/heads/").to_owned())
}

fn deleted(context: &ActionContext<'_>, url: &Url, branch: &str) -> Result<Vec<PlannedFile>, ActionError> {
    let mut found = Vec::new();
    for path in context.texts("filesToDelete") {
        let path = pave_git::check_path(path.trim_start_matches("./").trim_start_matches('/'))
            .map_err(|error| failed(&error))?;
        found.push(PlannedFile {
            repository: url.to_string(),
            branch: branch.to_owned(),
            path,
            content: None,
            executable: false,
            pieces: Vec::new(),
            path_pieces: Vec::new(),
            step: context.step_id.to_owned(),
        });
    }
    Ok(found)
}

/// Leaves out what the target branch has in the same form.
async fn different(
    mirror: &Mirror,
    base: &Commit,
    files: Vec<PlannedFile>,
) -> Result<Vec<PlannedFile>, ActionError> {
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let present = mirror
        .read_many(base, &paths)
        .await
        .map_err(|error| failed(&error))?;
    let is_same = |file: &PlannedFile| {
        let there = present.iter().find(|(path, _)| *path == file.path);
        there.map(|(_, content)| content) == file.content.as_ref()
    };
    Ok(files.into_iter().filter(|file| !is_same(file)).collect())
}
