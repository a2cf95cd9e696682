use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use ring::digest;
use serde_json::Value;

use super::{TransformError, describe, fail, regular};
use crate::gofmt::sprintf;
use crate::hash::hex;

/// Operations that yield a string.
#[derive(Clone, Debug)]
pub enum StringTransform {
    /// Go's `Sprintf` with the value as the only argument.
    Format(String),
    /// Case, encoding or hash.
    Convert(Conversion),
    /// Takes a prefix away, if it is there.
    TrimPrefix(String),
    /// Takes a suffix away, if it is there.
    TrimSuffix(String),
    /// A group of the first match.
    Regexp {
        /// What to look for.
        pattern: Regex,
        /// Which group to take; 0 is the whole match.
        group: usize,
    },
    /// Joins an array.
    Join(String),
    /// Replaces every occurrence.
    Replace {
        /// What to look for.
        search: String,
        /// What to put there.
        replace: String,
    },
}

/// Conversions of a string transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// `ToUpper`.
    ToUpper,
    /// `ToLower`.
    ToLower,
    /// `ToBase64`.
    ToBase64,
    /// `FromBase64`.
    FromBase64,
    /// `ToJson`.
    ToJson,
    /// `ToSha1`.
    ToSha1,
    /// `ToSha256`.
    ToSha256,
    /// `ToSha512`.
    ToSha512,
    /// `ToAdler32`.
    ToAdler32,
}

impl StringTransform {
    pub(super) fn parse(body: &Value) -> Result<Self, TransformError> {
        let text = |value: &Value, name: &str| match value.get(name).and_then(Value::as_str) {
            Some(text) => Ok(text.to_owned()),
            None => fail(format!("string transform has no `{name}`")),
        };
        let block = |name: &str| match body.get(name) {
            Some(block) => Ok(block),
            None => fail(format!("string transform has no `{name}`")),
        };
        match body.get("type").and_then(Value::as_str).unwrap_or("Format") {
            "Format" => text(body, "fmt").map(Self::Format),
            "Convert" => conversion(&text(body, "convert")?).map(Self::Convert),
            "TrimPrefix" => text(body, "trim").map(Self::TrimPrefix),
            "TrimSuffix" => text(body, "trim").map(Self::TrimSuffix),
            "Regexp" => {
                let block = block("regexp")?;
                let group = block.get("group").and_then(Value::as_u64).unwrap_or(0);
                let pattern = regular(&text(block, "match")?)?;
                Ok(Self::Regexp {
                    pattern,
                    group: usize::try_from(group).unwrap_or(usize::MAX),
                })
            }
            "Join" => text(block("join")?, "separator").map(Self::Join),
            "Replace" => {
                let block = block("replace")?;
                let replace = block
                    .get("replace")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
                Ok(Self::Replace {
                    search: text(block, "search")?,
                    replace,
                })
            }
            other => fail(format!("string transform type `{other}` is unknown")),
        }
    }

    pub(super) fn apply(&self, input: &Value) -> Result<Value, TransformError> {
        // Go prints the input with %v before it trims, matches or changes case.
        let printed = || sprintf("%v", std::slice::from_ref(input));
        Ok(Value::String(match self {
            Self::Format(format) => sprintf(format, std::slice::from_ref(input)),
            Self::Convert(conversion) => convert(*conversion, input, printed)?,
            Self::TrimPrefix(prefix) => {
                let text = printed();
                text.strip_prefix(prefix.as_str())
                    .map_or_else(|| text.clone(), str::to_owned)
            }
            Self::TrimSuffix(suffix) => {
                let text = printed();
                text.strip_suffix(suffix.as_str())
                    .map_or_else(|| text.clone(), str::to_owned)
            }
            Self::Regexp { pattern, group } => {
                let text = printed();
                match pattern.captures(&text) {
                    None => return fail(format!("regexp `{pattern}` does not match `{text}`")),
                    Some(_) if *group >= pattern.captures_len() => {
                        return fail(format!("regexp `{pattern}` has no group {group}"));
                    }
                    Some(captures) => captures.get(*group).map_or("", |it| it.as_str()).to_owned(),
                }
            }
            Self::Join(separator) => join(input, separator)?,
            Self::Replace { search, replace } => printed().replace(search.as_str(), replace),
        }))
    }
}

fn conversion(name: &str) -> Result<Conversion, TransformError> {
    Ok(match name {
        "ToUpper" => Conversion::ToUpper,
        "ToLower" => Conversion::ToLower,
        "ToBase64" => Conversion::ToBase64,
        "FromBase64" => Conversion::FromBase64,
        "ToJson" => Conversion::ToJson,
        "ToSha1" => Conversion::ToSha1,
        "ToSha256" => Conversion::ToSha256,
        "ToSha512" => Conversion::ToSha512,
        "ToAdler32" => Conversion::ToAdler32,
        other => return fail(format!("string conversion `{other}` is unknown")),
    })
}

fn convert(kind: Conversion, input: &Value, printed: impl Fn() -> String) -> Result<String, TransformError> {
    // A string is hashed as it is, anything else as JSON.
    let bytes = || {
        input
            .as_str()
            .map_or_else(|| input.to_string(), str::to_owned)
            .into_bytes()
    };
    Ok(match kind {
        Conversion::ToUpper => printed().to_uppercase(),
        Conversion::ToLower => printed().to_lowercase(),
        Conversion::ToBase64 => STANDARD.encode(printed()),
        Conversion::FromBase64 => match STANDARD.decode(printed()).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => return fail("the base64 text does not hold UTF-8"),
            Err(error) => return fail(format!("cannot decode base64: {error}")),
        },
        Conversion::ToJson => input.to_string(),
        Conversion::ToSha1 => hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes()).as_ref()),
        Conversion::ToSha256 => hex(digest::digest(&digest::SHA256, &bytes()).as_ref()),
        Conversion::ToSha512 => hex(digest::digest(&digest::SHA512, &bytes()).as_ref()),
        Conversion::ToAdler32 => adler32(&bytes()).to_string(),
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}

/// Upstream writes the separator after each item and then takes one byte away, so a longer separator leaves a rest.
fn join(input: &Value, separator: &str) -> Result<String, TransformError> {
    let Value::Array(items) = input else {
        return fail(format!("join needs an array, not {}", describe(input)));
    };
    let mut joined = String::new();
    for item in items {
        joined.push_str(&sprintf("%v", std::slice::from_ref(item)));
        joined.push_str(separator);
    }
    if !joined.is_empty() {
        let end = joined.len() - 1;
        // A separator ending in a character of several bytes would leave broken UTF-8; take the character away.
        let end = (0..=end)
            .rev()
            .find(|end| joined.is_char_boundary(*end))
            .unwrap_or(0);
        joined.truncate(end);
    }
    Ok(joined)
}
