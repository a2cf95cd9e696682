use std::sync::Arc;

use futures::future::BoxFuture;
use pave_auth::{AccessRequest, Authorizer, Decision, Identities, Principal};
use pave_names::EntityRef;
use reqwest::Method;
use serde_json::json;

use crate::harness::Cloud;

/// Lets everybody into the group that is called as one of theirs.
struct ByGroup;

impl Authorizer for ByGroup {
    fn authorize<'a>(
        &'a self,
        principal: &'a Principal,
        request: &'a AccessRequest,
    ) -> BoxFuture<'a, Decision> {
        let allowed = principal
            .groups
            .iter()
            .any(|group| request.path.contains(&format!("/resourcegroups/{group}")));
        let reason = "no rule allows it (ask the platform team)".to_owned();
        Box::pin(async move { Decision { allowed, reason } })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_with_their_own_tokens_and_get_what_rules_allow() {
    let store = crate::harness::directory();
    let mut identities = None;
    let cloud = Cloud::open_with(|options| {
        let opened = Identities::open(&store.path().join("identities.db"), options.keys.clone()).unwrap();
        options.identities = Some(opened.clone());
        options.authorizer = Some(Arc::new(ByGroup));
        identities = Some(opened);
    })
    .await;
    let identities = identities.unwrap();
    let alice = EntityRef::new("user", "default", "alice");
    identities
        .upsert_user(&alice, "Alice", "alice@example.com", &["team-a".to_owned()])
        .await
        .unwrap();
    let token = identities.issue_token(&alice, "test", None).await.unwrap();

    let put = async |path: String| {
        let request = cloud.request(Method::PUT, &path).bearer_auth(&token);
        request
            .json(&json!({ "location": "westeurope" }))
            .send()
            .await
            .unwrap()
    };
    assert_eq!(put(cloud.group()).await.status().as_u16(), 201);
    let refused = put(format!(
        "/subscriptions/{}/resourceGroups/team-b",
        cloud.subscription
    ))
    .await;
    assert_eq!(refused.status().as_u16(), 403);
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "AuthorizationFailed");
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("ask the platform team")
    );
}
