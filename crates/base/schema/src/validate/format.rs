//! The `format` keyword.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use super::duration;

/// Whether `text` has the format `name`; formats that Kubernetes does not know are ignored.
pub(super) fn is_valid(name: &str, text: &str) -> bool {
    match name {
        "date-time" | "datetime" => is_date_time(text),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "duration" => duration::is_valid(text),
        "uuid" => is_uuid(text, None),
        "uuid3" => is_uuid(text, Some(b'3')),
        "uuid4" => is_uuid(text, Some(b'4')),
        "uuid5" => is_uuid(text, Some(b'5')),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => is_mac(text),
        "email" => EMAIL.as_ref().is_none_or(|email| email.is_match(text)),
        "hostname" => is_hostname(text),
        "uri" => URI.as_ref().is_none_or(|uri| uri.is_match(text)),
        "byte" => base64::engine::general_purpose::STANDARD.decode(text).is_ok(),
        "bsonobjectid" => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "hexcolor" => is_hex_color(text),
        "k8s-short-name" => is_label(text),
        "k8s-long-name" => text.len() <= 253 && text.split('.').all(is_label),
        _ => true,
    }
}

static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^[^\s@<>"(),:;\[\]\\]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"#).ok());
static URI: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([A-Za-z][A-Za-z0-9+.-]*:\S+|/\S*)$").ok());

/// RFC 3339; a space or lower-case `t` between date and time is tolerated as upstream does.
fn is_date_time(text: &str) -> bool {
    let shape = text.as_bytes();
    shape.len() >= 20 && shape[4] == b'-' && shape[7] == b'-' && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_uuid(text: &str, version: Option<u8>) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let grouped = text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    digits.len() == 32
        && (grouped || !text.contains('-'))
        && digits.iter().all(u8::is_ascii_hexdigit)
        && version.is_none_or(|version| digits[12] == version)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let Ok(bits) = bits.parse::<u8>() else {
        return false;
    };
    (address.parse::<Ipv4Addr>().is_ok() && bits <= 32)
        || (address.parse::<Ipv6Addr>().is_ok() && bits <= 128)
}

fn is_mac(text: &str) -> bool {
    let separator = if text.contains('-') { '-' } else { ':' };
    let parts: Vec<&str> = text.split(separator).collect();
    matches!(parts.len(), 6 | 8 | 20)
        && parts
            .iter()
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_hostname(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|part| {
            !part.is_empty()
                && part.len() <= 63
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !part.starts_with('-')
                && !part.ends_with('-')
        })
}

fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A DNS-1123 label.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    fn check(format: &str, valid: &[&str], invalid: &[&str]) {
        for text in valid {
            assert!(is_valid(format, text), "{text} is a {format}");
        }
        for text in invalid {
            assert!(!is_valid(format, text), "{text} is no {format}");
        }
    }

    #[test]
    fn formats() {
        check(
            "date-time",
            &[
                "2026-01-02T03:04:05Z",
                "2026-01-02T03:04:05.123456Z",
                "2026-01-02T03:04:05+02:00",
            ],
            &["2026-01-02", "yesterday", "2026-13-02T03:04:05Z", ""],
        );
        check("date", &["2026-01-02"], &["2026-02-30", "20260102"]);
        check(
            "duration",
            &["1h30m", "0", "-1.5s", "300ms", "3 days", "1w"],
            &["", "h", "1", "1x", "s1"],
        );
        check(
            "uuid",
            &["123e4567-e89b-12d3-a456-426614174000"],
            &["123e4567", "g23e4567-e89b-12d3-a456-426614174000"],
        );
        check(
            "uuid4",
            &["123e4567-e89b-42d3-a456-426614174000"],
            &["123e4567-e89b-12d3-a456-426614174000"],
        );
        check("ipv4", &["10.0.0.1"], &["10.0.0", "::1", "10.0.0.256"]);
        check("ipv6", &["::1", "fe80::1"], &["10.0.0.1", "g::"]);
        check(
            "cidr",
            &["10.0.0.0/8", "fe80::/64"],
            &["10.0.0.0", "10.0.0.0/33", "x/8"],
        );
        check(
            "mac",
            &["00:00:5e:00:53:01", "02-00-5e-10-00-01"],
            &["00:00:5e:00:53", "zz:00:5e:00:53:01"],
        );
        check(
            "email",
            &["alice@example.com"],
            &["alice", "@example.com", "a b@example.com"],
        );
        check("hostname", &["example.com", "localhost"], &["", "-a.com", "a..b"]);
        check(
            "uri",
            &["https://example.com/a?b=c", "/relative"],
            &["no scheme", ""],
        );
        check("byte", &["aGk=", ""], &["aGk", "***"]);
        check("hexcolor", &["#fff", "00ff00"], &["#ff", "green"]);
        check("k8s-short-name", &["a-b"], &["A", "a.b", "-a"]);
        check("k8s-long-name", &["a.b-c"], &["a..b", "A.b"]);
        check("int32", &["anything"], &[]);
        check("made-up", &["anything"], &[]);
    }
}
