use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Cloud, SECRET, server_body};

async fn check(cloud: &Cloud, path: &str, body: Value, status: u16, words: &str) {
    let answer = cloud.put(path, body).await.expect(status);
    assert!(!answer.code().is_empty());
    assert!(
        answer.message().contains(words),
        "{} does not say `{words}`",
        answer.message()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_azure_refuses_is_refused_in_words() {
    let place = vec![std::path::PathBuf::from("/nowhere")];
    let cloud = Cloud::open_with(|options| options.postgresql_binaries = Some(place)).await;
    check(&cloud, &cloud.group(), json!({}), 400, "location").await;
    check(
        &cloud,
        &cloud.group(),
        json!({ "location": "westeurop" }),
        400,
        "westeurope",
    )
    .await;
    check(&cloud, &cloud.server("orders-db"), server_body(), 404, "team-a").await;
    cloud.make_group().await;
    check(
        &cloud,
        &cloud.group(),
        json!({ "location": "northeurope" }),
        409,
        "cannot be changed",
    )
    .await;
    check(
        &cloud,
        &cloud.server("Orders"),
        server_body(),
        400,
        "contains `O`",
    )
    .await;
    for (pointer, value, words) in [
        ("/properties/administratorLogin", json!("admin"), "reserved"),
        (
            "/properties/administratorLoginPassword",
            json!("weak"),
            "shorter than 8",
        ),
        ("/properties/version", json!("9"), "not offered"),
        ("/sku/name", json!("Standard_X1"), "is not a size"),
    ] {
        let mut body = server_body();
        *body.pointer_mut(pointer).unwrap() = value;
        check(&cloud, &cloud.server("orders-db"), body, 400, words).await;
    }
    cloud
        .put(&cloud.server("orders-db"), server_body())
        .await
        .expect(202);
    let other_group = format!("/subscriptions/{}/resourceGroups/team-b", cloud.subscription);
    cloud
        .put(&other_group, json!({ "location": "westeurope" }))
        .await
        .expect(201);
    let same_name = format!("{other_group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders-db");
    check(&cloud, &same_name, server_body(), 409, "already taken").await;
    let database = |name: &str| format!("{}/databases/{name}", cloud.server("orders-db"));
    check(&cloud, &database("azure_maintenance"), json!({}), 400, "reserved").await;
    check(&cloud, &database("orders%20db"), json!({}), 400, "contains ` `").await;
    let rule = json!({ "properties": { "startIpAddress": "here", "endIpAddress": "0.0.0.0" } });
    let rules = format!("{}/firewallRules/all", cloud.server("orders-db"));
    check(&cloud, &rules, rule, 400, "is not an IPv4 address").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn protocol_errors_have_arms_codes() {
    let cloud = Cloud::open().await;
    let unsigned = cloud.request(Method::GET, &cloud.group()).send().await.unwrap();
    assert_eq!(unsigned.status().as_u16(), 401);
    assert!(
        unsigned.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Bearer")
    );
    let wrong = cloud
        .request(Method::GET, &cloud.group())
        .bearer_auth("a.b.c")
        .send()
        .await
        .unwrap();
    let body: Value = wrong.json().await.unwrap();
    assert_eq!(body["error"]["code"], "InvalidAuthenticationToken");

    assert_eq!(
        cloud.get(&cloud.group()).await.expect(404).code(),
        "ResourceGroupNotFound"
    );
    let other = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/x";
    assert_eq!(cloud.get(other).await.expect(404).code(), "SubscriptionNotFound");
    let unknown = format!("{}/providers/Microsoft.Else/things/x", cloud.group());
    assert_eq!(
        cloud.get(&unknown).await.expect(404).code(),
        "InvalidResourceNamespace"
    );
    cloud.make_group().await;
    assert_eq!(
        cloud.get(&cloud.server("none")).await.expect(404).code(),
        "ResourceNotFound"
    );
    let child = format!("{}/databases/orders", cloud.server("none"));
    assert_eq!(
        cloud.put(&child, json!({})).await.expect(404).code(),
        "ParentResourceNotFound"
    );
    cloud.delete(&child).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn entra_gives_and_refuses_tokens() {
    let cloud = Cloud::open().await;
    let token = cloud.sign_in(SECRET).await.expect(200).body;
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(token.split('.').count(), 3);
    let claims = cloud.options.keys.verify_jwt(token).unwrap();
    for claim in ["oid", "tid", "appid", "aud", "iss", "exp"] {
        assert!(!claims[claim].is_null(), "{claim}");
    }
    let refused = cloud.sign_in("wrong").await.expect(401).body;
    assert_eq!(refused["error_codes"][0], 7_000_215);
    assert!(
        refused["error_description"]
            .as_str()
            .unwrap()
            .starts_with("AADSTS7000215")
    );

    let openid = format!("/{}/v2.0/.well-known/openid-configuration", cloud.options.tenant);
    let document = cloud.get(&openid).await.expect(200).body;
    let keys = document["jwks_uri"]
        .as_str()
        .unwrap()
        .strip_prefix(&cloud.base)
        .unwrap();
    assert!(
        cloud.get(keys).await.expect(200).body["keys"]
            .as_array()
            .is_some_and(|keys| !keys.is_empty())
    );
    assert_eq!(document["issuer"], claims["iss"]);
    let metadata = cloud.get("/metadata/endpoints").await.expect(200).body;
    assert_eq!(metadata["resourceManager"], cloud.base);
    cloud
        .get("/nobody/v2.0/.well-known/openid-configuration")
        .await
        .expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_are_refused_whatever_they_say() {
    let cloud = Cloud::open().await;
    let path = format!("{}/providers/Microsoft.Resources/deployments/all", cloud.group());
    let request = cloud.signed(Method::POST, &format!("{path}/validate"));
    let answer = request.body("not a template").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "DeploymentsNotSupported");
}

#[tokio::test(flavor = "multi_thread")]
async fn common_lists_are_served() {
    let cloud = Cloud::open().await;
    let subscription = format!("/subscriptions/{}", cloud.subscription);
    for path in [
        "/tenants".to_owned(),
        "/subscriptions".to_owned(),
        format!("{subscription}/locations"),
        format!("{subscription}/providers"),
        format!("{subscription}/providers/Microsoft.DBforPostgreSQL/locations/westeurope/capabilities"),
    ] {
        let listed = cloud.get(&path).await.expect(200).body;
        assert!(
            listed["value"].as_array().is_some_and(|value| !value.is_empty()),
            "{path}"
        );
    }
    let path =
        format!("{subscription}/providers/Microsoft.DBforPostgreSQL/locations/westeurope/capabilities");
    let listed = cloud.get(&path).await.expect(200).body;
    assert_eq!(
        listed["value"][0]["supportedFeatures"][0],
        json!({ "name": "OfferRestricted", "status": "Disabled" })
    );
    let register = format!("{subscription}/providers/Microsoft.DBforPostgreSQL/register");
    let registered = cloud.call(Method::POST, &register, None).await.expect(200).body;
    assert_eq!(registered["registrationState"], "Registered");
    let check = format!("{subscription}/providers/Microsoft.DBforPostgreSQL/checkNameAvailability");
    let body = json!({ "name": "orders-db", "type": "Microsoft.DBforPostgreSQL/flexibleServers" });
    let answer = cloud
        .call(Method::POST, &check, Some(body))
        .await
        .expect(200)
        .body;
    assert_eq!(answer["nameAvailable"], true);
}
