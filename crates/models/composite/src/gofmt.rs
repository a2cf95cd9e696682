//! Go's `fmt.Sprintf` over JSON values, including how it renders mistakes: those renderings end up in names.

use std::fmt::{self, Write as _};

use serde_json::Value;

/// A value as Go sees it after JSON decoding: integral numbers are `int64`.
#[derive(Clone, Copy)]
enum Operand<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    List(&'a [Value]),
    Map(&'a serde_json::Map<String, Value>),
}

/// An integral number as `int64`, whichever way it was written.
#[must_use]
pub fn integer(value: &Value) -> Option<i64> {
    let number = value.as_number()?;
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        // The bounds are exact in f64, so the conversion is too.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be integral and in range"
        )]
        (float.fract() == 0.0 && float.abs() < 9.0e15).then_some(float as i64)
    })
}

fn operand(value: &Value) -> Operand<'_> {
    match value {
        Value::Null => Operand::Nil,
        Value::Bool(it) => Operand::Bool(*it),
        Value::Number(number) => match integer(value) {
            Some(int) => Operand::Int(int),
            None => Operand::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Operand::Text(text),
        Value::Array(items) => Operand::List(items),
        Value::Object(map) => Operand::Map(map),
    }
}

#[derive(Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the flags of a verb, each on its own"
)]
struct Spec {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Formats as Go does.
#[must_use]
pub fn sprintf(format: &str, arguments: &[Value]) -> String {
    Printer {
        characters: format.chars().collect(),
        position: 0,
        next: 0,
        reordered: false,
        out: String::new(),
    }
    .run(arguments)
}

struct Printer {
    characters: Vec<char>,
    position: usize,
    next: usize,
    reordered: bool,
    out: String,
}

impl Printer {
    fn run(mut self, arguments: &[Value]) -> String {
        while let Some(character) = self.take() {
            if character == '%' {
                self.directive(arguments);
            } else {
                self.out.push(character);
            }
        }
        if !self.reordered && self.next < arguments.len() {
            let extra: Vec<String> = arguments[self.next..].iter().map(described).collect();
            write_to(&mut self.out, format_args!("%!(EXTRA {})", extra.join(", ")));
        }
        self.out
    }

