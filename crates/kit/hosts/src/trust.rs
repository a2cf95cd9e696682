//! Whom HTTP clients and Git trust: the authorities of the machine and, besides them, one of our own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::HostsError;

/// Where systems keep the authorities they trust, the most usual place first.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// An HTTP client that trusts the system's authorities and, if given, the one in a PEM file.
pub fn http_client(authority: Option<&Path>) -> Result<reqwest::Client, HostsError> {
    let wrong = |message: String| HostsError::Configuration {
        field: "authority".to_owned(),
        message,
    };
    let mut builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(60))
        .user_agent(concat!("pave/", env!("CARGO_PKG_VERSION")));
    if let Some(path) = authority {
        let pem = std::fs::read(path).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| wrong(error.to_string()))
}

/// A PEM file for Git with the system's authorities and `authority` in one; Git takes a single file, and one that
/// held only ours would shut out every other host. Nothing when Git's own choice will do.
pub fn git_authorities(authority: Option<&Path>, directory: &Path) -> std::io::Result<Option<PathBuf>> {
    let Some(authority) = authority else {
        return Ok(None);
    };
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let mut places = named.into_iter().chain(SYSTEM.iter().map(PathBuf::from));
    let mut bundle = std::fs::read(authority)?;
    if let Some(system) = places.find_map(|place| std::fs::read(place).ok()) {
        bundle.push(b'\n');
        bundle.extend(system);
    }
    std::fs::create_dir_all(directory)?;
    let place = directory.join("authorities.pem");
    // Never half a file: a task that goes on at once would trust half of the authorities.
    let draft = directory.join("authorities.pem.new");
    std::fs::write(&draft, bundle)?;
    std::fs::rename(&draft, &place)?;
    Ok(Some(place))
}
