use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use pave_runtime::clock;

use super::error::BlobError;

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A document, after its first line.
    pub(super) fn xml(status: StatusCode, document: &str) -> Self {
        let text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{document}");
        Self::new(status)
            .with("content-type", "application/xml")
            .containing(text.into_bytes())
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn containing(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    pub(super) fn from_error(error: &BlobError, request_id: &str) -> Self {
        let document = format!(
            "<Error><Code>{}</Code><Message>{}\nRequestId:{request_id}\nTime:{}</Message></Error>",
            error.code,
            escape(&error.message),
            clock::now(),
        );
        let answer = match error.status {
            // There is nothing to say about what has not changed.
            StatusCode::NOT_MODIFIED => Self::new(error.status),
            status => Self::xml(status, &document),
        };
        answer.with("x-ms-error-code", error.code)
    }

    pub(super) fn into_response(self, is_head: bool) -> Response<Body> {
        let has_length = self.headers.iter().any(|(name, _)| name == "content-length");
        let length = self.body.len();
        let mut response = Response::new(if is_head {
            Body::empty()
        } else {
            Body::from(self.body)
        });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            // A value with control characters came from the client and is not worth repeating.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
        if !has_length && self.status != StatusCode::NOT_MODIFIED {
            headers.insert("content-length", HeaderValue::from(length));
        }
        response
    }
}

/// Text inside of a document.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write the others.
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => escaped.push('?'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A moment, in milliseconds, as HTTP writes it.
pub(super) fn http_date(milliseconds: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
