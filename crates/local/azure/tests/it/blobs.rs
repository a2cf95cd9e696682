//! The data plane of storage accounts, as Terraform's backend and simple clients use it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, Response, StatusCode};
use ring::hmac;
use serde_json::json;

use crate::harness::{Cloud, SECRET};

const ACCOUNT: &str = "Microsoft.Storage/storageAccounts/teamstate";
const LEASE: &str = "11111111-1111-1111-1111-111111111111";
const OTHER: &str = "22222222-2222-2222-2222-222222222222";

/// An account with the container `state`, and a token for it.
struct Storage {
    cloud: Cloud,
    client: reqwest::Client,
    token: String,
}

impl Storage {
    async fn open() -> Self {
        let cloud = Cloud::open().await;
        cloud
            .call(
                Method::PUT,
                &cloud.group(),
                Some(json!({ "location": "westeurope" })),
            )
            .await
            .expect(201);
        let account =
            json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } });
        let path = format!("{}/providers/{ACCOUNT}", cloud.group());
        cloud.call(Method::PUT, &path, Some(account)).await.expect(202);
        let container = format!("{path}/blobServices/default/containers/state");
        cloud
            .call(Method::PUT, &container, Some(json!({})))
            .await
            .expect(201);
        let token = token(&cloud, "https://storage.azure.com/.default").await;
        let client = cloud.options.keys.http_client().unwrap();
        Self { cloud, client, token }
    }

    /// A request to the account's own host name.
    fn request(&self, method: &Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.cloud.base);
        self.client
            .request(method.clone(), url)
            .header("host", "teamstate.blob.storage.pave.localhost:1")
            .header("x-ms-version", "2023-11-03")
    }

    /// Asks with a token; the answer has this status and, unless it is empty, this code.
    async fn check(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        expected: (u16, &str),
    ) -> Response {
        let mut request = self.request(&method, path).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let found = (
            answer.status().as_u16(),
            header(&answer, "x-ms-error-code").to_owned(),
        );
        assert_eq!(
            (found.0, found.1.as_str()),
            expected,
            "{method} {path} {headers:?}"
        );
        answer
    }

    async fn put(&self, path: &str, headers: &[(&str, &str)], body: &str, expected: (u16, &str)) {
        let kind = [("x-ms-blob-type", "BlockBlob")];
        let headers: Vec<_> = kind.iter().chain(headers).copied().collect();
        self.check(Method::PUT, path, &headers, body, expected).await;
    }

    async fn content(&self, path: &str) -> String {
        let answer = self.check(Method::GET, path, &[], "", (200, "")).await;
        answer.text().await.unwrap()
    }

    fn files(&self) -> usize {
        let entries = std::fs::read_dir(self.cloud.options.data.join("blobs"));
        entries.map_or(0, Iterator::count)
    }
}

