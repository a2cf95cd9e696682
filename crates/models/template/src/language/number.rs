//! Numbers as JavaScript prints and reads them.

/// `Number::toString` of ECMAScript: shortest digits, exponent from 1e21 and below 1e-6.
pub(crate) fn to_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    let (digits, exponent) = shortest(number.abs());
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", layout(&digits, exponent))
}

/// Digits without a point, and the decimal exponent of the first one.
fn shortest(number: f64) -> (String, i32) {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn layout(digits: &str, exponent: i32) -> String {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if count <= point && point <= 21 {
        format!("{digits}{}", zeros(point - count))
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else {
        scientific(digits, exponent)
    }
}

fn scientific(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{}", exponent.abs())
}

/// `Number.prototype.toFixed`: ties go away from zero on the exact binary value.
pub(crate) fn to_fixed(number: f64, places: usize) -> String {
    if !number.is_finite() || number.abs() >= 1e21 {
        return to_text(number);
    }
    let rounded = round_decimal(&format!("{:.80}", number.abs()), places);
    let negative = number < 0.0 && rounded.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if negative || (number < 0.0 && number > -1.0 && rounded.starts_with('0')) {
        format!("-{rounded}")
    } else {
        rounded
    }
}

/// Rounds a decimal text half up to a number of places.
fn round_decimal(text: &str, places: usize) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes().take(places)).collect();
    if fraction
        .as_bytes()
        .get(places)
        .is_some_and(|digit| *digit >= b'5')
    {
        increment(&mut digits);
    }
    let split = digits.len() - places;
    let text = String::from_utf8_lossy(&digits).into_owned();
    if places == 0 {
        text
    } else {
        format!("{}.{}", &text[..split], &text[split..])
    }
}

fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            return;
        }
    }
    digits.insert(0, b'1');
}

/// The digits of a number rounded half up to so many, and the exponent of the first one.
fn significant(number: f64, count: usize) -> (String, i32) {
    let text = format!("{:.80e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = round_decimal(mantissa, count.saturating_sub(1)).replace('.', "");
    // Rounding 9.99 up gives a digit more.
    if digits.len() > count {
        (digits[..count].to_owned(), exponent + 1)
    } else {
        (digits, exponent)
    }
}

/// `Number.prototype.toExponential`.
pub(crate) fn to_exponential(number: f64, places: Option<usize>) -> String {
    if !number.is_finite() {
        return to_text(number);
    }
    let (digits, exponent) = places.map_or_else(
        || shortest(number.abs()),
        |places| significant(number, places + 1),
    );
    format!(
        "{}{}",
        if number < 0.0 { "-" } else { "" },
        scientific(&digits, exponent)
    )
}

/// `Number.prototype.toPrecision`.
pub(crate) fn to_precision(number: f64, precision: usize) -> String {
    if !number.is_finite() || precision == 0 {
        return to_text(number);
    }
    let (digits, exponent) = significant(number, precision);
    let sign = if number < 0.0 { "-" } else { "" };
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    let body = if exponent < -6 || exponent >= limit {
        scientific(&digits, exponent)
    } else {
        layout(&digits, exponent)
    };
    format!("{sign}{body}")
}

/// What JavaScript's `Number(text)` reads: empty is zero, anything odd is NaN.
pub(crate) fn from_text(text: &str) -> f64 {
    let trimmed = text.trim();
    let radix = |prefix: [&str; 2], radix| {
        prefix
            .iter()
            .find_map(|prefix| trimmed.strip_prefix(prefix))
            .map(|digits| u64::from_str_radix(digits, radix).map_or(f64::NAN, as_float))
    };
    match trimmed {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => radix(["0x", "0X"], 16)
            .or_else(|| radix(["0b", "0B"], 2))
            .or_else(|| radix(["0o", "0O"], 8))
            .unwrap_or_else(|| plain(trimmed)),
    }
}

fn plain(text: &str) -> f64 {
    let numeric = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if numeric {
        text.parse().unwrap_or(f64::NAN)
    } else {
        f64::NAN
    }
}

/// `parseFloat`: the longest numeric beginning.
pub(crate) fn parse_float(text: &str) -> f64 {
    let text = text.trim_start();
    if text.starts_with("Infinity") || text.starts_with("+Infinity") {
        return f64::INFINITY;
    }
    if text.starts_with("-Infinity") {
        return f64::NEG_INFINITY;
    }
    (1..=text.len())
        .rev()
        .filter(|end| text.is_char_boundary(*end))
        .map(|end| &text[..end])
        .find_map(|head| {
            let value = plain(head);
            (!value.is_nan()).then_some(value)
        })
        .unwrap_or(f64::NAN)
}

/// `parseInt` with a radix.
pub(crate) fn parse_int(text: &str, radix: u32) -> f64 {
    let text = text.trim_start();
    let (sign, mut digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if radix == 16 {
        digits = digits
            .strip_prefix("0x")
            .or_else(|| digits.strip_prefix("0X"))
            .unwrap_or(digits);
    }
    let mut value = None;
    for digit in digits.chars().map_while(|char| char.to_digit(radix)) {
        value = Some(value.unwrap_or(0.0) * f64::from(radix) + f64::from(digit));
    }
    value.map_or(f64::NAN, |value: f64| sign * value)
}

/// The nearest double, as JavaScript would hold it.
#[expect(
    clippy::cast_precision_loss,
    reason = "JavaScript numbers are doubles; the loss is the rule imitated"
)]
pub(crate) fn as_float(number: u64) -> f64 {
    number as f64
}

/// A length as a number.
pub(crate) fn from_length(length: usize) -> f64 {
    as_float(length as u64)
}

/// An index from a number: truncated, saturating, NaN is zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturating truncation is the rule imitated"
)]
pub(crate) fn to_integer(number: f64) -> i64 {
    number as i64
}

/// JSON's number for a double; `None` for what JSON cannot say.
pub(crate) fn to_json(number: f64) -> Option<serde_json::Number> {
    const SAFE: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= SAFE {
        Some(serde_json::Number::from(to_integer(number)))
    } else {
        serde_json::Number::from_f64(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_in_javascript() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (100.0, "100"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-1.5, "-1.5"),
            (123_456.789, "123456.789"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(to_text(number), expected);
        }
        assert_eq!(to_fixed(2.5, 0), "3");
        assert_eq!(to_fixed(1.005, 2), "1.00");
        assert_eq!(to_fixed(-1.25, 1), "-1.3");
        assert_eq!(to_precision(123.456, 4), "123.5");
        assert_eq!(to_precision(0.000_123, 2), "0.00012");
        assert_eq!(to_exponential(1234.0, Some(2)), "1.23e+3");
        assert!(from_text("1a").is_nan());
        assert!((parse_float("3.5px") - 3.5).abs() < f64::EPSILON);
    }
}
