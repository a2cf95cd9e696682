use pave_kube::KindsError;

/// Why an object could not be reconciled in this round.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// The cluster refused, or could not be reached.
    #[error("{0}")]
    Cluster(#[from] kube::Error),
    /// A kind is not served, or the object names none.
    #[error("{0}")]
    Kind(#[from] KindsError),
    /// Something about the object itself; the text goes into its condition.
    #[error("{0}")]
    Said(String),
    /// A step failed, with upstream's words for the step.
    #[error("{step}: {source}")]
    Step {
        /// What was attempted.
        step: String,
        /// Why it failed.
        source: Box<ReconcileError>,
    },
}

impl ReconcileError {
    /// Whether somebody else wrote in between, so that another try with a fresh copy is all that is needed.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Cluster(kube::Error::Api(status))
            | Self::Kind(KindsError::Cluster(kube::Error::Api(status))) => status.code == 409,
            Self::Step { source, .. } => source.is_conflict(),
            _ => false,
        }
    }

    /// The kind that the cluster does not serve yet, if that is the reason.
    pub(crate) fn unknown_kind(&self) -> Option<&pave_names::GroupVersionKind> {
        match self {
            Self::Kind(KindsError::Unknown(kind)) => Some(kind),
            Self::Step { source, .. } => source.unknown_kind(),
            _ => None,
        }
    }
}

/// Adds upstream's words for what was attempted.
pub(crate) trait During<T> {
    /// `step: error`.
    fn during(self, step: impl Into<String>) -> Result<T, ReconcileError>;
}

impl<T, E: Into<ReconcileError>> During<T> for Result<T, E> {
    fn during(self, step: impl Into<String>) -> Result<T, ReconcileError> {
        self.map_err(|error| ReconcileError::Step {
            step: step.into(),
            source: Box::new(error.into()),
        })
    }
}
