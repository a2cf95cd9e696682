//! Secret output variables on their way back to Pave: sealed with a key that only both of them have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

const NONCE: usize = 12;

/// A fresh key; `None` when the system has no randomness.
pub(crate) fn new_key() -> Option<String> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).ok()?;
    Some(STANDARD.encode(key))
}

pub(crate) fn seal(key: &str, plain: &str) -> Option<String> {
    let mut nonce = [0; NONCE];
    SystemRandom::new().fill(&mut nonce).ok()?;
    let mut text = plain.as_bytes().to_vec();
    let own = Nonce::assume_unique_for_key(nonce);
    opened(key)?
        .seal_in_place_append_tag(own, Aad::empty(), &mut text)
        .ok()?;
    Some(STANDARD.encode([&nonce[..], &text].concat()))
}

pub(crate) fn open_sealed(key: &str, sealed: &str) -> Option<String> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let (nonce, text) = bytes.split_at_checked(NONCE)?;
    let mut text = text.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = opened(key)?.open_in_place(nonce, Aad::empty(), &mut text).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

fn opened(key: &str) -> Option<LessSafeKey> {
    let key = STANDARD.decode(key).ok()?;
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_only() {
        let (key, other) = (new_key().unwrap(), new_key().unwrap());
        let sealed = seal(&key, "hush").unwrap();
        assert!(!sealed.contains("hush"));
        assert_eq!(open_sealed(&key, &sealed).as_deref(), Some("hush"));
        assert_eq!(open_sealed(&other, &sealed), None);
    }
}
