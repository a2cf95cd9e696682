use futures::future::BoxFuture;

/// Why a control plane could not be made, changed or removed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ControlPlaneError {
    /// There is none of this name.
    #[error("there is no control plane `{0}`")]
    Unknown(String),
    /// The name cannot stand in a URL.
    #[error("`{0}` cannot name a control plane; use lower-case letters, digits and dashes")]
    Name(String),
    /// Whoever keeps it failed.
    #[error("the control plane could not be kept: {0}")]
    Storage(String),
}

/// To whom a token of a control plane is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Whoever holds the administrator's kubeconfig: may do everything, until the tokens are changed.
    Administrator,
    /// Whoever holds the user's kubeconfig, where the control plane has accounts of its own: the same rights under
    /// another name.
    User,
    /// Somebody by name, for a day; the control plane's own roles decide.
    Person {
        /// Kubernetes user name.
        user: String,
        /// Kubernetes groups.
        groups: Vec<String>,
    },
}

/// Makes control planes: each is a Kubernetes API of its own, with its own objects, roles and tokens.
///
/// Names are lower-case and for ever: whoever makes one anew takes another name. Every call may be repeated, and what
/// has returned is durable.
pub trait ControlPlanes: Send + Sync {
    /// Makes sure that there is a control plane of this name.
    fn ensure<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>>;

    /// Removes a control plane with everything in it; one that is gone is removed already.
    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>>;

    /// Lets it answer, or not: its objects stay either way.
    fn set_running<'a>(
        &'a self,
        name: &'a str,
        running: bool,
    ) -> BoxFuture<'a, Result<(), ControlPlaneError>>;

    /// Makes the tokens of [`Holder::Administrator`] and [`Holder::User`] worthless, and new ones.
    fn rotate<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlPlaneError>>;

    /// The names of all.
    fn names(&self) -> Vec<String>;

    /// URL at which one of this name answers; also the issuer of its service accounts' tokens.
    fn url(&self, name: &str) -> String;

    /// Certificate of the authority that its server certificate comes from, PEM.
    fn authority(&self) -> String;

    /// A token; the administrator's and the user's are the same each time.
    fn token(&self, name: &str, holder: &Holder) -> Result<String, ControlPlaneError>;
}
