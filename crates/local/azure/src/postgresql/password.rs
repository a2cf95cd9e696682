//! What PostgreSQL stores of a password, computed here so that no statement ever carries the password itself.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac, pbkdf2};

/// PostgreSQL's own number of rounds.
const ROUNDS: u32 = 4096;

/// The verifier of a password for `CREATE ROLE … PASSWORD`.
///
/// A password with characters beyond ASCII is given as it is: the server normalises it, as its clients do.
pub(crate) fn to_verifier(password: &str) -> String {
    let mut salt = [0; 16];
    if !password.is_ascii() || SystemRandom::new().fill(&mut salt).is_err() {
        return password.to_owned();
    }
    verifier_with(password, &salt)
}

fn verifier_with(password: &str, salt: &[u8]) -> String {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        rounds,
        salt,
        password.as_bytes(),
        &mut salted,
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let stored = digest::digest(&digest::SHA256, hmac::sign(&key, b"Client Key").as_ref());
    let server = hmac::sign(&key, b"Server Key");
    format!(
        "SCRAM-SHA-256${ROUNDS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored),
        STANDARD.encode(server)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_salted_and_hides_the_password() {
        let (one, two) = (to_verifier("Secret-123"), to_verifier("Secret-123"));
        assert_ne!(one, two);
        assert!(one.starts_with("SCRAM-SHA-256$4096:") && !one.contains("Secret"));
        assert_eq!(verifier_with("pencil", b"salt").matches(':').count(), 2);
    }
}
