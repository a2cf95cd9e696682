//! What can go wrong, once for us and once in Azure DevOps' words.

use std::path::PathBuf;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use pave_git::GitError;
use pave_store::StoreError;
use serde_json::json;

/// A failure of the forge.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The database could not be used.
    #[error("use the forge's database")]
    Store(#[from] StoreError),
    /// Git could not do what it was asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A directory or file could not be made.
    #[error("write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Hooks cannot be executed there, and without them no push could be checked.
    #[error(
        "{path} cannot be executed; is its file system mounted with `noexec`? Choose another data directory"
    )]
    HookNotExecutable {
        /// The hook.
        path: PathBuf,
    },
    /// The keys cannot seal or open a secret.
    #[error("seal a subscription's password")]
    Keys(#[from] pave_keys::KeysError),
    /// The repository exists already.
    #[error("a repository `{name}` exists already in `{organization}/{project}`")]
    RepositoryExists {
        /// The organization.
        organization: String,
        /// The project.
        project: String,
        /// The repository.
        name: String,
    },
    /// There is no such project.
    #[error("there is no project `{0}`")]
    NoProject(String),
    /// There is no such repository.
    #[error("there is no repository `{0}`")]
    NoRepository(String),
    /// A name that a project or repository cannot have.
    #[error(
        "`{0}` is not usable as a name: up to 64 characters, none of `/ : \\ * ? \" < > | ; # $ {{ }} , + = [ ]`, no dot or underscore at the start"
    )]
    BadName(String),
    /// The push was refused; the lines say why.
    #[error("{}", .0.join("\n"))]
    Refused(Vec<String>),
    /// A branch policy wants a pull request; the lines say which.
    #[error("{}", .0.join("\n"))]
    Guarded(Vec<String>),
    /// Somebody else locked the reference; the lines say who.
    #[error("{}", .0.join("\n"))]
    Locked(Vec<String>),
    /// People cannot be looked up.
    #[error("look people up")]
    Identities(#[from] pave_auth::AuthError),
    /// Blocking policies are not satisfied; each line is one.
    #[error("policies are not satisfied: {}", .0.join("; "))]
    PolicyOpen(Vec<String>),
    /// Source and target of a pull request changed the same lines of these files.
    #[error("these files conflict: {}", crate::pull::complete::listed(.0))]
    Conflicts(Vec<String>),
    /// A pull request cannot be merged as it is.
    #[error("the pull request cannot be merged: {0}")]
    NotMergeable(String),
    /// There is an active pull request for the same branches.
    #[error("there is an active pull request for the same branches")]
    PullRequestExists,
    /// The branch is not where the caller believed.
    #[error("the reference `{0}` has moved")]
    Stale(String),
}

/// An error as Azure DevOps tells it.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    key: &'static str,
    message: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, key: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            key,
            message: message.into(),
        }
    }

    /// What it says to a person.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidArgumentValueException", message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "VssResourceNotFoundException",
            format!("The resource {what} does not exist."),
        )
    }

    pub(crate) fn unauthorized() -> Self {
        let message =
            "TF400813: The user '' is not authorized to access this resource. Give a personal access token.";
        Self::new(StatusCode::UNAUTHORIZED, "UnauthorizedRequestException", message)
    }

    pub(crate) fn bad_token() -> Self {
        let message = "TF400813: The personal access token is not known here: it is mistyped, was revoked, or has expired. Make another one in the portal (Settings, Tokens) or with `pave token create`.";
        Self::new(StatusCode::UNAUTHORIZED, "UnauthorizedRequestException", message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "GitNeedsPermissionException",
            format!("TF401027: {}", message.into()),
        )
    }

    pub(crate) fn no_repository(name: &str) -> Self {
        let message = format!(
            "TF401019: The Git repository with name or identifier {name} does not exist or you do not have permissions for the operation you are attempting."
        );
        Self::new(StatusCode::NOT_FOUND, "GitRepositoryNotFoundException", message)
    }

    pub(crate) fn no_project(name: &str) -> Self {
        let message = format!(
            "TF200016: The following project does not exist: {name}. Verify that the name of the project is correct."
        );
        Self::new(
            StatusCode::NOT_FOUND,
            "ProjectDoesNotExistWithNameException",
            message,
        )
    }

    pub(crate) fn no_item(path: &str, repository: &str, version: &str) -> Self {
        let message = format!(
            "TF401174: The item '{path}' could not be found in the repository '{repository}' at the version specified by '{version}'."
        );
        Self::new(StatusCode::NOT_FOUND, "GitItemNotFoundException", message)
    }

    pub(crate) fn no_version(version: &str) -> Self {
        let message = format!(
            "TF401175: The version descriptor <{version}> could not be resolved to a version in the repository."
        );
        Self::new(StatusCode::NOT_FOUND, "GitUnresolvableToCommitException", message)
    }
}

