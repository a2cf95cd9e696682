//! The web pages, carried in the binary.

use axum::Extension;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::mount::Mounted;

/// What the pages may load: themselves. Styles are written by the component library at run time.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
                      frame-ancestors 'none'; base-uri 'self'; form-action 'self'";

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct Pages;

/// A file of the pages; every other path is one of the pages' own routes and gets the shell.
pub(crate) async fn page(uri: Uri, mounted: Option<Extension<Mounted>>, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return crate::error::ApiError::not_found(format!("there is no `/{path}` here")).into_response();
    }
    let file = Pages::get(path).filter(|_| !matches!(path, "" | "index.html"));
    match file {
        Some(file) => answer(
            path,
            file.data.into_owned(),
            file.metadata.sha256_hash(),
            &headers,
        ),
        // A page that is still open after an update asks for a file of the old one: the shell would be no script.
        None if path.starts_with("assets/") => StatusCode::NOT_FOUND.into_response(),
        None => match Pages::get("index.html") {
            Some(shell) => {
                let prefix = mounted.map(|it| it.0.prefix).unwrap_or_default();
                let text = at(&shell.data, &prefix);
                let hash = Sha256::digest(&text).into();
                answer("index.html", text, hash, &headers)
            }
            None => (
                StatusCode::NOT_FOUND,
                "This binary was built without its pages; build them with `make web`.\n",
            )
                .into_response(),
        },
    }
}

/// The shell as it stands below a prefix: what it refers to begins with a slash.
fn at(shell: &[u8], prefix: &str) -> Vec<u8> {
    let prefix = prefix
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    String::from_utf8_lossy(shell)
        .replace("=\"/", &format!("=\"{prefix}/"))
        .into_bytes()
}

fn answer(path: &str, data: Vec<u8>, hash: [u8; 32], headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash));
    let known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let (status, body) = if known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(data))
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    // Files with a hash in their name never change.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "ico" => "image/x-icon",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_refers_to_where_it_stands() {
        let shell = br#"<meta name="pave-base" content="/"><script src="/assets/a.js">"#;
        let check = |prefix: &str, expected: &str| {
            assert_eq!(String::from_utf8(at(shell, prefix)).unwrap(), expected);
        };
        check(
            "",
            r#"<meta name="pave-base" content="/"><script src="/assets/a.js">"#,
        );
        check(
            "/pave",
            r#"<meta name="pave-base" content="/pave/"><script src="/pave/assets/a.js">"#,
        );
    }
}
