//! Durations as Go and the `duration` format write them.

/// Whether `text` is a Go duration (`1h30m`, `-1.5s`, `0`) or one with a unit in words (`3 days`).
pub(super) fn is_valid(text: &str) -> bool {
    is_go(text) || is_in_words(text)
}

fn is_go(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    let mut parts = 0;
    while !rest.is_empty() {
        let Some(after) = number(rest) else { return false };
        let unit = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"]
            .into_iter()
            .filter_map(|unit| after.strip_prefix(unit))
            .min_by_key(|after| after.len());
        let Some(after) = unit else { return false };
        rest = after;
        parts += 1;
    }
    parts > 0
}

/// Skips a decimal number with at least one digit.
fn number(text: &str) -> Option<&str> {
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let valid = digits.bytes().any(|byte| byte.is_ascii_digit()) && digits.matches('.').count() <= 1;
    valid.then_some(rest)
}

fn is_in_words(text: &str) -> bool {
    let Some(rest) = number(text) else { return false };
    let unit = rest.trim();
    let singular = unit
        .strip_suffix('s')
        .filter(|singular| singular.len() > 1)
        .unwrap_or(unit);
    matches!(
        singular,
        "d" | "day"
            | "w"
            | "wk"
            | "week"
            | "hr"
            | "hour"
            | "min"
            | "minute"
            | "sec"
            | "second"
            | "milli"
            | "millisecond"
            | "microsecond"
            | "nano"
            | "nanosecond"
            | "h"
            | "m"
            | "s"
            | "ms"
            | "us"
            | "ns"
    )
}
