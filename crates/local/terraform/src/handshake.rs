use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::TerraformError;

/// What proves that Terraform started us; the value is part of the protocol, not a secret.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// The only version of Terraform's protocol that is spoken here.
const VERSION: &str = "5";

/// A private directory with the socket in it; gone when dropped.
pub(crate) struct Socket {
    directory: PathBuf,
    pub(crate) path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Nobody is left to tell; the directory is below the system's temporary one.
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// Checks that Terraform started us, and that it speaks our version.
pub(crate) fn check(environment: &dyn Fn(&str) -> Option<String>) -> Result<(), TerraformError> {
    if environment(COOKIE.0).as_deref() != Some(COOKIE.1) {
        return Err(TerraformError::NotFromTerraform);
    }
    let offered = environment("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
    // An old client names none, and means 5 by it.
    if offered.is_empty() || offered.split(',').any(|version| version.trim() == VERSION) {
        return Ok(());
    }
    Err(TerraformError::Protocol { offered })
}

/// Makes the directory for the socket, which nobody else may enter.
pub(crate) fn socket(parent: &Path) -> Result<Socket, TerraformError> {
    let name = uuid::Uuid::new_v4().simple().to_string();
    let directory = parent.join(format!("pave-tf-{}", name.get(..12).unwrap_or(&name)));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&directory);
    made.map_err(|source| TerraformError::Write {
        path: directory.clone(),
        source,
    })?;
    let path = directory.join("provider");
    Ok(Socket { directory, path })
}

/// A certificate for this one process, and TLS with it.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) acceptor: TlsAcceptor,
}

/// Makes the identity.
///
/// Terraform trusts exactly this certificate. Its own is not asked for: it is on the curve P-521, which our library does not
/// verify, and the socket lies where only this user gets.
pub(crate) fn identity() -> Result<Identity, TerraformError> {
    let failed = |error: &dyn std::fmt::Display| TerraformError::Certificate(error.to_string());
    let key = rcgen::KeyPair::generate().map_err(|error| failed(&error))?;
    let mut parameters =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).map_err(|error| failed(&error))?;
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, "localhost");
    let certificate = parameters.self_signed(&key).map_err(|error| failed(&error))?;
    let der = CertificateDer::from(certificate.der().to_vec());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], private)
        .map_err(|error| failed(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Identity {
        certificate: STANDARD_NO_PAD.encode(der.as_ref()),
        acceptor: TlsAcceptor::from(Arc::new(config)),
    })
}

/// The one line by which Terraform learns where we listen.
pub(crate) fn announce(socket: &Path, certificate: &str) -> Result<(), TerraformError> {
    let line = format!("1|{VERSION}|unix|{}|grpc|{certificate}\n", socket.display());
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes())
        .and_then(|()| out.flush())
        .map_err(TerraformError::Listen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_terraform_with_protocol_5_is_served() {
        for (cookie, versions, expected) in [
            (Some(COOKIE.1), Some("5,6"), ""),
            (Some(COOKIE.1), None, ""),
            (Some(COOKIE.1), Some("6"), "speaks plugin protocol 6"),
            (None, Some("5"), "starts it by itself"),
            (Some("other"), Some("5"), "starts it by itself"),
        ] {
            let environment = |name: &str| {
                let value = if name == COOKIE.0 { cookie } else { versions };
                value.map(str::to_owned)
            };
            let said = check(&environment)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            assert!(
                said.contains(expected) && said.is_empty() == expected.is_empty(),
                "{said}"
            );
        }
    }
}
