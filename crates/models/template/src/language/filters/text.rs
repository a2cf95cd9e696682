//! Filters of texts and numbers.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all filters have one signature, and most can fail"
)]

use super::super::evaluate::Call;
use super::super::operators;
use super::super::value::{Data, Traced};
use super::super::{number, pattern};
use super::Filtered;

/// A text made from a value: as long as its length is the same, every stretch still comes from where it came.
pub(super) fn retold(value: &Traced, text: String) -> Traced {
    let same_length = matches!(&value.data, Data::String(old) if old.len() == text.len());
    if same_length {
        let mut retold = Traced::from(text);
        retold.trace = value.trace.clone();
        // It is the input no longer, but made of it.
        let pieces = value.pieces(retold.to_output().len());
        retold.trace.path = None;
        retold.trace.pieces = pieces;
        return retold;
    }
    Traced::from(text).made_of(&[value])
}

/// Nothing for null, undefined and false, as upstream's text filters have it; an error for what has no text methods.
fn normal(value: &Traced) -> Result<String, String> {
    match &value.data {
        Data::Undefined | Data::Null | Data::Bool(false) => Ok(String::new()),
        Data::String(text) => Ok(text.to_string()),
        _ => Err(format!("needs a string, but this is {}", value.type_word())),
    }
}

fn is_text(value: &Traced) -> Result<String, String> {
    match &value.data {
        Data::String(text) => Ok(text.to_string()),
        _ => Err(format!("needs a string, but this is {}", value.type_word())),
    }
}

fn count(value: &Traced, default: usize) -> usize {
    value
        .to_integer()
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number > 0)
        .map_or(default, |number| number.min(1 << 20))
}

pub(super) fn upper(value: &Traced, _: &Call) -> Filtered {
    Ok(retold(value, normal(value)?.to_uppercase()))
}

pub(super) fn lower(value: &Traced, _: &Call) -> Filtered {
    Ok(retold(value, normal(value)?.to_lowercase()))
}

fn capital(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut chars = lower.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + chars.as_str()
    })
}

pub(super) fn capitalize(value: &Traced, _: &Call) -> Filtered {
    Ok(retold(value, capital(&normal(value)?)))
}

pub(super) fn title(value: &Traced, _: &Call) -> Filtered {
    Ok(retold(
        value,
        normal(value)?
            .split(' ')
            .map(capital)
            .collect::<Vec<_>>()
            .join(" "),
    ))
}

pub(super) fn trim(value: &Traced, _: &Call) -> Filtered {
    Ok(super::super::methods::trimmed(
        value,
        &is_text(value)?,
        true,
        true,
    ))
}

pub(super) fn string(value: &Traced, _: &Call) -> Filtered {
    if value.is_nullish() {
        return Err(format!("needs a value, but this is {}", value.type_word()));
    }
    Ok(retold(value, value.to_text()))
}

pub(super) fn center(value: &Traced, call: &Call) -> Filtered {
    let text = normal(value)?;
    let width = count(&call.get(0, "width"), 80);
    let length = text.chars().count();
    if length >= width {
        return Ok(value.clone());
    }
    let spaces = width - length;
    // Upstream halves before it rounds up, so that an odd rest goes to the right.
    let before = (spaces / 2 + spaces % 2).saturating_sub(spaces % 2);
    let after = spaces.div_ceil(2);
    let sides = [" ".repeat(before), " ".repeat(after)];
    Ok(operators::join(&[
        &sides[0].as_str().into(),
        &text_of(value, text),
        &sides[1].as_str().into(),
    ]))
}

fn text_of(value: &Traced, text: String) -> Traced {
    if matches!(value.data, Data::String(_)) {
        value.clone()
    } else {
        text.into()
    }
}

pub(super) fn escape(value: &Traced, _: &Call) -> Filtered {
    let mut escaped = String::new();
    for char in value.to_output().chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '`' => escaped.push_str("&#96;"),
            '\\' => escaped.push_str("&#92;"),
            _ => escaped.push(char),
        }
    }
    Ok(retold(value, escaped))
}

