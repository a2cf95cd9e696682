use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{KeysError, files};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// The local certificate authority under which cluster, forge, ARM and databases speak TLS.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    pub(crate) path: PathBuf,
}

/// A server certificate with its key, both PEM.
#[derive(Clone)]
pub struct Certificate {
    /// Leaf first, then the authority.
    pub chain_pem: String,
    /// Private key.
    pub key_pem: String,
}

impl Authority {
    pub(crate) fn open(directory: &Path) -> Result<Self, KeysError> {
        let key_path = directory.join("authority.key");
        let path = directory.join("authority.crt");
        let key_pem = files::read_or_create(&key_path, || {
            Ok(KeyPair::generate()
                .map_err(KeysError::Issue)?
                .serialize_pem()
                .into_bytes())
        })?;
        let key = std::str::from_utf8(&key_pem)
            .ok()
            .and_then(|pem| KeyPair::from_pem(pem).ok())
            .ok_or(KeysError::Damaged {
                path: key_path,
                what: "private key",
            })?;
        let damaged = || KeysError::Damaged {
            path: path.clone(),
            what: "certificate",
        };
        let pem = files::read_or_create(&path, || Ok(self_signed(&key)?.into_bytes()))?;
        let pem = String::from_utf8(pem).map_err(|_| damaged())?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key).map_err(|_| damaged())?;
        Ok(Self { issuer, pem, path })
    }

    pub(crate) fn issue(&self, names: &[&str]) -> Result<Certificate, KeysError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).map_err(KeysError::Issue)?;
        params.distinguished_name.push(
            DnType::CommonName,
            names.first().cloned().unwrap_or_else(|| "pave".to_owned()),
        );
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // A day back, for clocks that run late; two years on, which every client accepts.
        let now = pave_runtime::clock::unix_seconds();
        params.not_before = moment(now - DAY)?;
        params.not_after = moment(now + 2 * 365 * DAY)?;
        let key = KeyPair::generate().map_err(KeysError::Issue)?;
        let leaf = params.signed_by(&key, &self.issuer).map_err(KeysError::Issue)?;
        Ok(Certificate {
            chain_pem: format!("{}{}", leaf.pem(), self.pem),
            key_pem: key.serialize_pem(),
        })
    }

    pub(crate) fn server_config(
        &self,
        names: &[&str],
        alpn: &[&str],
    ) -> Result<Arc<rustls::ServerConfig>, KeysError> {
        let certificate = self.issue(names)?;
        let chain = CertificateDer::pem_slice_iter(certificate.chain_pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| KeysError::Crypto)?;
        let key =
            PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).map_err(|_| KeysError::Crypto)?;
        let mut config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(KeysError::Tls)?;
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }

    pub(crate) fn client_config(&self) -> Result<Arc<rustls::ClientConfig>, KeysError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.pem.as_bytes()) {
            roots
                .add(certificate.map_err(|_| KeysError::Crypto)?)
                .map_err(KeysError::Tls)?;
        }
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn self_signed(key: &KeyPair) -> Result<String, KeysError> {
    let mut params = CertificateParams::new(Vec::new()).map_err(KeysError::Issue)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Pave local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    Ok(params.self_signed(key).map_err(KeysError::Issue)?.pem())
}

fn moment(unix_seconds: i64) -> Result<time::OffsetDateTime, KeysError> {
    time::OffsetDateTime::from_unix_timestamp(unix_seconds).map_err(|_| KeysError::Crypto)
}
