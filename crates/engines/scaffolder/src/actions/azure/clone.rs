//! `azure:repo:clone`: the files of a branch into the workspace.

use pave_git::{Commit, EntryKind, Mirror, TreeEntry};
use serde_json::{Map, Value};
use url::Url;

use super::super::copies::fetched;
use super::super::publishing::{failed, remote};
use crate::action::{ActionContext, ActionError, Outputs};
use crate::workspace::Checkout;

/// Files that are held in memory at a time.
const BATCH: usize = 200;

pub(super) async fn run(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let text = context.text("remoteUrl").unwrap_or_default();
    let url =
        Url::parse(text).map_err(|error| ActionError::input(format!("`{text}` is not a URL: {error}")))?;
    let branch = context.text("branch").unwrap_or("main");
    let branch = branch.trim_start_matches("refs/heads/");
    let target = context.text("targetPath").unwrap_or("./");
    let directory = context.workspace.resolve(target)?;
    let remote = remote(context, &url).await?;
    let repository = remote.url.to_string();
    context
        .log(&format!("Cloning {branch} of {repository} into {target}"))
        .await;
    let mirror = fetched(context, &remote).await.map_err(|error| failed(&error))?;
    let path = context.workspace.relative(&directory);
    let commit = match earlier(context, &path, &repository, branch, &mirror).await {
        Some(commit) => commit,
        None => mirror
            .resolve(&format!("refs/heads/{branch}"))
            .await
            .map_err(|_| {
                ActionError::new(
                    "NotFoundError",
                    format!("there is no branch `{branch}` in {repository}"),
                )
            })?,
    };
    std::fs::create_dir_all(&directory).map_err(|error| format!("cannot make `{target}`: {error}"))?;
    context.workspace.record(Checkout {
        path: path.clone(),
        remote: repository,
        branch: branch.to_owned(),
        commit: commit.to_string(),
    })?;
    let count = write(context, &mirror, &commit, &path).await?;
    context
        .log(&format!("Cloned {count} files at commit {}", commit.short()))
        .await;
    Ok(Map::from_iter([(
        "cloneFullPath".to_owned(),
        Value::from(directory.display().to_string()),
    )]))
}

/// The commit that an interrupted run of this step had begun to write: to end with files of two would be worse than to
/// end with an older one.
async fn earlier(
    context: &ActionContext<'_>,
    path: &str,
    repository: &str,
    branch: &str,
    mirror: &Mirror,
) -> Option<Commit> {
    let known = context
        .workspace
        .checkouts()
        .into_iter()
        .find(|known| known.path == path && known.remote == repository && known.branch == branch)?;
    let commit = Commit::parse(&known.commit).ok()?;
    mirror.has_commit(&commit).await.then_some(commit)
}

async fn write(
    context: &ActionContext<'_>,
    mirror: &Mirror,
    commit: &Commit,
    directory: &str,
) -> Result<usize, ActionError> {
    let entries = mirror
        .list(commit, "", true)
        .await
        .map_err(|error| failed(&error))?;
    let files: Vec<TreeEntry> = entries
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::File)
        .collect();
    for batch in files.chunks(BATCH) {
        let paths: Vec<String> = batch.iter().map(|entry| entry.path.clone()).collect();
        let contents = mirror
            .read_many(commit, &paths)
            .await
            .map_err(|error| failed(&error))?;
        for (path, content) in contents {
            let place = format!("./{directory}/{path}");
            let entry = batch.iter().find(|entry| entry.path == path);
            if entry.is_some_and(TreeEntry::is_symlink) {
                link(context, &place, &content).await;
            } else {
                let executable = entry.is_some_and(TreeEntry::is_executable);
                context
                    .workspace
                    .write(&place, &content, executable, Vec::new())?;
            }
        }
    }
    Ok(files.len())
}

/// A link that leaves the workspace is left out: it would lead steps to files of this machine.
async fn link(context: &ActionContext<'_>, place: &str, bytes: &[u8]) {
    let target = String::from_utf8_lossy(bytes);
    let resolved = context.workspace.resolve(place);
    if let Some(present) = resolved.ok().filter(|path| path.is_symlink()) {
        // Left by an interrupted run.
        std::fs::remove_file(present).ok();
    }
    if let Err(reason) = context.workspace.link(place, &target) {
        context.log(&format!("warn: {reason}")).await;
    }
}
