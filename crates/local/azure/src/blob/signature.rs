//! Requests that are signed with a key of the account: `Authorization: SharedKey account:signature`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use super::error::BlobError;
use crate::caller::query;

/// How far clocks may be apart, in seconds.
const SKEW: i64 = 15 * 60;
/// The headers that are signed, in this order.
const SIGNED: &[&str] = &[
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Checks `account:signature` against the keys of the account.
pub(super) fn check(
    (head, service): (&Parts, &str),
    shown: &str,
    account: &str,
    keys: &[Vec<u8>],
    now: i64,
) -> Result<(), BlobError> {
    let (name, signature) = shown.trim().split_once(':').unwrap_or_default();
    let signature = STANDARD.decode(signature).unwrap_or_default();
    let text = match service {
        "table" => table_text(head, account),
        _ => text_to_sign(head, account),
    };
    let right = keys.iter().any(|key| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::verify(&key, text.as_bytes(), &signature).is_ok()
    });
    if name != account || !right {
        // What was signed is no secret: who asks sent it.
        return Err(refused(&format!(
            "The MAC signature found in the HTTP request is not the same as any computed signature. Server used following string to sign: '{text}'."
        )));
    }
    let date = ["x-ms-date", "date"]
        .iter()
        .find_map(|name| head.headers.get(*name));
    let date = date.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .map_err(|_| refused("The Date header in the request is incorrect."))?;
    if at.as_second().abs_diff(now) > SKEW.unsigned_abs() {
        return Err(refused(&format!("Request date header too old: '{date}'.")));
    }
    Ok(())
}

fn refused(why: &str) -> BlobError {
    let message = format!(
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature. {why}"
    );
    BlobError::new(StatusCode::FORBIDDEN, "AuthenticationFailed", message)
}

fn text_to_sign(head: &Parts, account: &str) -> String {
    let mut text = format!("{}\n", head.method);
    for name in SIGNED {
        let value = header(&head.headers, name);
        let left_out = (*name == "content-length" && value == "0")
            || (*name == "date" && head.headers.contains_key("x-ms-date"));
        if !left_out {
            text.push_str(&value);
        }
        text.push('\n');
    }
    let mut own: BTreeMap<&str, String> = BTreeMap::new();
    for name in head
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-ms-"))
    {
        own.insert(name.as_str(), header(&head.headers, name.as_str()));
    }
    for (name, value) in own {
        let _ = writeln!(text, "{name}:{value}");
    }
    let _ = write!(text, "/{account}{}", head.uri.path());
    for (name, value) in query(head.uri.query()) {
        let _ = write!(text, "\n{name}:{value}");
    }
    text
}

/// The table service has a shorter form of its own.
fn table_text(head: &Parts, account: &str) -> String {
    let [md5, kind, own, date] =
        ["content-md5", "content-type", "x-ms-date", "date"].map(|name| header(&head.headers, name));
    let date = if own.is_empty() { date } else { own };
    let mut text = format!(
        "{}\n{md5}\n{kind}\n{date}\n/{account}{}",
        head.method,
        head.uri.path()
    );
    if let Some(component) = query(head.uri.query()).get("comp") {
        let _ = write!(text, "?comp={component}");
    }
    text
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.map(str::trim).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(date: &str) -> Parts {
        let request = axum::http::Request::builder()
            .method("PUT")
            .uri("https://a.blob.example/state/team%20a?comp=metadata&timeout=30")
            .header("content-length", "0")
            .header("x-ms-version", "2023-11-03")
            .header("x-ms-date", date)
            .header("x-ms-meta-a", "b");
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_is_signed_is_what_azure_documents() {
        let date = "Fri, 26 Jun 2015 23:39:12 GMT";
        let text = text_to_sign(&head(date), "account");
        let expected = format!(
            "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-meta-a:b\nx-ms-version:2023-11-03\n\
             /account/state/team%20a\ncomp:metadata\ntimeout:30"
        );
        assert_eq!(text, expected);
        let table = format!("PUT\n\n\n{date}\n/account/state/team%20a?comp=metadata");
        assert_eq!(table_text(&head(date), "account"), table);
    }

    #[test]
    fn only_a_fresh_signature_with_a_key_of_the_account_will_do() {
        let (date, at) = ("Fri, 26 Jun 2015 23:39:12 GMT", 1_435_361_952);
        let head = head(date);
        let keys = [vec![1; 64], vec![2; 64]];
        let sign = |key: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            let text = text_to_sign(&head, "account");
            STANDARD.encode(hmac::sign(&key, text.as_bytes()))
        };
        for (shown, now, right) in [
            (format!("account:{}", sign(&[2; 64])), at, true),
            (format!("account:{}", sign(&[3; 64])), at, false),
            (format!("other:{}", sign(&[2; 64])), at, false),
            (format!("account:{}", sign(&[1; 64])), at + 1000, false),
            ("account".to_owned(), at, false),
        ] {
            assert_eq!(
                check((&head, "blob"), &shown, "account", &keys, now).is_ok(),
                right,
                "{shown}"
            );
        }
    }
}