    fn take(&mut self) -> Option<char> {
        let character = self.characters.get(self.position).copied();
        self.position += usize::from(character.is_some());
        character
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn directive(&mut self, arguments: &[Value]) {
        let mut spec = Spec::default();
        while let Some(flag) = self.peek() {
            match flag {
                '-' => spec.minus = true,
                '+' => spec.plus = true,
                '#' => spec.sharp = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => break,
            }
            self.position += 1;
        }
        spec.zero &= !spec.minus;
        let mut good_index = self.argument_index(arguments.len());
        spec.width = self.number();
        if self.peek() == Some('.') {
            self.position += 1;
            spec.precision = Some(self.number().unwrap_or(0));
        }
        good_index &= self.argument_index(arguments.len());
        let Some(verb) = self.take() else {
            self.out.push_str("%!(NOVERB)");
            return;
        };
        if verb == '%' {
            self.out.push('%');
        } else if !good_index {
            write_to(&mut self.out, format_args!("%!{verb}(BADINDEX)"));
        } else if let Some(argument) = arguments.get(self.next) {
            self.next += 1;
            let text = render(argument, verb, spec);
            self.out.push_str(&text);
        } else {
            write_to(&mut self.out, format_args!("%!{verb}(MISSING)"));
        }
    }

    /// Reads `[n]`; false if it names no argument.
    fn argument_index(&mut self, count: usize) -> bool {
        if self.peek() != Some('[') {
            return true;
        }
        self.reordered = true;
        let rest = &self.characters[self.position + 1..];
        let Some(length) = rest.iter().position(|character| *character == ']') else {
            self.position += 1;
            return false;
        };
        let index = rest[..length]
            .iter()
            .collect::<String>()
            .parse::<usize>()
            .unwrap_or(0);
        self.position += length + 2;
        if index == 0 || index > count {
            return false;
        }
        self.next = index - 1;
        true
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.position;
        while self.peek().is_some_and(|character| character.is_ascii_digit()) {
            self.position += 1;
        }
        self.characters[start..self.position]
            .iter()
            .collect::<String>()
            .parse::<usize>()
            .ok()
            .map(|it| it.min(10_000))
    }
}

fn render(value: &Value, verb: char, spec: Spec) -> String {
    let operand = operand(value);
    if verb == 'T' {
        return pad(type_name(operand).to_owned(), spec, false);
    }
    match operand {
        Operand::Nil if verb == 'v' => pad("<nil>".to_owned(), spec, false),
        Operand::Nil => format!("%!{verb}(<nil>)"),
        Operand::Bool(it) if matches!(verb, 't' | 'v') => pad(it.to_string(), spec, false),
        Operand::Int(int) => render_int(int, verb, spec).unwrap_or_else(|| bad(value, verb)),
        Operand::Float(float) => render_float(float, verb, spec).unwrap_or_else(|| bad(value, verb)),
        Operand::Text(text) => render_text(text, verb, spec).unwrap_or_else(|| bad(value, verb)),
        Operand::List(items) => {
            let items: Vec<String> = items.iter().map(|item| render(item, verb, spec)).collect();
            format!("[{}]", items.join(" "))
        }
        Operand::Map(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let pairs: Vec<String> = keys
                .into_iter()
                .map(|key| {
                    format!(
                        "{}:{}",
                        render(&Value::from(key.as_str()), verb, spec),
                        render(&map[key], verb, spec)
                    )
                })
                .collect();
            format!("map[{}]", pairs.join(" "))
        }
        Operand::Bool(_) => bad(value, verb),
    }
}

/// How Go prints a value under a verb that its type does not have.
fn bad(value: &Value, verb: char) -> String {
    format!("%!{verb}({})", described(value))
}

fn described(value: &Value) -> String {
    if value.is_null() {
        return "<nil>".to_owned();
    }
    format!(
        "{}={}",
        type_name(operand(value)),
        render(value, 'v', Spec::default())
    )
}

fn type_name(operand: Operand<'_>) -> &'static str {
    match operand {
        Operand::Nil => "<nil>",
        Operand::Bool(_) => "bool",
        Operand::Int(_) => "int64",
        Operand::Float(_) => "float64",
        Operand::Text(_) => "string",
        Operand::List(_) => "[]interface {}",
        Operand::Map(_) => "map[string]interface {}",
    }
}

fn render_int(int: i64, verb: char, spec: Spec) -> Option<String> {
    let magnitude = int.unsigned_abs();
    let (digits, prefix) = match verb {
        'd' | 'v' => (magnitude.to_string(), ""),
        'b' => (format!("{magnitude:b}"), if spec.sharp { "0b" } else { "" }),
        'o' => (format!("{magnitude:o}"), if spec.sharp { "0" } else { "" }),
        'O' => (format!("{magnitude:o}"), "0o"),
        'x' => (format!("{magnitude:x}"), if spec.sharp { "0x" } else { "" }),
        'X' => (format!("{magnitude:X}"), if spec.sharp { "0X" } else { "" }),
        'c' => return Some(pad(rune(int).to_string(), spec, false)),
        'q' => return Some(pad(format!("'{}'", rune(int).escape_default()), spec, false)),
        'U' => return Some(pad(format!("U+{magnitude:04X}"), spec, false)),
        _ => return None,
    };
    let digits = match spec.precision {
        Some(precision) if digits.len() < precision => {
            format!("{}{digits}", "0".repeat(precision - digits.len()))
        }
        _ => digits,
    };
    Some(signed(int < 0, prefix, &digits, spec, spec.precision.is_none()))
}

fn rune(int: i64) -> char {
    u32::try_from(int)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn render_float(float: f64, verb: char, spec: Spec) -> Option<String> {
    let magnitude = float.abs();
    let digits = match verb {
        'f' | 'F' => format!("{magnitude:.*}", spec.precision.unwrap_or(6)),
        'e' => scientific(magnitude, Some(spec.precision.unwrap_or(6))),
        'E' => scientific(magnitude, Some(spec.precision.unwrap_or(6))).to_uppercase(),
        'g' | 'v' => general(magnitude, spec.precision),
        'G' => general(magnitude, spec.precision).to_uppercase(),
        _ => return None,
    };
    Some(signed(float.is_sign_negative(), "", &digits, spec, true))
}

fn scientific(magnitude: f64, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{magnitude:.precision$e}"),
        None => format!("{magnitude:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// `%g`: shortest form; an exponent below -4, or from the precision (21 if none is given) upwards.
fn general(magnitude: f64, precision: Option<usize>) -> String {
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    let rounded = match precision {
        Some(precision) => format!("{magnitude:.*e}", precision.max(1) - 1)
            .parse::<f64>()
            .unwrap_or(magnitude),
        None => magnitude,
    };
    let text = format!("{rounded:e}");
    let exponent = text
        .split_once('e')
        .and_then(|(_, it)| it.parse::<i64>().ok())
        .unwrap_or(0);
    let limit = precision.map_or(21, |it| i64::try_from(it.max(1)).unwrap_or(21));
    if exponent < -4 || exponent >= limit {
        scientific(rounded, None)
    } else {
        rounded.to_string()
    }
}

fn signed(negative: bool, prefix: &str, digits: &str, spec: Spec, zero_applies: bool) -> String {
    let sign = match (negative, spec.plus, spec.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    };
    if let (true, true, Some(width)) = (spec.zero, zero_applies, spec.width) {
        let missing = width.saturating_sub(sign.len() + prefix.len() + digits.len());
        return format!("{sign}{prefix}{}{digits}", "0".repeat(missing));
    }
    pad(format!("{sign}{prefix}{digits}"), spec, false)
}

fn render_text(text: &str, verb: char, spec: Spec) -> Option<String> {
    let cut: String = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    };
    let rendered = match verb {
        's' | 'v' => cut,
        'q' => quote(&cut),
        'x' => hexadecimal(text.as_bytes(), spec, false),
        'X' => hexadecimal(text.as_bytes(), spec, true),
        _ => return None,
    };
    Some(pad(rendered, spec, spec.zero))
}

fn hexadecimal(bytes: &[u8], spec: Spec, upper: bool) -> String {
    let bytes = &bytes[..spec.precision.unwrap_or(bytes.len()).min(bytes.len())];
    let separator = if spec.space { " " } else { "" };
    let pairs: Vec<String> = bytes
        .iter()
        .map(|byte| {
            if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            }
        })
        .collect();
    pairs.join(separator)
}

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            control if control.is_control() => write_to(&mut out, format_args!("\\x{:02x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn pad(text: String, spec: Spec, zeros: bool) -> String {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    if missing == 0 {
        text
    } else if spec.minus {
        format!("{text}{}", " ".repeat(missing))
    } else {
        format!("{}{text}", if zeros { "0" } else { " " }.repeat(missing))
    }
}

/// Writing to a `String` cannot fail.
fn write_to(out: &mut String, text: fmt::Arguments<'_>) {
    let _infallible = out.write_fmt(text);
}

#[cfg(test)]
mod tests;
