//! JavaScript regular expressions, as far as the `regex` crate has them.

use regex::{Regex, RegexBuilder};

/// Builds a matcher from a pattern and its flags.
pub(crate) fn build(pattern: &str, flags: &str) -> Result<Regex, String> {
    // JavaScript lets `/` be escaped; named groups are written alike in both.
    RegexBuilder::new(&pattern.replace("\\/", "/"))
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .size_limit(1 << 20)
        .build()
        .map_err(|_| {
            format!("the pattern `{pattern}` is not supported (look-around and back references are not)")
        })
}

/// JavaScript's replacement text (`$1`, `$&`, `$$`) for the `regex` crate.
pub(crate) fn replacement(text: &str) -> String {
    let mut result = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '$' {
            result.push(char);
            continue;
        }
        match chars.peek().copied() {
            Some('&') => {
                chars.next();
                result.push_str("${0}");
            }
            Some('$') => {
                chars.next();
                result.push_str("$$");
            }
            Some(digit @ '1'..='9') => {
                chars.next();
                result.push_str("${");
                result.push(digit);
                result.push('}');
            }
            _ => result.push_str("$$"),
        }
    }
    result
}