impl From<ForgeError> for ApiError {
    fn from(error: ForgeError) -> Self {
        match error {
            ForgeError::Refused(lines) => Self::forbidden(lines.join("\n")),
            ForgeError::Guarded(lines) => Self::new(
                StatusCode::FORBIDDEN,
                "GitRefUpdateRejectedByPolicyException",
                lines.join("\n"),
            ),
            ForgeError::Locked(lines) => {
                Self::new(StatusCode::FORBIDDEN, "GitRefLockedException", lines.join("\n"))
            }
            ForgeError::PolicyOpen(_) => Self::new(
                StatusCode::FORBIDDEN,
                "GitPullRequestUpdateRejectedByPolicyException",
                format!("The pull request cannot be completed: {error}."),
            ),
            ForgeError::Conflicts(_) => Self::new(
                StatusCode::CONFLICT,
                "GitPullRequestMergeConflictException",
                format!(
                    "The pull request cannot be completed: {error}. Merge or rebase the source branch onto the target, resolve them there and push."
                ),
            ),
            ForgeError::NotMergeable(_) => Self::new(
                StatusCode::CONFLICT,
                "GitPullRequestNotEditableException",
                format!("TF401181: {error}."),
            ),
            ForgeError::PullRequestExists => Self::new(
                StatusCode::CONFLICT,
                "GitPullRequestExistsException",
                "TF401179: An active pull request for the source and target branch already exists.",
            ),
            ForgeError::Stale(name) => Self::new(
                StatusCode::CONFLICT,
                "GitReferenceStaleException",
                format!(
                    "TF401028: The reference '{name}' has already been updated by another client, so you cannot update it. Please try again."
                ),
            ),
            ForgeError::RepositoryExists { name, .. } => Self::new(
                StatusCode::CONFLICT,
                "GitRepositoryNameAlreadyExistsException",
                format!("TF400948: A Git repository with the name {name} already exists."),
            ),
            ForgeError::NoProject(name) => Self::no_project(&name),
            ForgeError::NoRepository(name) => Self::no_repository(&name),
            ForgeError::BadName(_) => Self::bad_request(error.to_string()),
            ForgeError::Git(git @ (GitError::InvalidPath { .. } | GitError::InvalidName { .. })) => {
                Self::bad_request(git.to_string())
            }
            ForgeError::Store(ref store) if store.is_full() => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "DiskFullException",
                "The disk of the forge is full; nothing was changed. Free some space and try again.",
            ),
            other => {
                let id = uuid::Uuid::new_v4();
                tracing::error!(%id, error = &other as &dyn std::error::Error, "forge request failed");
                let message = format!("The forge could not do this; its log has the cause under {id}.");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalServerErrorException",
                    message,
                )
            }
        }
    }
}

impl From<GitError> for ApiError {
    fn from(error: GitError) -> Self {
        ForgeError::from(error).into()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        ForgeError::from(error).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let namespace = "Microsoft.TeamFoundation.SourceControl.WebServer";
        let body = json!({
            "$id": "1", "innerException": null, "message": self.message,
            "typeName": format!("{namespace}.{key}, {namespace}", key = self.key),
            "typeKey": self.key, "errorCode": 0, "eventId": 3000,
        });
        let mut response = (self.status, axum::Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"Pave\""),
            );
        }
        response
    }
}