async fn token(cloud: &Cloud, scope: &str) -> String {
    let url = format!("{}/{}/oauth2/v2.0/token", cloud.base, cloud.options.tenant);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "00000000-0000-0000-0000-000000000007"),
        ("client_secret", SECRET),
        ("scope", scope),
    ];
    let client = cloud.options.keys.http_client().unwrap();
    let answer = client.post(url).form(&form).send().await.unwrap();
    let body: serde_json::Value = answer.json().await.unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_locked_written_and_unlocked_as_terraform_does_it() {
    let storage = Storage::open().await;
    let (path, lease) = ("/state/team%20a/prod.tfstate", ("x-ms-lease-id", LEASE));
    let acquire = |id| {
        [
            ("x-ms-lease-action", "acquire"),
            ("x-ms-lease-duration", "-1"),
            ("x-ms-proposed-lease-id", id),
        ]
    };
    let (leases, metadata) = (format!("{path}?comp=lease"), format!("{path}?comp=metadata"));
    storage
        .check(Method::HEAD, path, &[], "", (404, "BlobNotFound"))
        .await;
    storage
        .put(path, &[("content-type", "application/json")], "", (201, ""))
        .await;
    let taken = storage
        .check(Method::PUT, &leases, &acquire(LEASE), "", (201, ""))
        .await;
    assert_eq!(header(&taken, "x-ms-lease-id"), LEASE);
    storage
        .check(
            Method::PUT,
            &leases,
            &acquire(OTHER),
            "",
            (409, "LeaseAlreadyPresent"),
        )
        .await;
    let info = ("x-ms-meta-terraformlockid", "e30=");
    storage
        .check(Method::PUT, &metadata, &[info], "", (412, "LeaseIdMissing"))
        .await;
    storage
        .check(Method::PUT, &metadata, &[info, lease], "", (200, ""))
        .await;
    storage.put(path, &[], "{}", (412, "LeaseIdMissing")).await;
    storage
        .put(
            path,
            &[("x-ms-lease-id", OTHER)],
            "{}",
            (412, "LeaseIdMismatchWithBlobOperation"),
        )
        .await;
    storage
        .put(
            path,
            &[info, lease, ("content-type", "application/json")],
            "{\"v\":1}",
            (201, ""),
        )
        .await;
    let shown = storage.check(Method::HEAD, path, &[], "", (200, "")).await;
    for (name, value) in [
        ("x-ms-lease-status", "locked"),
        ("x-ms-lease-duration", "infinite"),
        ("x-ms-meta-terraformlockid", "e30="),
        ("content-length", "7"),
        ("content-type", "application/json"),
        ("x-ms-version", "2023-11-03"),
    ] {
        assert_eq!(header(&shown, name), value, "{name}");
    }
    storage
        .check(Method::PUT, &metadata, &[lease], "", (200, ""))
        .await;
    let release = [("x-ms-lease-action", "release"), lease];
    storage.check(Method::PUT, &leases, &release, "", (200, "")).await;
    assert_eq!(storage.content(path).await, "{\"v\":1}");
    assert_eq!(storage.files(), 1, "an older content is gone");
    let list = "/state?restype=container&comp=list&prefix=team";
    let listed = storage.content(list).await;
    assert!(listed.contains("<Name>team a/prod.tfstate</Name>"), "{listed}");
    storage.check(Method::DELETE, path, &[], "", (202, "")).await;
    assert_eq!(storage.files(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_outlive_a_restart_and_go_with_their_account() {
    let mut storage = Storage::open().await;
    storage.put("/state/a", &[], "first", (201, "")).await;
    storage
        .check(Method::PUT, "/state/a?comp=snapshot", &[], "", (201, ""))
        .await;
    storage.put("/state/a", &[], "second", (201, "")).await;
    assert_eq!(storage.files(), 2);
    // What a crash in the middle of a write leaves.
    let stray = storage.cloud.options.data.join("blobs").join("stray");
    std::fs::write(stray, "half").unwrap();
    storage.cloud.reopen().await;
    assert_eq!(storage.files(), 2);
    assert_eq!(storage.content("/state/a").await, "second");
    storage
        .check(Method::DELETE, "/state/a", &[], "", (409, "SnapshotsPresent"))
        .await;
    let path = format!("{}/providers/{ACCOUNT}", storage.cloud.group());
    storage.cloud.call(Method::DELETE, &path, None).await.expect(200);
    assert_eq!(storage.files(), 0);
    storage
        .check(Method::GET, "/state/a", &[], "", (404, "ResourceNotFound"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_conditions_and_containers_are_as_documented() {
    let storage = Storage::open().await;
    storage.put("/state/a", &[], "0123456789", (201, "")).await;
    let part = storage
        .check(
            Method::GET,
            "/state/a",
            &[("x-ms-range", "bytes=2-4")],
            "",
            (206, ""),
        )
        .await;
    assert_eq!(header(&part, "content-range"), "bytes 2-4/10");
    assert_eq!(part.text().await.unwrap(), "234");
    storage
        .check(
            Method::GET,
            "/state/a",
            &[("range", "bytes=10-")],
            "",
            (416, "InvalidRange"),
        )
        .await;
    let shown = storage.check(Method::HEAD, "/state/a", &[], "", (200, "")).await;
    let etag = header(&shown, "etag").to_owned();
    storage
        .check(
            Method::GET,
            "/state/a",
            &[("if-none-match", &etag)],
            "",
            (304, "ConditionNotMet"),
        )
        .await;
    storage
        .put(
            "/state/a",
            &[("if-none-match", "*")],
            "",
            (409, "BlobAlreadyExists"),
        )
        .await;
    storage
        .put("/state/a", &[("if-match", &etag)], "new", (201, ""))
        .await;
    storage
        .put(
            "/state/a",
            &[("if-match", &etag)],
            "newer",
            (412, "ConditionNotMet"),
        )
        .await;
    storage
        .put("/nowhere/a", &[], "", (404, "ContainerNotFound"))
        .await;
    let logs = "/logs?restype=container";
    storage.check(Method::PUT, logs, &[], "", (201, "")).await;
    storage
        .check(Method::PUT, logs, &[], "", (409, "ContainerAlreadyExists"))
        .await;
    storage
        .check(
            Method::PUT,
            "/Logs?restype=container",
            &[],
            "",
            (400, "InvalidResourceName"),
        )
        .await;
    let listed = storage.content("/?comp=list").await;
    assert!(listed.contains("<Name>logs</Name>"), "{listed}");
    storage.check(Method::DELETE, logs, &[], "", (202, "")).await;
    storage
        .check(Method::GET, logs, &[], "", (404, "ContainerNotFound"))
        .await;
    storage
        .check(
            Method::PUT,
            "/state/a?comp=block&blockid=YQ==",
            &[],
            "",
            (501, "NotImplemented"),
        )
        .await;
}

/// Signs as the documentation says, for a request without a body.
fn signed(key: &[u8], date: &str) -> String {
    let text = format!(
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2023-11-03\n/teamstate/state\ncomp:list\nrestype:container"
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    format!(
        "SharedKey teamstate:{}",
        STANDARD.encode(hmac::sign(&key, text.as_bytes()))
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_key_and_no_right_token_is_refused() {
    let storage = Storage::open().await;
    let path = format!("{}/providers/{ACCOUNT}", storage.cloud.group());
    let keys = storage
        .cloud
        .call(Method::POST, &format!("{path}/listKeys"), None)
        .await
        .expect(200);
    let key = STANDARD
        .decode(keys.body["keys"][1]["value"].as_str().unwrap())
        .unwrap();
    let arm = token(&storage.cloud, &format!("{}/.default", storage.cloud.base)).await;
    let now = jiff::Timestamp::now()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let old = "Fri, 26 Jun 2015 23:39:12 GMT".to_owned();
    let bearer = |token: &str| format!("Bearer {token}");
    let check = async |authorization: Option<String>, date: &str, expected: (u16, &str)| {
        let list = "/state?restype=container&comp=list";
        let mut request = storage.request(&Method::GET, list).header("x-ms-date", date);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.unwrap();
        let found = (answer.status().as_u16(), header(&answer, "x-ms-error-code"));
        assert_eq!(found, expected);
    };
    check(None, &now, (401, "NoAuthenticationInformation")).await;
    check(Some(bearer(&storage.token)), &now, (200, "")).await;
    check(Some(bearer(&arm)), &now, (401, "InvalidAuthenticationInfo")).await;
    check(Some(bearer("nonsense")), &now, (401, "InvalidAuthenticationInfo")).await;
    check(Some(signed(&key, &now)), &now, (200, "")).await;
    check(Some(signed(&key, &old)), &old, (403, "AuthenticationFailed")).await;
    check(Some(signed(&[1; 64], &now)), &now, (403, "AuthenticationFailed")).await;
    let change = json!({ "properties": { "allowSharedKeyAccess": false } });
    let changed = storage.cloud.call(Method::PATCH, &path, Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK);
    check(
        Some(signed(&key, &now)),
        &now,
        (403, "KeyBasedAuthenticationNotPermitted"),
    )
    .await;
}
