use rand::Rng;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};

/// Length of the opaque tokens, in the form that Azure DevOps clients recognise as a personal access token.
const LENGTH: usize = 84;
/// What stands at [`MARK_AT`], and where.
const MARK: &str = "AZDO";
const MARK_AT: usize = 76;

/// A fresh token: 84 characters with `AZDO` at offset 76; about 476 bits of chance.
pub(crate) fn generate() -> String {
    let mut rng = rand::rng();
    let mut token: String = (0..MARK_AT)
        .map(|_| char::from(rng.sample(Alphanumeric)))
        .collect();
    token.push_str(MARK);
    token.extend((token.len()..LENGTH).map(|_| char::from(rng.sample(Alphanumeric))));
    token
}

/// What is stored of a token. It has enough chance of its own, so no salt and no slow hash are needed.
pub(crate) fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
