use std::path::PathBuf;

/// Why a key could not be made, read or used. Never contains key material.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file or directory of keys could not be read or written.
    #[error("cannot use the key file `{path}`")]
    File {
        /// File or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold the key that it should.
    #[error("`{path}` does not hold a {what}; restore it from a backup, or run `pave reset`")]
    Damaged {
        /// File.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// A certificate could not be issued.
    #[error("cannot issue a certificate")]
    Issue(#[source] rcgen::Error),
    /// A TLS configuration could not be made.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// An HTTP client could not be made.
    #[error("cannot set up an HTTP client")]
    HttpClient(#[source] reqwest::Error),
    /// The signing or sealing primitive failed.
    #[error("a cryptographic operation failed")]
    Crypto,
    /// A token is not one of ours, or was changed.
    #[error("the token is not valid: {0}")]
    Token(&'static str),
    /// Sealed bytes are not ours, or were changed.
    #[error("the sealed value cannot be opened with this installation's key")]
    Sealed,
}
