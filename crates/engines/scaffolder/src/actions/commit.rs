//! `pave:repo:commit`: files to a branch of a repository, in one step and exactly once.

use pave_template::provenance::Piece;
use pave_template::repository::RepositoryUrl;
use serde_json::{Map, Value, json};
use url::Url;

use super::publishing::{self, Commitment, publish, without_user};
use super::schema::declare;
use super::{BuiltIn, Outcome, existing};
use crate::action::{ActionContext, ActionError, Effect, Outputs};
use crate::model::PlannedFile;

pub(super) fn actions() -> Vec<BuiltIn> {
    vec![
        declare(
            "pave:repo:commit",
            "Commits files to a branch of an existing repository. The author is the person who runs the template.",
            &[
                ("repoUrl", "string", "`<host>?organization=<o>&project=<p>&repo=<r>` or `<host>?owner=<o>&repo=<r>`"),
                ("remoteUrl", "string", "The clone URL, instead of repoUrl"),
                ("branch", "string", "The branch; it is made when it does not exist. Default: main"),
                ("filePath", "string", "Path of the one file to commit, with `content`"),
                ("content", "string", "Content of the one file to commit"),
                ("files", "array", "Files to commit: path, content"),
                ("sourcePath", "string", "Directory or file of the workspace to commit"),
                ("targetPath", "string", "Directory of the repository that sourcePath goes to. Default: its root"),
                ("filesToDelete", "strings", "Paths of the repository to delete"),
                ("commitMessage", "string", "The message of the commit"),
                ("gitAuthorName", "string", "Name of the author, instead of the person's"),
                ("gitAuthorEmail", "string", "Mail address of the author, instead of the person's"),
            ],
            &[
                ("remoteUrl", "string", "The clone URL"),
                ("repoContentsUrl", "string", "A URL to look at the branch"),
                ("commitHash", "string", "The commit"),
                ("filePaths", "strings", "Paths of the files"),
                ("changedFilePaths", "strings", "Paths of those that existed before and were changed"),
            ],
            |context| Box::pin(commit(context)) as Outcome<'_>,
        )
        .with_schema("files", files_schema())
        .with_effect(Effect::Keyed)
        .with_example(
            "Commit one file",
            "repoUrl: dev.azure.com?organization=acme&project=platform&repo=platform-configs\nfilePath: environments/${{ parameters.name }}.yaml\ncontent: |\n  name: ${{ parameters.name }}\ncommitMessage: Add ${{ parameters.name }}",
        ),
    ]
}

fn files_schema() -> Value {
    json!({
        "type": "array",
        "description": "Files to commit",
        "items": {
            "type": "object",
            "required": ["path", "content"],
            "properties": { "path": { "type": "string" }, "content": { "type": "string" }, "executable": { "type": "boolean" } },
        },
    })
}

/// Where the files go.
struct Target {
    remote: Url,
    contents: String,
    branch: String,
}

async fn commit(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let target = target(context)?;
    let files = files(context, &target)?;
    if files.is_empty() {
        return Err(ActionError::input(
            "there is nothing to commit: give `filePath` and `content`, `files`, `sourcePath` or `filesToDelete`",
        ));
    }
    let remote = publishing::remote(context, &target.remote).await?;
    let (commit, changed) = if context.dry_run {
        context
            .log(&format!(
                "Would commit {} files to {} of {}",
                files.len(),
                target.branch,
                target.remote
            ))
            .await;
        context.plan(&files);
        context.find(existing::foresee(context, &remote, &target.branch, &files).await);
        ("<example>".to_owned(), Vec::new())
    } else {
        let wanted = Commitment {
            remote: &remote,
            branch: &target.branch,
            message: context
                .text("commitMessage")
                .unwrap_or(&context.services.defaults.commit_message),
            files: &files,
        };
        let published = publish(context, &wanted).await?;
        (published.commit.to_string(), published.changed)
    };
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    Ok(Map::from_iter([
        ("remoteUrl".to_owned(), Value::from(target.remote.as_str())),
        ("repoContentsUrl".to_owned(), Value::from(target.contents)),
        ("commitHash".to_owned(), Value::from(commit)),
        ("filePaths".to_owned(), json!(paths)),
        ("changedFilePaths".to_owned(), json!(changed)),
    ]))
}

