//! Who a token names: at the local cluster everybody who is known here, at a logical cluster also its own accounts.

use pave_auth::{AuthError, Principal};
use pave_keys::{Keys, KeysError};
use pave_runtime::clock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::Server;

/// How long a token made out for a person is good.
const DAY: i64 = 24 * 60 * 60;

/// What a logical cluster has of its own.
pub(crate) struct Own {
    /// Where it is served; issuer of its tokens.
    pub(crate) url: String,
    /// Whether it answers.
    pub(crate) running: bool,
    administrator: [u8; 32],
    user: [u8; 32],
}

impl Own {
    pub(crate) fn new(url: String, running: bool, tokens: &Value) -> Self {
        let digest = |name: &str| digest(tokens[name].as_str().unwrap_or_default());
        Self {
            url,
            running,
            administrator: digest("administrator"),
            user: digest("user"),
        }
    }

    /// The account of the cluster itself that a token belongs to.
    fn account(&self, token: &str) -> Option<Principal> {
        if token.is_empty() {
            return None;
        }
        // Comparing hashes leaks nothing of use to who measures time.
        let shown = digest(token);
        let name = if shown == self.administrator {
            "masterclient"
        } else if shown == self.user {
            "clusteruser"
        } else {
            return None;
        };
        Some(named(name, vec!["system:masters".to_owned()]))
    }

    /// Whoever this cluster has signed a token for.
    fn signed(&self, keys: &Keys, token: &str) -> Option<Principal> {
        let claims = keys.verify_jwt(token).ok()?;
        let now = clock::unix_seconds();
        let current = claims["exp"].as_i64()? > now && claims["nbf"].as_i64().unwrap_or(0) <= now + 60;
        let is_for_us = match &claims["aud"] {
            Value::Array(audiences) => audiences.iter().any(|audience| *audience == self.url.as_str()),
            audience => *audience == self.url.as_str(),
        };
        if !current || !is_for_us || claims["iss"] != self.url.as_str() {
            return None;
        }
        let subject = claims["sub"].as_str()?;
        if let Some(account) = subject.strip_prefix("system:serviceaccount:") {
            let (namespace, name) = account.split_once(':')?;
            return Some(Principal::service_account(namespace, name));
        }
        let groups = claims["groups"].as_array().into_iter().flatten();
        let groups = groups.filter_map(Value::as_str).map(str::to_owned).collect();
        Some(named(subject, groups))
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn named(user: &str, groups: Vec<String>) -> Principal {
    let mut principal = Principal::anonymous();
    user.clone_into(&mut principal.user);
    user.clone_into(&mut principal.display_name);
    principal.groups = groups;
    principal
}

/// Who a token names at a server; nobody when it is unknown, expired, or belongs to another cluster.
pub(crate) async fn principal_of(server: &Server, token: &str) -> Result<Option<Principal>, AuthError> {
    let Some(own) = &server.own else {
        return server.identities.authenticate(token).await;
    };
    // A signed token is good for the cluster that signed it and for no other.
    if token.matches('.').count() == 2 {
        return Ok(own.signed(&server.keys, token));
    }
    match own.account(token) {
        Some(account) => Ok(Some(account)),
        None => server.identities.authenticate(token).await,
    }
}

/// A token by which somebody is known at a logical cluster.
pub(crate) fn person_token(
    keys: &Keys,
    url: &str,
    user: &str,
    groups: &[String],
) -> Result<String, KeysError> {
    let now = clock::unix_seconds();
    // A service account of elsewhere is not the one of the same name here.
    let user = if user.starts_with("system:") {
        format!("pave:{user}")
    } else {
        user.to_owned()
    };
    // What only the cluster itself may say of somebody is not taken from elsewhere.
    let groups: Vec<_> = groups
        .iter()
        .filter(|group| !group.starts_with("system:"))
        .collect();
    keys.sign_jwt(&json!({
        "iss": url, "aud": [url], "sub": user, "groups": groups,
        "iat": now, "nbf": now, "exp": now + DAY,
    }))
}