pub(super) fn nl2br(value: &Traced, _: &Call) -> Filtered {
    if value.is_nullish() {
        return Ok("".into());
    }
    Ok(retold(
        value,
        is_text(value)?.replace("\r\n", "\n").replace('\n', "<br />\n"),
    ))
}

pub(super) fn indent(value: &Traced, call: &Call) -> Filtered {
    let text = normal(value)?;
    if text.is_empty() {
        return Ok("".into());
    }
    let pad = Traced::from(" ".repeat(count(&call.get(0, "width"), 4)));
    let first = call.get(1, "indentfirst").is_truthy();
    let newline: Traced = "\n".into();
    let lines = super::super::methods::split_text(&text_of(value, text.clone()), &text, "\n");
    let mut parts = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            parts.push(&newline);
        }
        if index > 0 || first {
            parts.push(&pad);
        }
        parts.push(line);
    }
    Ok(operators::join(&parts))
}

pub(super) fn replace(value: &Traced, call: &Call) -> Filtered {
    let (old, new) = (call.at(0), call.at(1));
    if let Data::Regex(_) = &old.data {
        return super::super::methods::replace(value, &is_text(value)?, &old, &new, false);
    }
    let old = match &old.data {
        Data::Number(_) | Data::String(_) => old.to_text(),
        _ => return Ok(value.clone()),
    };
    let text = match &value.data {
        Data::Number(_) | Data::String(_) => value.to_text(),
        _ => return Ok(value.clone()),
    };
    let limit = match call.at(2).to_integer() {
        None => usize::MAX,
        Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    if old.is_empty() {
        let separated: Vec<String> = text.chars().map(String::from).collect();
        let new = new.to_text();
        return Ok(Traced::from(format!("{new}{}{new}", separated.join(&new))).made_of(&[value]));
    }
    if limit == 0 || !text.contains(&old) {
        return Ok(value.clone());
    }
    Ok(super::super::methods::replace_text(
        value, &text, &old, &new, limit,
    ))
}

pub(super) fn striptags(value: &Traced, call: &Call) -> Filtered {
    let text = normal(value)?;
    let tags = pattern::build(r"</?([a-z][a-z0-9]*)\b[^>]*>|<!--[\s\S]*?-->", "i")?;
    let stripped = tags.replace_all(&text, "").trim().to_owned();
    if !call.at(0).is_truthy() {
        let words: Vec<&str> = stripped.split_whitespace().collect();
        return Ok(retold(value, words.join(" ")));
    }
    let lines: Vec<String> = stripped
        .replace("\r\n", "\n")
        .split('\n')
        .map(|line| {
            line.split(' ')
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let breaks = pattern::build("\n\n\n+", "")?;
    Ok(retold(
        value,
        breaks.replace_all(&lines.join("\n"), "\n\n").into_owned(),
    ))
}

pub(super) fn truncate(value: &Traced, call: &Call) -> Filtered {
    let text = normal(value)?;
    let chars: Vec<char> = text.chars().collect();
    let length = count(&call.get(0, "length"), 255);
    if chars.len() <= length {
        return Ok(text_of(value, text));
    }
    let cut = if call.get(1, "killwords").is_truthy() {
        length
    } else {
        chars[..=length.min(chars.len() - 1)]
            .iter()
            .rposition(|char| *char == ' ')
            .unwrap_or(length)
    };
    let kept: String = chars[..cut].iter().collect();
    let end = call.get(2, "end");
    let end = if end.is_nullish() { "...".into() } else { end };
    let kept = Traced::from(kept).made_of(&[value]);
    Ok(operators::join(&[&kept, &end]))
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16)
        .unwrap_or('0')
        .to_ascii_uppercase()
}

fn encode_component(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
    }
    encoded
}

pub(super) fn urlencode(value: &Traced, _: &Call) -> Filtered {
    let pair =
        |key: &str, item: &Traced| format!("{}={}", encode_component(key), encode_component(&item.to_text()));
    let text = match &value.data {
        Data::String(text) => encode_component(text),
        Data::Array(_) => {
            let member = |item: &Traced, key: &str| item.property(key).unwrap_or_else(Traced::undefined);
            let pairs = value.items();
            pairs
                .iter()
                .map(|item| pair(&member(item, "0").to_text(), &member(item, "1")))
                .collect::<Vec<_>>()
                .join("&")
        }
        Data::Object(_) => value
            .entries()
            .iter()
            .map(|(key, item)| pair(key, item))
            .collect::<Vec<_>>()
            .join("&"),
        _ => String::new(),
    };
    Ok(retold(value, text))
}

pub(super) fn urlize(value: &Traced, call: &Call) -> Filtered {
    let text = is_text(value)?;
    let length = call.get(0, "length").to_number();
    let length = if length.is_nan() {
        usize::MAX
    } else {
        usize::try_from(number::to_integer(length)).unwrap_or(0)
    };
    let follow = if matches!(call.get(1, "nofollow").data, Data::Bool(true)) {
        " rel=\"nofollow\""
    } else {
        ""
    };
    let spaces = pattern::build(r"\s+", "")?;
    let mut linked = String::new();
    let mut from = 0;
    for space in spaces.find_iter(&text) {
        linked.push_str(&link(&text[from..space.start()], length, follow)?);
        linked.push_str(space.as_str());
        from = space.end();
    }
    linked.push_str(&link(&text[from..], length, follow)?);
    Ok(retold(value, linked))
}

fn link(word: &str, length: usize, follow: &str) -> Result<String, String> {
    let punctuation = pattern::build(r"^(?:\(|<|&lt;)?(.*?)(?:\.|,|\)|\n|&gt;)?$", "")?;
    let mail = pattern::build(r"^[\w.!#$%&'*+\-/=?\^`{|}~]+@[a-z\d\-]+(\.[a-z\d\-]+)+$", "i")?;
    let host = pattern::build(r"\.(?:org|net|com)(?::|/|$)", "")?;
    let url = punctuation
        .captures(word)
        .and_then(|found| found.get(1))
        .map_or(word, |found| found.as_str());
    let short: String = url.chars().take(length).collect();
    Ok(if url.starts_with("http://") || url.starts_with("https://") {
        format!("<a href=\"{url}\"{follow}>{short}</a>")
    } else if url.starts_with("www.") {
        format!("<a href=\"http://{url}\"{follow}>{short}</a>")
    } else if mail.is_match(url) {
        format!("<a href=\"mailto:{url}\">{url}</a>")
    } else if host.is_match(url) {
        format!("<a href=\"http://{url}\"{follow}>{short}</a>")
    } else {
        word.to_owned()
    })
}

pub(super) fn wordcount(value: &Traced, _: &Call) -> Filtered {
    let text = normal(value)?;
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let words = text
        .split(|char| !is_word(char))
        .filter(|word| !word.is_empty())
        .count();
    Ok(if words == 0 {
        Data::Null.into()
    } else {
        Traced::from(number::from_length(words)).made_of(&[value])
    })
}

pub(super) fn float(value: &Traced, call: &Call) -> Filtered {
    let number = number::parse_float(&value.to_text());
    Ok(if number.is_nan() {
        call.at(0)
    } else {
        Traced::from(number).made_of(&[value])
    })
}

pub(super) fn int(value: &Traced, call: &Call) -> Filtered {
    let radix = call
        .get(1, "base")
        .to_integer()
        .and_then(|radix| u32::try_from(radix).ok());
    let radix = radix.filter(|radix| (2..=36).contains(radix)).unwrap_or(10);
    let number = number::parse_int(&value.to_text(), radix);
    Ok(if number.is_nan() {
        call.get(0, "default")
    } else {
        Traced::from(number).made_of(&[value])
    })
}

pub(super) fn round(value: &Traced, call: &Call) -> Filtered {
    let precision = call.get(0, "precision").to_integer().unwrap_or(0);
    let factor = 10f64.powi(i32::try_from(precision).unwrap_or(0));
    let scaled = value.to_number() * factor;
    let rounded = match call.get(1, "method").to_text().as_str() {
        "ceil" => scaled.ceil(),
        "floor" => scaled.floor(),
        // JavaScript rounds halves towards positive infinity.
        _ => (scaled + 0.5).floor(),
    };
    Ok(Traced::from(rounded / factor).made_of(&[value]))
}
