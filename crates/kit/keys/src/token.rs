use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

use crate::{KeysError, files};

/// Signs and verifies our own JSON Web Tokens: ES256 only, so there is no algorithm to be talked into.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    key_id: String,
}

impl Signer {
    pub(crate) fn open(directory: &Path) -> Result<Self, KeysError> {
        let path = directory.join("signing.key");
        let bytes = files::read_or_create(&path, || {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map(|document| document.as_ref().to_vec())
                .map_err(|_| KeysError::Crypto)
        })?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes, &SystemRandom::new())
            .map_err(|_| KeysError::Damaged {
            path,
            what: "P-256 signing key",
        })?;
        let digest = ring::digest::digest(&ring::digest::SHA256, pair.public_key().as_ref());
        let key_id = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]);
        Ok(Self { pair, key_id })
    }

    pub(crate) fn sign(&self, claims: &Value) -> Result<String, KeysError> {
        let header = json!({ "alg": "ES256", "kid": self.key_id, "typ": "JWT" });
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .map_err(|_| KeysError::Crypto)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Value, KeysError> {
        let (signed, signature) = token
            .rsplit_once('.')
            .ok_or(KeysError::Token("it has no signature"))?;
        let (header, claims) = signed
            .split_once('.')
            .ok_or(KeysError::Token("it has not three parts"))?;
        let header = decode(header)?;
        if header["alg"] != "ES256" || header["kid"] != self.key_id.as_str() {
            return Err(KeysError::Token("it was signed with another key"));
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| KeysError::Token("its signature is not base64url"))?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| KeysError::Token("its signature does not match"))?;
        decode(claims)
    }

    pub(crate) fn jwks(&self) -> Value {
        // An uncompressed point: 0x04, then x and y of 32 bytes each.
        let point = self.pair.public_key().as_ref();
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key_id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        }]})
    }
}

fn decode(part: &str) -> Result<Value, KeysError> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| KeysError::Token("a part is not base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| KeysError::Token("a part is not JSON"))
}
