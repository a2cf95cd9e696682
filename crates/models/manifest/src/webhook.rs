//! Pushes as hosts of Git report them, and which applications they concern.

use serde_json::Value;

use crate::application::Source;
use crate::urls::same_repository;

/// A push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// URL of the repository.
    pub repository: String,
    /// Full name of its default branch (`refs/heads/main`); empty if the event does not say.
    pub default_branch: String,
    /// References that moved.
    pub updates: Vec<RefUpdate>,
}

/// A reference that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefUpdate {
    /// Full name, such as `refs/heads/main`.
    pub name: String,
    /// Commit it points at now; all zeros if it was deleted.
    pub commit: String,
}

/// Why an event was not understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WebhookError {
    /// The sender is none that is known.
    #[error("unknown webhook event: only Azure DevOps' `git.push` is understood")]
    UnknownSender,
    /// The body is not JSON.
    #[error("the body of the event is not JSON")]
    Syntax(#[source] SyntaxError),
    /// A field is missing.
    #[error("the event has no `{0}`")]
    Missing(&'static str),
}

/// Where JSON ended to be JSON.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct SyntaxError(String);

/// Reads an Azure DevOps service hook.
///
/// `git.push` is a push; other events of the same sender are nothing to act on.
pub fn parse_azure_devops(body: &[u8]) -> Result<Option<Push>, WebhookError> {
    let event: Value =
        serde_json::from_slice(body).map_err(|error| WebhookError::Syntax(SyntaxError(error.to_string())))?;
    let kind = event["eventType"].as_str().ok_or(WebhookError::UnknownSender)?;
    if kind != "git.push" {
        return Ok(None);
    }
    let resource = &event["resource"];
    let repository = resource["repository"]["remoteUrl"]
        .as_str()
        .ok_or(WebhookError::Missing("resource.repository.remoteUrl"))?;
    let updates = resource["refUpdates"]
        .as_array()
        .ok_or(WebhookError::Missing("resource.refUpdates"))?
        .iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Some(Push {
        repository: repository.to_owned(),
        default_branch: text(&resource["repository"]["defaultBranch"]),
        updates: updates
            .map(|update| RefUpdate {
                name: text(&update["name"]),
                commit: text(&update["newObjectId"]),
            })
            .collect(),
    }))
}

impl Push {
    /// Whether a source reads what was pushed.
    #[must_use]
    pub fn concerns(&self, source: &Source) -> bool {
        same_repository(&self.repository, &source.repo_url)
            && self
                .updates
                .iter()
                .any(|update| self.moves(&update.name, source.revision()))
    }

    fn moves(&self, reference: &str, revision: &str) -> bool {
        if revision == "HEAD" {
            return self.default_branch.is_empty() || self.default_branch == reference;
        }
        let short = |name: &str| {
            name.strip_prefix("refs/heads/")
                .or_else(|| name.strip_prefix("refs/tags/"))
                .unwrap_or(name)
                .to_owned()
        };
        reference == revision || short(reference) == short(revision)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({
            "eventType": "git.push",
            "resource": {
                "repository": {"remoteUrl": "https://h:1/pave/platform/_git/x", "defaultBranch": "refs/heads/main"},
                "refUpdates": [{"name": "refs/heads/main", "oldObjectId": "a", "newObjectId": "b"}],
            },
        })
    }

    #[test]
    fn a_push_concerns_the_sources_that_read_it() {
        let push = parse_azure_devops(event().to_string().as_bytes())
            .unwrap()
            .unwrap();
        let check = |url: &str, revision: &str, expected: bool| {
            let source = Source {
                repo_url: url.into(),
                target_revision: revision.into(),
                ..Source::default()
            };
            assert_eq!(push.concerns(&source), expected, "{url} {revision}");
        };
        check("https://h:1/pave/platform/_git/x", "", true);
        check("https://H/pave/platform/_git/X.git", "HEAD", true);
        check("https://h:1/pave/platform/_git/x", "main", true);
        check("https://h:1/pave/platform/_git/x", "refs/heads/main", true);
        check("https://h:1/pave/platform/_git/x", "other", false);
        check("https://h:1/pave/platform/_git/y", "main", false);
    }

    #[test]
    fn other_events_are_told_apart_from_other_senders() {
        assert_eq!(
            parse_azure_devops(br#"{"eventType": "git.pullrequest.created"}"#),
            Ok(None)
        );
        assert_eq!(parse_azure_devops(b"{}"), Err(WebhookError::UnknownSender));
        assert!(matches!(parse_azure_devops(b"x"), Err(WebhookError::Syntax(_))));
        let bare = br#"{"eventType": "git.push"}"#;
        assert_eq!(
            parse_azure_devops(bare),
            Err(WebhookError::Missing("resource.repository.remoteUrl"))
        );
    }
}
