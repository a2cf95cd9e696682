use std::time::Duration;

use super::*;
use pave_keys::Keys;
use pave_names::EntityRef;

fn open(directory: &std::path::Path) -> Identities {
    let keys = Keys::open(&directory.join("keys")).unwrap();
    Identities::open(&directory.join("identities.db"), keys).unwrap()
}

#[tokio::test]
async fn a_token_names_its_person_until_it_is_revoked() {
    let directory = tempfile::tempdir().unwrap();
    let identities = open(directory.path());
    let alice = EntityRef::new("user", "default", "alice");
    let principal = identities
        .upsert_user(&alice, "Alice", "alice@example.com", &["team-a".into()])
        .await
        .unwrap();
    let token = identities.issue_token(&alice, "test", None).await.unwrap();
    assert_eq!((token.len(), &token[76..80]), (84, "AZDO"));
    assert_eq!(
        identities.authenticate(&token).await.unwrap().as_ref(),
        Some(&principal)
    );
    let reopened = open(directory.path());
    assert_eq!(reopened.authenticate(&token).await.unwrap(), Some(principal));
    let id = identities.tokens(&alice).await.unwrap()[0].id;
    assert!(identities.revoke_token(id).await.unwrap());
    assert_eq!(identities.authenticate(&token).await.unwrap(), None);
}

#[tokio::test]
async fn expired_and_foreign_tokens_name_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let identities = open(directory.path());
    let bob = EntityRef::new("user", "default", "bob");
    assert!(identities.issue_token(&bob, "test", None).await.is_err());
    identities
        .upsert_user(&bob, "Bob", "bob@example.com", &[])
        .await
        .unwrap();
    let expired = identities
        .issue_token(&bob, "test", Some(std::time::Duration::ZERO))
        .await
        .unwrap();
    for token in [expired.as_str(), "nonsense", "a.b.c", ""] {
        assert_eq!(identities.authenticate(token).await.unwrap(), None, "{token}");
    }
}

#[tokio::test]
async fn a_sign_in_code_works_once() {
    let directory = tempfile::tempdir().unwrap();
    let identities = open(directory.path());
    let alice = EntityRef::new("user", "default", "alice");
    identities.upsert_user(&alice, "Alice", "", &[]).await.unwrap();
    let code = identities.issue_sign_in(&alice).await.unwrap();
    assert!(identities.redeem_sign_in(&code).await.unwrap().is_some());
    assert!(identities.redeem_sign_in(&code).await.unwrap().is_none());
}

#[tokio::test]
async fn service_accounts_carry_signed_tokens() {
    let directory = tempfile::tempdir().unwrap();
    let identities = open(directory.path());
    let token = identities.service_account_token("team-a", "gitops").unwrap();
    let principal = identities.authenticate(&token).await.unwrap().unwrap();
    assert_eq!(principal.user, "system:serviceaccount:team-a:gitops");
    assert!(
        principal
            .groups
            .contains(&"system:serviceaccounts:team-a".to_owned())
    );
}

#[test]
fn credentials_come_as_bearer_or_basic() {
    let check = |header: Option<&str>, expected: Option<&str>| {
        assert_eq!(credential_from_header(header).as_deref(), expected, "{header:?}");
    };
    check(Some("Bearer abc"), Some("abc"));
    check(Some("Basic OmFiYw=="), Some("abc"));
    check(Some("basic YW55Om9uZTp0d28="), Some("one:two"));
    check(Some("Digest x"), None);
    check(Some("Bearer "), None);
    check(None, None);
}

#[tokio::test]
async fn expired_tokens_are_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let identities = open(directory.path());
    let alice = EntityRef::new("user", "default", "alice");
    identities
        .upsert_user(&alice, "Alice", "alice@example.com", &[])
        .await
        .unwrap();
    identities
        .issue_token(&alice, "expired", Some(Duration::ZERO))
        .await
        .unwrap();
    identities
        .issue_token(&alice, "kept", Some(Duration::from_secs(60)))
        .await
        .unwrap();
    assert_eq!(identities.prune().await.unwrap(), 1);
    let left = identities.tokens(&alice).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].purpose, "kept");
}
