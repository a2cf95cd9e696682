//! Why a round did not get to its end.

use std::time::Duration;

use pave_arm::ArmError;

use crate::connect::ConnectError;
use crate::secrets::SecretError;

/// Why a round ended early. The text becomes the message of `Synced`, worded as upstream words it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Policies(String),
    #[error("cannot resolve references: {0}")]
    References(String),
    #[error("connect failed: {0}")]
    Connect(#[from] ConnectError),
    #[error("observe failed: {}", pave_diagnostic::with_causes(.0))]
    Observe(ArmError),
    #[error("observe failed: {0}")]
    Place(String),
    #[error("waiting for {0} \"{1}\", which stands for the same thing in Azure, to have deleted it")]
    Succession(&'static str, String),
    #[error("external resource does not exist, and managementPolicies do not let it be created")]
    Absent,
    #[error("create failed: {}", pave_diagnostic::with_causes(.0))]
    Create(ArmError),
    #[error("create failed: {0}")]
    Invalid(String),
    #[error("update failed: {}", pave_diagnostic::with_causes(.0))]
    Update(ArmError),
    #[error("update failed: {0}")]
    CannotUpdate(String),
    #[error("delete failed: {}", pave_diagnostic::with_causes(.0))]
    Delete(ArmError),
    #[error("cannot publish connection details: {0}")]
    Secret(#[from] SecretError),
    #[error("cannot update managed resource: {}", kube_words(.0))]
    Kubernetes(#[from] kube::Error),
}

impl Failure {
    /// Upstream's reason of the event.
    pub(crate) fn event_reason(&self) -> &'static str {
        match self {
            Self::Policies(_) => "InvalidManagementPolicy",
            Self::References(_) => "CannotResolveResourceReferences",
            Self::Connect(_) => "CannotConnectToProvider",
            Self::Observe(_) | Self::Place(_) | Self::Absent | Self::Succession(..) => {
                "CannotObserveExternalResource"
            }
            Self::Create(_) | Self::Invalid(_) => "CannotCreateExternalResource",
            Self::Update(_) | Self::CannotUpdate(_) => "CannotUpdateExternalResource",
            Self::Delete(_) => "CannotDeleteExternalResource",
            Self::Secret(_) => "CannotPublishConnectionDetails",
            Self::Kubernetes(_) => "CannotUpdateManagedResource",
        }
    }

    /// Somebody wrote the object meanwhile: it is looked at again at once, and nobody need hear of it.
    pub(crate) fn is_conflict(&self) -> bool {
        let (Self::Kubernetes(kube) | Self::Secret(SecretError::Kubernetes { source: kube, .. })) = self
        else {
            return false;
        };
        matches!(kube, kube::Error::Api(status) if status.code == 409)
    }

    /// The object itself is gone.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Kubernetes(kube::Error::Api(status)) if status.code == 404)
    }

    /// How long ARM asked to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Observe(error) | Self::Create(error) | Self::Update(error) | Self::Delete(error) => {
                error.retry_after()
            }
            _ => None,
        }
    }
}

/// The API server's own message, without the client library's wrapping.
pub(crate) fn kube_words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => pave_diagnostic::with_causes(other),
    }
}
