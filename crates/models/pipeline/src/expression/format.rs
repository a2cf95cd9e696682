use jiff::civil::DateTime;

use super::Value;
use super::evaluate::text_of;

/// `format('{0} {1:yyyyMMdd}', …)`: doubled braces are braces; a date takes a custom format.
pub(super) fn value_format(values: &[Value]) -> Result<Value, (usize, String)> {
    let pattern = text_of(0, &values[0])?;
    let mut out = String::new();
    let mut rest = pattern.as_str();
    while let Some(position) = rest.find(['{', '}']) {
        out.push_str(&rest[..position]);
        let brace = &rest[position..=position];
        rest = &rest[position + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let Some(end) = rest.find('}').filter(|_| brace == "{") else {
            return Err((
                0,
                format!("`{brace}` stands alone; write it twice to mean itself"),
            ));
        };
        out.push_str(&placeholder(&rest[..end], values)?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(Value::text(out))
}

fn placeholder(inside: &str, values: &[Value]) -> Result<String, (usize, String)> {
    let (index, format) = match inside.split_once(':') {
        Some((index, format)) => (index, Some(format)),
        None => (inside, None),
    };
    let given = values.len() - 1;
    let index: usize = index.trim().parse().map_err(|_| {
        (
            0,
            format!("`{{{inside}}}` names no argument; the first is `{{0}}`"),
        )
    })?;
    let Some(value) = values.get(index + 1) else {
        return Err((
            0,
            format!("`{{{inside}}}` needs argument {index}, but there are {given}"),
        ));
    };
    match (value, format) {
        (Value::Date(date), Some(format)) => Ok(date_text(*date, format)),
        (_, Some(_)) => Err((index + 1, "only a date takes a format".to_owned())),
        (value, None) => text_of(index + 1, value),
    }
}

/// .NET's custom date format, as far as upstream documents it.
fn date_text(date: DateTime, format: &str) -> String {
    const PARTS: [(&str, &str); 16] = [
        ("yyyy", "%Y"),
        ("yy", "%y"),
        ("MMMM", "%B"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("M", "%-m"),
        ("dddd", "%A"),
        ("ddd", "%a"),
        ("dd", "%d"),
        ("d", "%-d"),
        ("HH", "%H"),
        ("H", "%-H"),
        ("mm", "%M"),
        ("m", "%-M"),
        ("ss", "%S"),
        ("s", "%-S"),
    ];
    let mut out = String::new();
    let mut rest = format;
    'next: while let Some(first) = rest.chars().next() {
        for (part, directive) in PARTS {
            if let Some(after) = rest.strip_prefix(part) {
                out.push_str(&date.strftime(directive).to_string());
                rest = after;
                continue 'next;
            }
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out
}
