use std::path::Path;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use crate::{KeysError, files};

/// First byte of every sealed value: which key and which format. A later format gets the next number.
const FORMAT: u8 = 1;

/// Encrypts values at rest: AES-256-GCM with a random nonce each.
#[derive(Clone)]
pub struct Sealer {
    key: Arc<LessSafeKey>,
}

impl Sealer {
    pub(crate) fn open(directory: &Path) -> Result<Self, KeysError> {
        let path = directory.join("sealing.key");
        let bytes = files::read_or_create(&path, || {
            let mut key = vec![0; 32];
            SystemRandom::new()
                .fill(&mut key)
                .map_err(|_| KeysError::Crypto)?;
            Ok(key)
        })?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| KeysError::Damaged {
            path,
            what: "sealing key of 32 bytes",
        })?;
        Ok(Self {
            key: Arc::new(LessSafeKey::new(key)),
        })
    }

    /// Encrypts.
    ///
    /// # Errors
    /// Only when the system has no randomness to give.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, KeysError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| KeysError::Crypto)?;
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from([FORMAT]),
                &mut sealed,
            )
            .map_err(|_| KeysError::Crypto)?;
        let mut out = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        out.push(FORMAT);
        out.extend_from_slice(&nonce);
        out.append(&mut sealed);
        Ok(out)
    }

    /// Decrypts what [`Sealer::seal`] made.
    pub fn open_sealed(&self, sealed: &[u8]) -> Result<Vec<u8>, KeysError> {
        let (format, rest) = sealed.split_first().ok_or(KeysError::Sealed)?;
        if *format != FORMAT || rest.len() < NONCE_LEN {
            return Err(KeysError::Sealed);
        }
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeysError::Sealed)?;
        let mut body = body.to_vec();
        let plain = self
            .key
            .open_in_place(nonce, Aad::from([FORMAT]), &mut body)
            .map_err(|_| KeysError::Sealed)?;
        Ok(plain.to_vec())
    }
}
