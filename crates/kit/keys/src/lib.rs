//! The secrets that one installation stands on: its certificate authority, its sealing key, its signing key.
//!
//! Everything lies in one directory, readable by its owner only. Nothing here ever prints a key; the types have no
//! `Debug` that would. Start at [`Keys::open`].

mod authority;
mod error;
mod files;
mod seal;
mod token;

pub use authority::Certificate;
pub use error::KeysError;
pub use seal::Sealer;

use std::path::Path;
use std::sync::Arc;

use authority::Authority;
use token::Signer;

/// Chooses the cryptography that all TLS of this process uses. Opening keys does it; a program that only talks to others
/// calls it before its first connection.
pub fn install_crypto() {
    // A second call finds the provider installed already, which is what is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// All keys of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    authority: Arc<Authority>,
    signer: Arc<Signer>,
    sealer: Sealer,
}

impl Keys {
    /// Opens the keys in a directory; what is missing is made, with mode 0600.
    ///
    /// # Errors
    /// When the directory cannot be written, or holds something that is not a key.
    pub fn open(directory: &Path) -> Result<Self, KeysError> {
        install_crypto();
        files::create_directory(directory)?;
        Ok(Self {
            authority: Arc::new(Authority::open(directory)?),
            signer: Arc::new(Signer::open(directory)?),
            sealer: Sealer::open(directory)?,
        })
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority.pem
    }

    /// File that holds the authority's certificate, for clients that want a path.
    #[must_use]
    pub fn ca_path(&self) -> &Path {
        &self.authority.path
    }

    /// Issues a server certificate for DNS names or IP addresses, valid for two years.
    pub fn issue_server(&self, names: &[&str]) -> Result<Certificate, KeysError> {
        self.authority.issue(names)
    }

    /// A TLS server configuration with a fresh certificate for these names.
    pub fn server_config(
        &self,
        names: &[&str],
        alpn: &[&str],
    ) -> Result<Arc<rustls::ServerConfig>, KeysError> {
        self.authority.server_config(names, alpn)
    }

    /// A TLS client configuration that trusts the local authority and nobody else.
    pub fn client_config(&self) -> Result<Arc<rustls::ClientConfig>, KeysError> {
        self.authority.client_config()
    }

    /// An HTTP client that trusts the local authority beside the system's.
    pub fn http_client(&self) -> Result<reqwest::Client, KeysError> {
        let certificate =
            reqwest::Certificate::from_pem(self.authority.pem.as_bytes()).map_err(KeysError::HttpClient)?;
        reqwest::Client::builder()
            .tls_certs_merge([certificate])
            .connect_timeout(std::time::Duration::from_secs(10))
            .timeout(std::time::Duration::from_secs(120))
            .pool_idle_timeout(std::time::Duration::from_secs(60))
            .user_agent(concat!("pave/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(KeysError::HttpClient)
    }

    /// What encrypts at rest.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        self.sealer.clone()
    }

    /// Signs a JSON Web Token (ES256, with `kid`).
    pub fn sign_jwt(&self, claims: &serde_json::Value) -> Result<String, KeysError> {
        self.signer.sign(claims)
    }

    /// Verifies the signature of one of our tokens and gives its claims. Expiry, audience and issuer are the caller's to check.
    pub fn verify_jwt(&self, token: &str) -> Result<serde_json::Value, KeysError> {
        self.signer.verify(token)
    }

    /// The public signing key as a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.signer.jwks()
    }
}

#[cfg(test)]
mod tests;
