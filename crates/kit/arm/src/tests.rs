use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::operation::{Operation, Polling, Progress};
use crate::{ArmClient, ArmError, Assertion, Credential, Environment, IdentityEndpoint};

/// Answers requests by path: status, headers, body.
type Page = (u16, Vec<(&'static str, String)>, Value);

#[derive(Clone, Default)]
struct Fake {
    pages: Arc<Mutex<Vec<(&'static str, Page)>>>,
    tokens: Arc<AtomicUsize>,
    /// What was asked of the giver of tokens: line and form.
    asked: Arc<Mutex<Vec<String>>>,
    seen: Arc<Mutex<Vec<String>>>,
    lifetime: Arc<AtomicUsize>,
}

async fn serve(State(fake): State<Fake>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path.ends_with("/oauth2/v2.0/token") {
        let number = fake.tokens.fetch_add(1, Ordering::SeqCst) + 1;
        let lifetime = fake.lifetime.load(Ordering::SeqCst);
        let form = axum::body::to_bytes(request.into_body(), 65536).await.unwrap();
        let form = String::from_utf8_lossy(&form).into_owned();
        fake.asked.lock().unwrap().push(form);
        return axum::Json(json!({"access_token": format!("t{number}"), "expires_in": lifetime}))
            .into_response();
    }
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .map_or("", |it| it.to_str().unwrap())
            .to_owned()
    };
    let line = format!(
        "{} {} {} {}{}{}",
        request.method(),
        request.uri(),
        header("authorization"),
        header("x-ms-correlation-request-id"),
        header("metadata"),
        header("x-identity-header"),
    );
    fake.seen.lock().unwrap().push(line);
    let mut pages = fake.pages.lock().unwrap();
    let position = pages.iter().position(|(known, _)| *known == path).unwrap();
    let (_, (status, headers, body)) = pages.remove(position);
    let mut response = axum::Json(body).into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

struct World {
    fake: Fake,
    client: ArmClient,
    url: String,
}

fn http() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = config
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .build()
        .unwrap()
}

async fn world(pages: Vec<(&'static str, Page)>) -> World {
    let secret = |_: &str| Credential::ClientSecret {
        tenant: "tenant".into(),
        client_id: "client".into(),
        client_secret: "very-secret".into(),
    };
    world_of(pages, secret).await
}

/// With a credential that may name the address of the fake.
async fn world_of(pages: Vec<(&'static str, Page)>, credential: impl FnOnce(&str) -> Credential) -> World {
    let fake = Fake {
        pages: Arc::new(Mutex::new(pages)),
        ..Fake::default()
    };
    fake.lifetime.store(3600, Ordering::SeqCst);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(serve).with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let environment = Environment::new(&url, &url).unwrap();
    World {
        client: ArmClient::new(http(), environment, credential(&url)),
        fake,
        url,
    }
}

fn page(status: u16, body: Value) -> Page {
    (status, Vec::new(), body)
}

#[tokio::test]
async fn one_token_serves_until_arm_refuses_it() {
    let refused = json!({"error": {"code": "InvalidAuthenticationToken", "message": "expired"}});
    let world = world(vec![
        ("/a", page(200, json!({"id": "a"}))),
        ("/a", page(404, json!({}))),
        ("/a", page(401, refused.clone())),
        ("/a", page(200, json!({}))),
        ("/a", page(401, refused.clone())),
        ("/a", page(401, refused)),
    ])
    .await;
    let client = world
        .client
        .correlated(uuid::Uuid::try_parse("01234567-89ab-cdef-0123-456789abcdef").ok());
    assert_eq!(client.get("/a", "v1").await.unwrap(), Some(json!({"id": "a"})));
    assert_eq!(client.get("/a", "v1").await.unwrap(), None);
    assert_eq!(world.fake.tokens.load(Ordering::SeqCst), 1);
    assert!(client.get("/a", "v1").await.unwrap().is_some());
    assert_eq!(world.fake.tokens.load(Ordering::SeqCst), 2);
    assert_eq!(client.get("/a", "v1").await.unwrap_err().status(), Some(401));
    let first = world.fake.seen.lock().unwrap()[0].clone();
    assert_eq!(
        first,
        "GET /a?api-version=v1 Bearer t1 01234567-89ab-cdef-0123-456789abcdef"
    );
}

#[tokio::test]
async fn a_token_is_renewed_early() {
    let world = world(vec![("/a", page(200, json!({}))), ("/a", page(200, json!({})))]).await;
    world.fake.lifetime.store(0, Ordering::SeqCst);
    for expected in [1, 2] {
        world.client.get("/a", "v1").await.unwrap();
        assert_eq!(world.fake.tokens.load(Ordering::SeqCst), expected);
    }
}

fn federated(assertion: Assertion) -> Credential {
    Credential::Federated {
        tenant: "tenant".into(),
        client_id: "client".into(),
        assertion,
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_stands_for_the_password() {
    let directory = std::env::temp_dir().join(format!("pave-arm-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&directory).unwrap();
    let (good, bad) = (directory.join("good"), directory.join("bad"));
    std::fs::write(&good, "aa.bb.c-_\n").unwrap();
    std::fs::write(&bad, "root:x:0:0\n").unwrap();
    let requested = |url: &str, service_connection: Option<String>| Assertion::Requested {
        url: format!("{url}/oidc"),
        token: "job".into(),
        service_connection,
    };
    let check = async |make: &dyn Fn(&str) -> Assertion, pages, expected: Result<&str, &str>, line: &str| {
        let world = world_of(pages, |url| federated(make(url))).await;
        let found = world.client.access_token().await;
        let asked = world.fake.asked.lock().unwrap().join(" ");
        match expected {
            Ok(assertion) => {
                assert_eq!(found.unwrap(), "t1");
                assert!(asked.contains("client-assertion-type%3Ajwt-bearer"), "{asked}");
                assert!(
                    asked.ends_with(&format!("client_assertion={assertion}")),
                    "{asked}"
                );
            }
            Err(words) => assert!(found.unwrap_err().to_string().contains(words)),
        }
        assert_eq!(world.fake.seen.lock().unwrap().join(" ").trim(), line);
        assert!(!format!("{:?}", federated(make(""))).contains("job"));
    };
    check(&|_| Assertion::Token("given".into()), vec![], Ok("given"), "").await;
    check(&|_| Assertion::File(good.clone()), vec![], Ok("aa.bb.c-_"), "").await;
    check(
        &|_| Assertion::File(bad.clone()),
        vec![],
        Err("no signed token"),
        "",
    )
    .await;
    let absent = directory.join("absent");
    check(
        &|_| Assertion::File(absent.clone()),
        vec![],
        Err("No such file"),
        "",
    )
    .await;
    let answer = |body: Value| vec![("/oidc", page(200, body))];
    let line = "POST /oidc?api-version=7.1&serviceConnectionId=c1 Bearer job";
    let devops = |url: &str| requested(url, Some("c1".into()));
    check(&devops, answer(json!({"oidcToken": "ado"})), Ok("ado"), line).await;
    check(&devops, answer(json!({})), Err("no oidcToken"), line).await;
    let line = "GET /oidc?audience=api%3A%2F%2FAzureADTokenExchange Bearer job";
    let github = |url: &str| requested(url, None);
    check(&github, answer(json!({"value": "gh"})), Ok("gh"), line).await;
    let refused = vec![("/oidc", page(403, json!({"message": "not you"})))];
    check(&github, refused, Err("not you"), line).await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_machine_asks_its_metadata_service() {
    let check = async |client_id: Option<&str>, header: Option<&str>, expected: &str| {
        let answer = json!({"access_token": "own", "expires_in": "3599"});
        let world = world_of(vec![("/msi", page(200, answer))], |url| {
            Credential::ManagedIdentity {
                client_id: client_id.map(str::to_owned),
                endpoint: match header {
                    Some(header) => IdentityEndpoint::app_service(&format!("{url}/msi"), header),
                    None => IdentityEndpoint {
                        url: format!("{url}/msi"),
                        ..IdentityEndpoint::machine()
                    },
                },
            }
        })
        .await;
        assert_eq!(world.client.access_token().await.unwrap(), "own");
        assert_eq!(world.client.access_token().await.unwrap(), "own");
        let seen = world.fake.seen.lock().unwrap().join(" ");
        let resource = world.url.replace(':', "%3A").replace('/', "%2F");
        assert_eq!(seen, expected.replace("RESOURCE", &resource));
    };
    check(
        None,
        None,
        "GET /msi?api-version=2018-02-01&resource=RESOURCE  true",
    )
    .await;
    check(
        Some("c"),
        Some("h"),
        "GET /msi?api-version=2019-08-01&resource=RESOURCE&client_id=c  h",
    )
    .await;
    let of = |variables: &'static [(&str, &str)]| {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        IdentityEndpoint::from_environment(|name| find(name).map(|(_, value)| (*value).to_owned()))
    };
    assert_eq!(
        of(&[("IDENTITY_ENDPOINT", "http://x")]),
        IdentityEndpoint::machine()
    );
    let both = of(&[("IDENTITY_ENDPOINT", "http://x"), ("IDENTITY_HEADER", "h")]);
    assert_eq!(both, IdentityEndpoint::app_service("http://x", "h"));
    assert!(!format!("{both:?}").contains("\"h\""));
}

#[tokio::test]
async fn operations_are_followed_at_our_own_host() {
    let elsewhere = "https://elsewhere.example/operations/1?api-version=v9".to_owned();
    let headers = vec![
        ("azure-asyncoperation", elsewhere.clone()),
        ("location", "http://x/y".into()),
        ("retry-after", "0".into()),
    ];
    let world = world(vec![
        ("/a", (202, headers, Value::Null)),
        (
            "/operations/1",
            (
                200,
                vec![("retry-after", "7".into())],
                json!({"status": "InProgress", "properties": {"message": "no room"}}),
            ),
        ),
        ("/operations/1", page(404, json!({}))),
        (
            "/operations/1",
            page(
                200,
                json!({"status": "Failed", "error": {"code": "Quota", "message": "none left"}}),
            ),
        ),
        ("/operations/1", page(200, json!({"status": "Succeeded"}))),
        ("/operations/1", page(503, json!({}))),
    ])
    .await;
    let accepted = world.client.put("/a", "v1", &json!({})).await.unwrap();
    let operation = accepted.operation.unwrap();
    assert_eq!(operation.path_and_query, "/operations/1?api-version=v9");
    assert_eq!(
        (operation.polling, operation.retry_after),
        (Polling::AsyncOperation, Some(Duration::ZERO))
    );
    let stored: Operation = serde_json::from_str(&serde_json::to_string(&operation).unwrap()).unwrap();
    for expected in [
        "Running { retry_after: Some(7s), waits_for: \"no room\" }",
        "Unknown",
        "Failed(Refused(Refusal { status: 200, code: \"Quota\"",
        "Succeeded",
    ] {
        let found = format!("{:?}", world.client.poll(&stored).await.unwrap());
        assert!(found.starts_with(expected), "{found}");
    }
    assert_eq!(world.client.poll(&stored).await.unwrap_err().status(), Some(503));
}

#[tokio::test]
async fn refusals_keep_arms_words_and_no_secret() {
    let body = json!({"error": {"code": "TooManyRequests", "message": "slower", "details": [{"code": "D", "message": "more"}]}});
    let world = world(vec![
        ("/a", (429, vec![("retry-after", "3".into())], body)),
        ("/a", page(404, json!({}))),
        ("/a", page(500, json!("x"))),
    ])
    .await;
    let error = world.client.patch("/a", "v1", &json!({})).await.unwrap_err();
    assert_eq!(error.to_string(), "TooManyRequests: slower; D: more");
    assert_eq!(
        (error.status(), error.code(), error.retry_after()),
        (Some(429), Some("TooManyRequests"), Some(Duration::from_secs(3)))
    );
    assert!(world.client.delete("/a", "v1").await.unwrap().is_none());
    assert_eq!(
        world
            .client
            .post("/a", "v1", &json!({}))
            .await
            .unwrap_err()
            .to_string(),
        "HTTP 500: no message was given"
    );
    assert!(!format!("{:?}", world.client).contains("very-secret"));
    let credential = Credential::ClientSecret {
        tenant: "t".into(),
        client_id: "c".into(),
        client_secret: "very-secret".into(),
    };
    assert!(!format!("{credential:?}").contains("very-secret"));
}

#[tokio::test]
async fn an_environment_is_found_by_its_metadata() {
    let document = json!({"authentication": {"loginEndpoint": "https://login.example", "audiences": ["https://audience.example"]}});
    let world = world(vec![
        ("/metadata/endpoints", page(200, document.clone())),
        ("/metadata/endpoints", page(200, json!([document]))),
        ("/metadata/endpoints", page(200, json!({}))),
    ])
    .await;
    for _ in 0..2 {
        let found = Environment::discover(&http(), &world.url).await.unwrap();
        assert_eq!(
            (found.authority.as_str(), found.audience.as_str()),
            ("https://login.example/", "https://audience.example")
        );
    }
    assert!(matches!(
        Environment::discover(&http(), &world.url).await,
        Err(ArmError::Unreadable { .. })
    ));
    assert!(matches!(
        Environment::new("ftp://x", "y"),
        Err(ArmError::Address { .. })
    ));
}

#[test]
fn answers_to_polls_mean_what_azurerm_takes_them_for() {
    let check = |polling: Polling, status: u16, body: Value, expected: &str| {
        let operation = Operation {
            path_and_query: "/".into(),
            polling,
            retry_after: None,
        };
        let found = format!("{:?}", operation.read(status, body, None));
        assert!(found.starts_with(expected), "{found}");
    };
    let running = "Running";
    check(Polling::AsyncOperation, 202, json!({}), running);
    check(
        Polling::AsyncOperation,
        200,
        json!({"status": "Accepted"}),
        running,
    );
    check(
        Polling::AsyncOperation,
        200,
        json!({"properties": {"provisioningState": "Updating"}}),
        running,
    );
    check(Polling::AsyncOperation, 200, Value::Null, "Succeeded");
    check(
        Polling::AsyncOperation,
        200,
        json!({"status": "Canceled"}),
        "Failed(Refused(Refusal { status: 200, code: \"OperationCanceled\"",
    );
    check(
        Polling::AsyncOperation,
        409,
        json!({"error": {"code": "Conflict"}}),
        "Failed",
    );
    check(Polling::Location, 202, json!({}), running);
    check(Polling::Location, 200, json!({"id": "x"}), "Succeeded(Object");
    check(Polling::Location, 204, Value::Null, "Succeeded(Null");
    assert!(matches!(
        Operation {
            path_and_query: "/".into(),
            polling: Polling::Location,
            retry_after: None
        }
        .read(404, Value::Null, None),
        Progress::Unknown
    ));
}

#[tokio::test]
async fn lists_are_read_to_their_last_page() {
    let next = "https://elsewhere.example.com/second?api-version=v1&$skiptoken=2";
    let world = world(vec![
        ("/things", page(200, json!({"value": [1, 2], "nextLink": next}))),
        ("/second", page(200, json!({"value": [3]}))),
        (
            "/gone",
            page(
                403,
                json!({"error": {"code": "AuthorizationFailed", "message": "no"}}),
            ),
        ),
    ])
    .await;
    assert_eq!(world.client.list("/things", "v1").await.unwrap(), [1, 2, 3]);
    let second = world.fake.seen.lock().unwrap()[1].clone();
    assert!(
        second.starts_with("GET /second?api-version=v1&$skiptoken=2 "),
        "{second}"
    );
    assert_eq!(
        world.client.list("/gone", "v1").await.unwrap_err().status(),
        Some(403)
    );
}

#[tokio::test]
async fn a_cloud_that_restarts_is_waited_for_where_asked() {
    let world = world(vec![("/a", page(200, json!({"id": "a"})))]).await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gone = format!("http://{address}");
    let credential = Credential::ClientSecret {
        tenant: "tenant".into(),
        client_id: "client".into(),
        client_secret: "very-secret".into(),
    };
    let client = ArmClient::new(http(), Environment::new(&gone, &world.url).unwrap(), credential);
    let at_once = client.get("/a", "v1").await.unwrap_err();
    assert!(matches!(at_once, ArmError::Transport { .. }), "{at_once}");
    let patient = client.patient(Duration::from_secs(60));
    let asking = tokio::spawn(async move { patient.get("/a", "v1").await });
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let router = Router::new().fallback(serve).with_state(world.fake.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    assert_eq!(asking.await.unwrap().unwrap(), Some(json!({"id": "a"})));
}
