//! `azure:repo:push`: what has changed since the clone, as one commit to a branch.

use pave_diagnostic::Diagnostic;
use pave_git::Commit;
use serde_json::{Map, Value, json};
use url::Url;

use super::super::copies::fetched;
use super::super::existing;
use super::super::publishing::{self, Commitment, failed, publish};
use super::{changes, leftovers};
use crate::action::{ActionContext, ActionError, Outputs};
use crate::workspace::Checkout;

/// Upstream's branch where none is given.
const BRANCH: &str = "scaffolder";

pub(super) async fn run(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let checkout = checkout(context)?;
    let branch = context.text("branch").unwrap_or(BRANCH);
    let branch = branch.trim_start_matches("refs/heads/");
    let url = Url::parse(&checkout.remote).map_err(|error| ActionError::input(error.to_string()))?;
    let remote = publishing::remote(context, &url).await?;
    let mirror = fetched(context, &remote).await.map_err(|error| failed(&error))?;
    let base = Commit::parse(&checkout.commit).map_err(|error| failed(&error))?;
    let directory = context.workspace.resolve(&format!("./{}", checkout.path))?;
    let place = (checkout.remote.as_str(), branch);
    let files = changes::since(context, &mirror, &base, &directory, place).await?;
    let standing = leftovers::standing(context, &mirror, &base, branch).await?;
    let sentences = leftovers::tell(context, &mirror, &checkout, branch, &standing, &files).await;
    if files.is_empty() {
        context
            .log(&format!(
                "warn: nothing has changed since `{}` was cloned",
                checkout.branch
            ))
            .await;
    }
    let (commit, changed) = if context.dry_run {
        context
            .log(&format!(
                "Would commit {} files to {branch} of {}",
                files.len(),
                checkout.remote
            ))
            .await;
        context.plan(&files);
        // Whether a file is changed shows against what was cloned: that is where a pull request goes.
        context.find(existing::foresee(context, &remote, &checkout.branch, &files).await);
        context.find(
            sentences
                .iter()
                .map(|sentence| Diagnostic::warning("PV1531", sentence.as_str())),
        );
        ("<example>".to_owned(), Vec::new())
    } else {
        leftovers::begin(context, &mirror, &remote, &checkout, branch, &standing).await?;
        let wanted = Commitment {
            remote: &remote,
            branch,
            message: context
                .text("gitCommitMessage")
                .unwrap_or(&context.services.defaults.commit_message),
            files: &files,
        };
        let published = publish(context, &wanted).await?;
        (published.commit.to_string(), published.changed)
    };
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    Ok(Map::from_iter([
        ("remoteUrl".to_owned(), Value::from(checkout.remote.as_str())),
        (
            "repoContentsUrl".to_owned(),
            Value::from(format!("{}?version=GB{branch}", checkout.remote)),
        ),
        ("branch".to_owned(), Value::from(branch)),
        ("commitHash".to_owned(), Value::from(commit)),
        ("filePaths".to_owned(), json!(paths)),
        ("changedFilePaths".to_owned(), json!(changed)),
        (
            "sharedWith".to_owned(),
            standing.foreign.iter().map(existing::words).collect(),
        ),
    ]))
}

/// The clone that `sourcePath` names.
fn checkout(context: &ActionContext<'_>) -> Result<Checkout, ActionError> {
    let source = context.text("sourcePath").unwrap_or("./");
    let path = context.workspace.relative(&context.workspace.resolve(source)?);
    let all = context.workspace.checkouts();
    if let Some(found) = all.iter().find(|checkout| checkout.path == path) {
        return Ok(found.clone());
    }
    let known: Vec<String> = all
        .iter()
        .map(|checkout| format!("`./{}`", checkout.path))
        .collect();
    let hint = if known.is_empty() {
        "a step with `azure:repo:clone` must come first".to_owned()
    } else {
        format!("this task has cloned into {}", known.join(", "))
    };
    Err(ActionError::new(
        "NotFoundError",
        format!("there is no cloned repository in `{source}`: {hint}"),
    ))
}
