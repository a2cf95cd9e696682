use serde_json::{Number, Value};

/// Whose rules decide what a plain scalar means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// YAML 1.1 as `sigs.k8s.io/yaml` reads it: `yes`, `no`, `on`, `off`, `y`, `n` are booleans.
    Kubernetes,
    /// YAML 1.2 core schema as the `yaml` package of npm reads it.
    Backstage,
}

/// What a plain (unquoted) scalar means.
pub(crate) fn resolve(text: &str, dialect: Dialect) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if dialect == Dialect::Kubernetes {
        match text {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Value::Bool(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Value::Bool(false),
            _ => {}
        }
    }
    number(text, dialect).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str, dialect: Dialect) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let negative = text.starts_with('-');
    let radix = |prefix: &str, radix: u32| {
        let magnitude = i64::from_str_radix(digits.strip_prefix(prefix)?, radix).ok()?;
        Some(Number::from(if negative { -magnitude } else { magnitude }))
    };
    if let Some(found) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(found);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // YAML 1.1 reads a leading zero as octal; YAML 1.2 as decimal.
        if dialect == Dialect::Kubernetes && digits.len() > 1 && digits.starts_with('0') {
            return radix("0", 8);
        }
        let plain = text.strip_prefix('+').unwrap_or(text);
        return plain
            .parse::<i64>()
            .map(Number::from)
            .ok()
            .or_else(|| plain.parse::<u64>().map(Number::from).ok())
            .or_else(|| plain.parse::<f64>().ok().and_then(Number::from_f64));
    }
    let shaped = digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    if shaped {
        text.parse::<f64>().ok().and_then(Number::from_f64)
    } else {
        None
    }
}
