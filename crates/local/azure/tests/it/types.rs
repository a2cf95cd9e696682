//! Storage accounts, identities, lists over all types, tags, the activity log.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Cloud;

fn account(cloud: &Cloud, name: &str) -> String {
    format!(
        "{}/providers/Microsoft.Storage/storageAccounts/{name}",
        cloud.group()
    )
}

fn identity(cloud: &Cloud, name: &str) -> String {
    format!(
        "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
        cloud.group()
    )
}

fn account_body() -> Value {
    json!({ "location": "westeurope", "sku": { "name": "Standard_LRS" }, "kind": "StorageV2", "tags": { "team": "a" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_account_with_keys_and_containers() {
    let cloud = Cloud::open().await;
    cloud.make_group().await;
    let path = account(&cloud, "teamadata");
    let check = format!(
        "/subscriptions/{}/providers/Microsoft.Storage/checkNameAvailability",
        cloud.subscription
    );
    let available = async |name: &str| {
        let body = json!({ "name": name, "type": "Microsoft.Storage/storageAccounts" });
        cloud
            .call(Method::POST, &check, Some(body))
            .await
            .expect(200)
            .body
    };
    assert_eq!(available("teamadata").await["nameAvailable"], true);
    cloud.succeed(cloud.put(&path, account_body()).await).await;
    assert_eq!(available("teamadata").await["reason"], "AlreadyExists");
    assert_eq!(available("Team").await["reason"], "AccountNameInvalid");

    let shown = cloud.get(&path).await.expect(200).body;
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    let endpoint = shown["properties"]["primaryEndpoints"]["blob"].as_str().unwrap();
    assert!(endpoint.starts_with("https://teamadata.blob."), "{endpoint}");
    let again = cloud.put(&path, account_body()).await.expect(200);
    assert!(again.header("azure-asyncoperation").contains("Microsoft.Storage"));
    let wrong = json!({ "properties": { "isHnsEnabled": true } });
    cloud.call(Method::PATCH, &path, Some(wrong)).await.expect(409);

    let keys = async || {
        let keys = cloud.call(Method::POST, &format!("{path}/listKeys"), None).await;
        keys.expect(200).body["keys"].clone()
    };
    let first = keys().await;
    assert_eq!(
        (first[0]["keyName"].as_str(), keys().await == first),
        (Some("key1"), true)
    );
    let body = json!({ "keyName": "key1" });
    let renewed = cloud
        .call(Method::POST, &format!("{path}/regenerateKey"), Some(body))
        .await;
    let renewed = renewed.expect(200).body["keys"].clone();
    assert!(renewed[0]["value"] != first[0]["value"] && renewed[1]["value"] == first[1]["value"]);

    let container = format!("{path}/blobServices/default/containers/tfstate");
    cloud.put(&container, json!({})).await.expect(201);
    cloud.put(&container, json!({})).await.expect(200);
    let wrong = format!("{path}/blobServices/default/containers/a--b");
    cloud.put(&wrong, json!({})).await.expect(400);
    let listed = cloud
        .get(&format!("{path}/blobServices/default/containers"))
        .await
        .expect(200)
        .body;
    assert_eq!(listed["value"][0]["name"], "tfstate");
    assert_eq!(
        listed["value"][0]["type"],
        "Microsoft.Storage/storageAccounts/blobServices/containers"
    );
    cloud
        .get(&format!("{path}/blobServices/default"))
        .await
        .expect(200);
    let elsewhere = account(&cloud, "nobodys") + "/blobServices/default/containers/tfstate";
    assert_eq!(
        cloud.put(&elsewhere, json!({})).await.expect(404).code(),
        "ParentResourceNotFound"
    );

    cloud.delete(&path).await.expect(200);
    cloud.delete(&path).await.expect(204);
    cloud.get(&container).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_tags_and_the_group_that_takes_all_along() {
    let mut cloud = Cloud::open().await;
    cloud.make_group().await;
    cloud
        .succeed(cloud.put(&account(&cloud, "teamadata"), account_body()).await)
        .await;
    let id = identity(&cloud, "id-team-a");
    cloud
        .put(&id, json!({ "location": "westeurope" }))
        .await
        .expect(201);
    let names = async |cloud: &Cloud, query: &str| {
        let path = format!("/subscriptions/{}/resources{query}", cloud.subscription);
        let listed = cloud.get(&path).await.expect(200).body;
        let all = listed["value"].as_array().unwrap().iter();
        all.map(|it| it["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&cloud, "").await, ["teamadata", "id-team-a"]);
    for (filter, expected) in [
        ("resourceType eq 'Microsoft.Storage/storageAccounts'", "teamadata"),
        ("tagName eq 'team' and tagValue eq 'a'", "teamadata"),
        ("name eq 'id-team-a'", "id-team-a"),
        ("substringof('team-a', name)", "id-team-a"),
    ] {
        let query = format!("?$filter={}", filter.replace(' ', "%20"));
        assert_eq!(names(&cloud, &query).await, [expected], "{filter}");
    }
    assert_eq!(names(&cloud, "?$top=1").await.len(), 1);

    cloud.call(Method::HEAD, &id, None).await.expect(204);
    cloud
        .call(Method::HEAD, &identity(&cloud, "none"), None)
        .await
        .expect(404);
    let tags = format!("{id}/providers/Microsoft.Resources/tags/default");
    let change = json!({ "operation": "Merge", "properties": { "tags": { "owner": "alice" } } });
    cloud.call(Method::PATCH, &tags, Some(change)).await.expect(200);
    assert_eq!(cloud.get(&id).await.expect(200).body["tags"]["owner"], "alice");
    let group_tags = format!("{}/providers/Microsoft.Resources/tags/default", cloud.group());
    let body = json!({ "properties": { "tags": { "cost": "1" } } });
    cloud.put(&group_tags, body).await.expect(200);
    assert_eq!(
        cloud.get(&cloud.group()).await.expect(200).body["tags"]["cost"],
        "1"
    );
    let path = format!("/subscriptions/{}/tagNames", cloud.subscription);
    let used = cloud.get(&path).await.expect(200).body;
    let used = used["value"].as_array().unwrap().iter();
    let used: Vec<Value> = used
        .map(|tag| json!([tag["tagName"], tag["values"][0]["tagValue"]]))
        .collect();
    assert_eq!(
        json!(used),
        json!([["cost", "1"], ["owner", "alice"], ["team", "a"]])
    );
    cloud.reopen().await;
    assert_eq!(names(&cloud, "").await.len(), 2);

    let accepted = cloud.delete(&cloud.group()).await;
    cloud.succeed(accepted).await;
    assert!(names(&cloud, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_service_account_stands_for_an_identity() {
    let cloud = Cloud::open().await;
    cloud.make_group().await;
    let id = identity(&cloud, "id-team-a");
    let made = cloud
        .put(&id, json!({ "location": "westeurope" }))
        .await
        .expect(201)
        .body;
    let again = cloud
        .put(&id, json!({ "location": "westeurope" }))
        .await
        .expect(200)
        .body;
    assert_eq!(
        made["properties"], again["properties"],
        "an identity keeps its ids"
    );
    let client = made["properties"]["clientId"].as_str().unwrap().to_owned();
    let credential = |subject: &str| {
        json!({ "properties": { "issuer": "https://issuer.example", "subject": subject,
            "audiences": ["api://AzureADTokenExchange"] } })
    };
    let path = format!("{id}/federatedIdentityCredentials/robot");
    cloud
        .put(&path, credential("system:serviceaccount:team-a:robot"))
        .await
        .expect(201);
    cloud
        .put(&path, credential("system:serviceaccount:team-a:robot"))
        .await
        .expect(200);
    let same = format!("{id}/federatedIdentityCredentials/another");
    cloud
        .put(&same, credential("system:serviceaccount:team-a:robot"))
        .await
        .expect(409);

    let sign = |issuer: &str, subject: &str, audience: &str, lifetime: i64| {
        let now = pave_runtime::clock::unix_seconds();
        let claims = json!({ "iss": issuer, "sub": subject, "aud": [audience], "iat": now, "nbf": now,
            "exp": now + lifetime });
        cloud.options.keys.sign_jwt(&claims).unwrap()
    };
    let (issuer, audience) = ("https://issuer.example", "api://AzureADTokenExchange");
    let robot = "system:serviceaccount:team-a:robot";
    for (assertion, words) in [
        (sign("https://other.example", robot, audience, 60), "AADSTS700211"),
        (
            sign(issuer, "system:serviceaccount:team-b:robot", audience, 60),
            "AADSTS700213",
        ),
        (
            sign(issuer, robot, "https://kubernetes.default.svc", 60),
            "AADSTS700212",
        ),
        (sign(issuer, robot, audience, -60), "AADSTS700024"),
        (format!("{}x", sign(issuer, robot, audience, 60)), "AADSTS700027"),
    ] {
        let answer = cloud.sign_in_federated(&client, &assertion).await.expect(401);
        let said = answer.body["error_description"].as_str().unwrap();
        assert!(said.contains(words), "{said} does not say {words}");
    }
    let good = sign(issuer, robot, audience, 60);
    cloud
        .sign_in_federated("00000000-0000-0000-0000-00000000ffff", &good)
        .await
        .expect(400);
    let answer = cloud.sign_in_federated(&client, &good).await.expect(200);
    let token = answer.body["access_token"].as_str().unwrap();
    let response = cloud
        .request(Method::PUT, &identity(&cloud, "id-made-by-robot"))
        .bearer_auth(token)
        .json(&json!({ "location": "westeurope" }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 201);
    let made: Value = response.json().await.unwrap();
    assert_eq!(made["systemData"]["createdBy"], "id-team-a");
    assert_eq!(made["systemData"]["createdByType"], "ManagedIdentity");
    cloud.delete(&id).await.expect(200);
    let gone = cloud
        .request(Method::GET, &cloud.group())
        .bearer_auth(token)
        .send()
        .await;
    assert_eq!(
        gone.unwrap().status().as_u16(),
        401,
        "whoever is gone has no rights"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_stands_in_the_activity_log() {
    let cloud = Cloud::open().await;
    let road = "0af7651916cd43dd8448eb211c80319c";
    let write = async |method: Method, path: &str, body: Value| {
        cloud
            .signed(method, path)
            .header("x-ms-correlation-request-id", road)
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    cloud.make_group().await;
    assert_eq!(
        write(Method::PUT, &account(&cloud, "teamadata"), account_body()).await,
        202
    );
    assert_eq!(
        write(Method::PUT, &account(&cloud, "Team"), account_body()).await,
        400
    );
    assert_eq!(write(Method::DELETE, &cloud.group(), json!({})).await, 202);
    let values = format!(
        "/subscriptions/{}/providers/Microsoft.Insights/eventtypes/management/values",
        cloud.subscription
    );
    let filter = format!(
        "?$filter=eventTimestamp%20ge%20'2026-01-01T00:00:00Z'%20and%20correlationId%20eq%20'{road}'"
    );
    let found = cloud
        .until("the end of the deletion in the log", async |cloud| {
            let found = cloud.get(&format!("{values}{filter}")).await.expect(200).body;
            let all = found["value"].as_array().unwrap().clone();
            (all.len() == 4).then_some(all)
        })
        .await;
    let told: Vec<_> = found
        .iter()
        .rev()
        .map(|it| {
            format!(
                "{} {}",
                it["operationName"]["value"].as_str().unwrap(),
                it["status"]["value"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "Microsoft.Storage/storageAccounts/write Accepted",
            "Microsoft.Storage/storageAccounts/write Failed",
            "Microsoft.Resources/subscriptions/resourceGroups/delete Accepted",
            "Microsoft.Resources/subscriptions/resourceGroups/delete Succeeded",
        ]
    );
    assert!(
        found
            .iter()
            .all(|it| it["caller"] == "demo" && it["correlationId"] == road)
    );
    assert_eq!(found[2]["subStatus"]["value"], "AccountNameInvalid");
    let later = format!("{values}?$filter=eventTimestamp%20ge%20'2099-01-01T00:00:00Z'");
    assert_eq!(cloud.get(&later).await.expect(200).body["value"], json!([]));
    cloud.get(&format!("{values}?$filter=nonsense")).await.expect(400);
}
