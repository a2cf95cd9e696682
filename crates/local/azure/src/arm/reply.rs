use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::error::ArmError;

/// What ARM says in every answer about its limits; nothing is limited here.
const REMAINING: &[(&str, &str)] = &[
    ("x-ms-ratelimit-remaining-subscription-reads", "11999"),
    ("x-ms-ratelimit-remaining-subscription-writes", "1199"),
    ("x-ms-ratelimit-remaining-subscription-global-reads", "3749"),
];

/// An answer in the making.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Some(body),
        }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    pub(crate) fn list(values: &[Value]) -> Self {
        Self::ok(json!({ "value": values }))
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn from_error(error: &ArmError) -> Self {
        let mut reply = Self::new(error.status, error.body());
        if error.status == StatusCode::UNAUTHORIZED {
            let challenge = format!(
                "Bearer error=\"invalid_token\", error_description=\"{}\"",
                error.code
            );
            reply.set_header("www-authenticate", challenge);
        }
        reply
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn set_header(&mut self, name: &'static str, value: String) {
        self.headers.push((name, value));
    }

    pub(crate) fn into_response(self, is_head: bool) -> Response<Body> {
        let body = match (&self.body, is_head) {
            (Some(body), false) => Body::from(body.to_string()),
            _ => Body::empty(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.body.is_some() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json; charset=utf-8"),
            );
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        for (name, value) in REMAINING {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        for (name, value) in self.headers {
            // A value with control characters came from the client and is not worth repeating.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
