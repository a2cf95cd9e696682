use serde_json::json;

use super::*;

#[test]
fn keys_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = Keys::open(directory.path()).unwrap();
    let sealed = first.sealer().seal(b"secret").unwrap();
    let token = first.sign_jwt(&json!({ "sub": "alice" })).unwrap();
    let second = Keys::open(directory.path()).unwrap();
    assert_eq!(second.sealer().open_sealed(&sealed).unwrap(), b"secret");
    assert_eq!(second.verify_jwt(&token).unwrap(), json!({ "sub": "alice" }));
    assert_eq!(first.ca_pem(), second.ca_pem());
}

#[test]
fn a_changed_token_or_sealed_value_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let keys = Keys::open(directory.path()).unwrap();
    let token = keys.sign_jwt(&json!({ "sub": "alice" })).unwrap();
    let other = keys.sign_jwt(&json!({ "sub": "mallory" })).unwrap();
    let (header, claims, signature) = (
        token.split('.').next().unwrap(),
        other.split('.').nth(1).unwrap(),
        token.split('.').nth(2).unwrap(),
    );
    assert!(
        keys.verify_jwt(&format!("{header}.{claims}.{signature}"))
            .is_err()
    );
    let mut sealed = keys.sealer().seal(b"secret").unwrap();
    *sealed.last_mut().unwrap() ^= 1;
    assert!(keys.sealer().open_sealed(&sealed).is_err());
}

#[test]
fn server_certificates_are_trusted_by_our_clients() {
    let directory = tempfile::tempdir().unwrap();
    let keys = Keys::open(directory.path()).unwrap();
    assert!(
        keys.server_config(&["127.0.0.1", "localhost"], &["h2", "http/1.1"])
            .is_ok()
    );
    assert!(keys.client_config().is_ok());
    assert!(keys.http_client().is_ok());
}
