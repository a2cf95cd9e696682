//! The forge under further names: whoever asks for `dev.azure.com` gets URLs that begin with it.
//!
//! Only answers are translated, here at the edge. What is kept, told and delivered names the forge's own address, so
//! nothing is left of a further name once it is taken away.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderValue, StatusCode};

use crate::configuration::FurtherAddress;

/// Largest JSON answer; whole files come as bytes, not as JSON.
const LARGEST: usize = 256 * 1024 * 1024;
/// Ends of the keys whose values are URLs: `url`, `remoteUrl`, `uri`, `collectionUri`, `href`.
const KEYS: [&str; 4] = ["rl", "RL", "ri", "ref"];

struct Names {
    /// What the forge's own URLs begin with, without a slash at the end.
    own: String,
    further: Vec<FurtherAddress>,
}

/// The forge's routes, answering to further names too.
pub(super) fn router(forge: Router, own: &url::Url, further: &[FurtherAddress]) -> Router {
    if further.is_empty() {
        return forge;
    }
    let names = Names {
        own: own.as_str().trim_end_matches('/').to_owned(),
        further: further.to_vec(),
    };
    forge.layer(middleware::from_fn_with_state(Arc::new(names), answer))
}

async fn answer(State(names): State<Arc<Names>>, request: Request, next: Next) -> Response {
    let asked = asked_by(&names, &request);
    let response = next.run(request).await;
    match asked {
        Some(base) => translate(response, &names.own, &base).await,
        None => response,
    }
}

/// The beginning of URLs for whoever asks by a further name.
fn asked_by(names: &Names, request: &Request) -> Option<String> {
    let in_uri = request.uri().authority().map(http::uri::Authority::as_str);
    let in_header = || request.headers().get(HOST)?.to_str().ok();
    let authority = in_uri.or_else(in_header)?;
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "443"));
    let found = names.further.iter().find(|it| {
        it.name().eq_ignore_ascii_case(host) && it.url.port().unwrap_or(443).to_string() == port
    })?;
    Some(format!("https://{}", found.authority()))
}

async fn translate(response: Response, own: &str, base: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let moved = parts.headers.get(LOCATION).and_then(|it| it.to_str().ok());
    if let Some(rest) = moved.and_then(|location| rest_of(location, own))
        && let Ok(location) = HeaderValue::try_from(format!("{base}{rest}"))
    {
        parts.headers.insert(LOCATION, location);
    }
    let is_json = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json || parts.headers.contains_key(CONTENT_ENCODING) {
        return Response::from_parts(parts, body);
    }
    match axum::body::to_bytes(body, LARGEST).await {
        Ok(bytes) => {
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(replaced(&bytes, own, base)))
        }
        Err(error) => {
            tracing::warn!(%error, "an answer is too long to name its URLs as they were asked for");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What follows the forge's own address, where a URL begins with it and not with a longer port.
fn rest_of<'a>(url: &'a str, own: &str) -> Option<&'a str> {
    url.strip_prefix(own)
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// Compact JSON with the values of URL keys beginning anew. Quotes inside of texts are escaped, so what looks like a key
/// is one, and the content of files stays as it is.
fn replaced(json: &[u8], own: &str, base: &str) -> Vec<u8> {
    let begin = format!("\":\"{own}");
    let mut result = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = find(rest, begin.as_bytes()) {
        let (before, found) = rest.split_at(at);
        let after = found.get(begin.len()..).unwrap_or_default();
        let is_url = KEYS.iter().any(|end| before.ends_with(end.as_bytes()))
            && matches!(after.first(), Some(b'/' | b'?' | b'#' | b'"'));
        result.extend_from_slice(before);
        result.extend_from_slice(b"\":\"");
        result.extend_from_slice(if is_url { base } else { own }.as_bytes());
        rest = after;
    }
    result.extend_from_slice(rest);
    result
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://127.0.0.1:7444";
    const BASE: &str = "https://dev.azure.com";

    #[test]
    fn urls_begin_with_the_name_that_was_asked_for() {
        let check = |json: &str, expected: &str| {
            let found = replaced(json.as_bytes(), OWN, BASE);
            assert_eq!(String::from_utf8(found).unwrap(), expected);
        };
        check(
            r#"{"url":"https://127.0.0.1:7444/pave/_apis","_links":{"web":{"href":"https://127.0.0.1:7444/a"}}}"#,
            r#"{"url":"https://dev.azure.com/pave/_apis","_links":{"web":{"href":"https://dev.azure.com/a"}}}"#,
        );
        check(
            r#"{"remoteUrl":"https://127.0.0.1:7444","webUrl":"https://127.0.0.1:7444?x"}"#,
            r#"{"remoteUrl":"https://dev.azure.com","webUrl":"https://dev.azure.com?x"}"#,
        );
        // Another port, another key, and text that only looks like it.
        for same in [
            r#"{"url":"https://127.0.0.1:74440/"}"#,
            r#"{"description":"https://127.0.0.1:7444/x"}"#,
            r#"{"content":"{\"url\":\"https://127.0.0.1:7444/x\"}"}"#,
        ] {
            check(same, same);
        }
    }

    #[tokio::test]
    async fn only_who_asks_by_the_name_gets_it() {
        use axum::routing::get;
        use tower::ServiceExt as _;
        let further = FurtherAddress {
            url: BASE.parse().unwrap(),
            listen: None,
        };
        let forge = Router::new()
            .route(
                "/a",
                get(|| async { axum::Json(serde_json::json!({ "url": format!("{OWN}/a") })) }),
            )
            .route(
                "/b",
                get(|| async { ([(LOCATION, format!("{OWN}/a"))], "https://127.0.0.1:7444/") }),
            );
        let router = router(forge, &OWN.parse().unwrap(), &[further]);
        let ask = async |host: &str, path: &str| {
            let request = Request::get(path).header(HOST, host).body(Body::empty()).unwrap();
            let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
            let location = parts
                .headers
                .get(LOCATION)
                .map(|it| it.to_str().unwrap().to_owned());
            let bytes = axum::body::to_bytes(body, 1024).await.unwrap();
            (
                location.unwrap_or_default(),
                String::from_utf8(bytes.to_vec()).unwrap(),
            )
        };
        let check = async |host: &str, base: &str| {
            assert_eq!(
                ask(host, "/a").await.1,
                format!("{{\"url\":\"{base}/a\"}}"),
                "{host}"
            );
            let text = "https://127.0.0.1:7444/".to_owned();
            assert_eq!(ask(host, "/b").await, (format!("{base}/a"), text), "{host}");
        };
        check("dev.azure.com", BASE).await;
        check("Dev.Azure.com:443", BASE).await;
        check("dev.azure.com:8443", OWN).await;
        check("127.0.0.1:7444", OWN).await;
    }
}
