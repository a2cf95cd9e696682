use std::fmt;
use std::path::PathBuf;

/// How the client proves who it is.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// A service principal with a password.
    ClientSecret {
        /// Tenant, as GUID or domain.
        tenant: String,
        /// Application id.
        client_id: String,
        /// Password of the application.
        client_secret: String,
    },
    /// Workload identity federation: a token of an issuer whom the application trusts stands for the password.
    Federated {
        /// Tenant, as GUID or domain.
        tenant: String,
        /// Application id.
        client_id: String,
        /// Where the other issuer's token comes from.
        assertion: Assertion,
    },
    /// The identity of the machine: its metadata service gives the tokens, no password is known.
    ManagedIdentity {
        /// Application id, where the machine has several identities.
        client_id: Option<String>,
        /// Who gives the tokens.
        endpoint: IdentityEndpoint,
    },
}

/// The token of another issuer.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Assertion {
    /// This one, as long as it lasts.
    Token(String),
    /// What the file says each time: whoever mounts it renews it.
    File(PathBuf),
    /// Asked for each time at the service that runs the job.
    Requested {
        /// Where to ask.
        url: String,
        /// What to prove the job with.
        token: String,
        /// Service connection of Azure Pipelines that the token is for; without one GitHub's form is spoken.
        service_connection: Option<String>,
    },
}

/// Where a machine asks for the tokens of its own identity.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdentityEndpoint {
    /// Address without query.
    pub url: String,
    /// App Service's form: what its `IDENTITY_HEADER` says. None for a virtual machine's metadata service.
    pub header: Option<String>,
    /// Version of the form spoken.
    pub api_version: String,
}

impl IdentityEndpoint {
    /// The metadata service of virtual machines.
    #[must_use]
    pub fn machine() -> Self {
        Self {
            url: "http://169.254.169.254/metadata/identity/oauth2/token".to_owned(),
            header: None,
            api_version: "2018-02-01".to_owned(),
        }
    }

    /// What App Service and its relatives put into the environment.
    #[must_use]
    pub fn app_service(url: &str, header: &str) -> Self {
        Self {
            url: url.to_owned(),
            header: Some(header.to_owned()),
            api_version: "2019-08-01".to_owned(),
        }
    }

    /// App Service's if its two variables are set, a virtual machine's otherwise.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name: &str| variable(name).filter(|text| !text.is_empty());
        match (said("IDENTITY_ENDPOINT"), said("IDENTITY_HEADER")) {
            (Some(url), Some(header)) => Self::app_service(&url, &header),
            _ => Self::machine(),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, tenant, client_id) = match self {
            Self::ClientSecret {
                tenant, client_id, ..
            } => ("ClientSecret", Some(tenant), Some(client_id)),
            Self::Federated {
                tenant, client_id, ..
            } => ("Federated", Some(tenant), Some(client_id)),
            Self::ManagedIdentity { client_id, .. } => ("ManagedIdentity", None, client_id.as_ref()),
        };
        formatter
            .debug_struct(name)
            .field("tenant", &tenant)
            .field("client_id", &client_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => formatter.write_str("Token(..)"),
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
            Self::Requested { url, .. } => formatter
                .debug_struct("Requested")
                .field("url", url)
                .finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for IdentityEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IdentityEndpoint")
            .field("url", &self.url)
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}