fn target(context: &ActionContext<'_>) -> Result<Target, ActionError> {
    let branch = context.text("branch").unwrap_or("main").to_owned();
    let url = match (context.text("remoteUrl"), context.text("repoUrl")) {
        (Some(url), _) => url.to_owned(),
        (None, Some(text)) => remote_of(&RepositoryUrl::parse(text).map_err(ActionError::input)?)
            .ok_or_else(|| ActionError::input(format!("`{text}` names no owner or organization")))?,
        (None, None) => return Err(ActionError::input("`repoUrl` or `remoteUrl` is required")),
    };
    let mut remote =
        Url::parse(&url).map_err(|error| ActionError::input(format!("`{url}` is not a URL: {error}")))?;
    without_user(&mut remote);
    let plain = remote.as_str().trim_end_matches(".git");
    let contents = if url.contains("/_git/") {
        format!("{plain}?version=GB{branch}")
    } else {
        format!("{plain}/blob/{branch}")
    };
    Ok(Target {
        remote,
        contents,
        branch,
    })
}

fn remote_of(address: &RepositoryUrl) -> Option<String> {
    if address.organization.is_some() || address.project.is_some() {
        return address.azure_remote();
    }
    let (owner, repository) = (address.owner.as_ref()?, address.repository.as_ref()?);
    Some(format!("https://{}/{owner}/{repository}.git", address.host))
}

/// All files that the input names; a path that is named twice is its last content.
fn files(context: &ActionContext<'_>, target: &Target) -> Result<Vec<PlannedFile>, ActionError> {
    let mut files: Vec<PlannedFile> = Vec::new();
    let mut add = |path: &str,
                   content: Option<Vec<u8>>,
                   executable: bool,
                   pieces: Vec<Piece>,
                   path_pieces: Vec<Piece>| {
        let path = pave_git::check_path(path.trim_start_matches("./").trim_start_matches('/'))
            .map_err(|error| ActionError::input(error.to_string()))?;
        files.retain(|file| file.path != path);
        files.push(PlannedFile {
            repository: target.remote.to_string(),
            branch: target.branch.clone(),
            path,
            content,
            executable,
            pieces,
            path_pieces,
            step: context.step_id.to_owned(),
        });
        Ok::<(), ActionError>(())
    };
    match (
        context.text("filePath"),
        context.input.get("content").and_then(Value::as_str),
    ) {
        (Some(path), Some(text)) => {
            add(
                path,
                Some(text.into()),
                false,
                context.pieces("/content"),
                context.pieces("/filePath"),
            )?;
        }
        (None, None) => {}
        (Some(_), None) => return Err(ActionError::input("`filePath` needs `content`")),
        (None, Some(_)) => return Err(ActionError::input("`content` needs `filePath`")),
    }
    for (index, file) in context
        .input
        .get("files")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let text = |key: &str| file[key].as_str().unwrap_or_default();
        let pieces = |key: &str| context.pieces(&format!("/files/{index}/{key}"));
        let executable = file["executable"] == Value::Bool(true);
        add(
            text("path"),
            Some(text("content").into()),
            executable,
            pieces("content"),
            pieces("path"),
        )?;
    }
    if let Some(source) = context.text("sourcePath") {
        let root = context.workspace.resolve(source)?;
        let is_file = root.is_file();
        for file in context
            .workspace
            .files(source)?
            .into_iter()
            .filter(|file| !file.symlink)
        {
            let below = file
                .path
                .strip_prefix(&context.workspace.relative(&root))
                .unwrap_or(&file.path);
            let below = if is_file {
                file.path.rsplit('/').next().unwrap_or_default()
            } else {
                below
            };
            let prefix = context.text("targetPath").unwrap_or_default().trim_matches('/');
            let path = format!("{prefix}/{}", below.trim_start_matches('/'));
            let pieces = context.workspace.pieces(&file.path);
            add(&path, Some(file.content), file.executable, pieces, Vec::new())?;
        }
    }
    for (index, path) in context.texts("filesToDelete").enumerate() {
        add(
            path,
            None,
            false,
            Vec::new(),
            context.pieces(&format!("/filesToDelete/{index}")),
        )?;
    }
    Ok(files)
}
