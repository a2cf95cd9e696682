//! JavaScript's methods on strings, numbers, lists and maps, as far as templates may use them.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use super::filters::{join_items, stable_sort};
use super::operators::{self, index, relative};
use super::value::{Data, Traced};
use super::{number, pattern};

type Called = Result<Traced, String>;

const STRING: &[&str] = &[
    "charAt",
    "charCodeAt",
    "concat",
    "endsWith",
    "includes",
    "indexOf",
    "lastIndexOf",
    "match",
    "padEnd",
    "padStart",
    "repeat",
    "replace",
    "replaceAll",
    "slice",
    "split",
    "startsWith",
    "substr",
    "substring",
    "toLowerCase",
    "toString",
    "toUpperCase",
    "trim",
    "trimEnd",
    "trimStart",
];
const NUMBER: &[&str] = &["toExponential", "toFixed", "toPrecision", "toString"];
const ARRAY: &[&str] = &[
    "at",
    "concat",
    "copyWithin",
    "fill",
    "flat",
    "includes",
    "indexOf",
    "join",
    "keys",
    "lastIndexOf",
    "pop",
    "push",
    "reverse",
    "shift",
    "slice",
    "sort",
    "splice",
    "toString",
    "unshift",
];

/// Whether the value has that method.
pub(crate) fn exists(value: &Traced, name: &str) -> bool {
    match &value.data {
        Data::String(_) => STRING.contains(&name),
        Data::Number(_) => NUMBER.contains(&name),
        Data::Array(_) => ARRAY.contains(&name),
        Data::Object(_) => matches!(name, "keys" | "toString" | "hasOwnProperty"),
        Data::Bool(_) => name == "toString",
        Data::Regex(_) => name == "test",
        _ => false,
    }
}

/// Calls a method that [`exists`].
pub(crate) fn call(value: &Traced, name: &str, arguments: &[Traced]) -> Called {
    let argument = |index: usize| arguments.get(index).cloned().unwrap_or_else(Traced::undefined);
    match &value.data {
        Data::String(text) => string(value, text, name, arguments),
        Data::Number(number) => Ok(numeric(*number, name, &argument(0)).made_of(&[value])),
        Data::Array(items) => array(value, items, name, arguments),
        Data::Object(entries) => Ok(match name {
            "keys" => entries
                .iter()
                .map(|(key, _)| Traced::from(&**key))
                .collect::<Vec<_>>()
                .into(),
            "hasOwnProperty" => value.property(&argument(0).to_text()).is_some().into(),
            _ => value.to_text().into(),
        }),
        Data::Regex(regex) => Ok(pattern::build(&regex.0, &regex.1)?
            .is_match(&argument(0).to_text())
            .into()),
        _ => Ok(value.to_text().into()),
    }
}

fn numeric(number: f64, name: &str, argument: &Traced) -> Traced {
    let places = argument
        .to_integer()
        .and_then(|places| usize::try_from(places).ok())
        .map(|places| places.min(100));
    match name {
        "toFixed" => number::to_fixed(number, places.unwrap_or(0)).into(),
        "toExponential" => number::to_exponential(number, places).into(),
        "toPrecision" => places
            .map_or_else(
                || number::to_text(number),
                |places| number::to_precision(number, places),
            )
            .into(),
        _ => number::to_text(number).into(),
    }
}

fn string(value: &Traced, text: &str, name: &str, arguments: &[Traced]) -> Called {
    let argument = |index: usize| arguments.get(index).cloned().unwrap_or_else(Traced::undefined);
    let chars: Vec<char> = text.chars().collect();
    let length = chars.len();
    let cut = |from: usize, to: usize| excerpt(value, text, &chars, from, to);
    let place =
        |position: Option<usize>| index(position.map(|byte| text[..byte].chars().count())).made_of(&[value]);
    let needle = argument(0).to_text();
    Ok(match name {
        "charAt" => {
            let at = argument(0).to_integer().unwrap_or(0);
            usize::try_from(at).map_or_else(|_| "".into(), |at| cut(at, at.saturating_add(1)))
        }
        "charCodeAt" => {
            let at = usize::try_from(argument(0).to_integer().unwrap_or(0)).ok();
            let unit = at.and_then(|at| text.encode_utf16().nth(at));
            unit.map_or(f64::NAN, f64::from).into()
        }
        "concat" => {
            let parts: Vec<&Traced> = std::iter::once(value).chain(arguments).collect();
            operators::join(&parts)
        }
        "endsWith" => text.ends_with(&needle).into(),
        "startsWith" => {
            let from = relative(argument(1).to_integer().map(|from| from.max(0)), length, 0);
            chars[from..]
                .iter()
                .collect::<String>()
                .starts_with(&needle)
                .into()
        }
        "includes" => text.contains(&needle).into(),
        "indexOf" => {
            let from = relative(argument(1).to_integer().map(|from| from.max(0)), length, 0);
            let skipped: usize = chars[..from].iter().map(|char| char.len_utf8()).sum();
            place(text[skipped..].find(&needle).map(|found| found + skipped))
        }
        "lastIndexOf" => place(text.rfind(&needle)),
        "match" => matches(value, text, &argument(0))?,
        "padStart" | "padEnd" => pad(value, text, name == "padStart", &argument(0), &argument(1)),
        "repeat" => repeat(value, text, &argument(0))?,
        "replace" => replace(value, text, &argument(0), &argument(1), false)?,
        "replaceAll" => replace(value, text, &argument(0), &argument(1), true)?,
        "slice" => cut(
            relative(argument(0).to_integer(), length, 0),
            relative(argument(1).to_integer(), length, length),
        ),
        "substring" => {
            let bound = |index: usize, default| {
                relative(argument(index).to_integer().map(|at| at.max(0)), length, default)
            };
            let (from, to) = (bound(0, 0), bound(1, length));
            cut(from.min(to), from.max(to))
        }
        "substr" => {
            let from = relative(argument(0).to_integer(), length, 0);
            let count = argument(1)
                .to_integer()
                .map_or(length, |count| usize::try_from(count).unwrap_or(0));
            cut(from, from.saturating_add(count))
        }
        "split" => split(value, text, arguments)?,
        "toLowerCase" => same_length(value, text.to_lowercase()),
        "toUpperCase" => same_length(value, text.to_uppercase()),
        "trim" => trimmed(value, text, true, true),
        "trimStart" => trimmed(value, text, true, false),
        "trimEnd" => trimmed(value, text, false, true),
        _ => value.clone(),
    })
}

fn same_length(value: &Traced, text: String) -> Traced {
    let pieces = value.pieces(text.len());
    let mut changed = Traced::from(text);
    let length = changed.to_output().len();
    if matches!(&value.data, Data::String(old) if old.len() == length) {
        changed.trace.pieces = pieces;
        return changed;
    }
    changed.made_of(&[value])
}

/// Characters `from..to`, keeping which stretch came from where.
fn excerpt(value: &Traced, text: &str, chars: &[char], from: usize, to: usize) -> Traced {
    let (from, to) = (from.min(chars.len()), to.min(chars.len()));
    if from >= to {
        return "".into();
    }
    let bytes = |range: &[char]| range.iter().map(|char| char.len_utf8()).sum::<usize>();
    let start = bytes(&chars[..from]);
    let end = start + bytes(&chars[from..to]);
    cut_bytes(value, text, start, end)
}

/// Bytes `start..end` of a text, keeping which stretch came from where.
fn cut_bytes(value: &Traced, text: &str, start: usize, end: usize) -> Traced {
    let mut part = Traced::from(&text[start..end]);
    part.trace.pieces = value
        .pieces(text.len())
        .into_iter()
        .filter(|(range, _)| range.start < end && range.end > start)
        .map(|(range, source)| (range.start.max(start) - start..range.end.min(end) - start, source))
        .collect();
    part
}

pub(crate) fn trimmed(value: &Traced, text: &str, start: bool, end: bool) -> Traced {
    let is_space = |char: char| char.is_whitespace() || char == '\u{feff}';
    let from = if start {
        text.len() - text.trim_start_matches(is_space).len()
    } else {
        0
    };
    let to = if end {
        text.trim_end_matches(is_space).len()
    } else {
        text.len()
    };
    cut_bytes(value, text, from.min(to), to)
}

/// Parts of a text between separators, each keeping where it came from.
pub(crate) fn split_text(value: &Traced, text: &str, separator: &str) -> Vec<Traced> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, found) in text.match_indices(separator) {
        parts.push(cut_bytes(value, text, from, at));
        from = at + found.len();
    }
    parts.push(cut_bytes(value, text, from, text.len()));
    parts
}

fn split(value: &Traced, text: &str, arguments: &[Traced]) -> Called {
    let mut parts = match arguments.first().map(|separator| &separator.data) {
        None | Some(Data::Undefined) => vec![value.clone()],
        Some(Data::Regex(regex)) => {
            let regex = pattern::build(&regex.0, &regex.1)?;
            let mut parts = Vec::new();
            let mut from = 0;
            for found in regex.find_iter(text).filter(|found| !found.is_empty()) {
                parts.push(cut_bytes(value, text, from, found.start()));
                from = found.end();
            }
            parts.push(cut_bytes(value, text, from, text.len()));
            parts
        }
        Some(_) => match arguments[0].to_text().as_str() {
            "" => value.items(),
            separator => split_text(value, text, separator),
        },
    };
    if let Some(limit) = arguments.get(1).and_then(Traced::to_integer) {
        parts.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(parts.into())
}

fn matches(value: &Traced, text: &str, regex: &Traced) -> Called {
    let (source, flags) = match &regex.data {
        Data::Regex(regex) => (regex.0.clone(), regex.1.clone()),
        _ => (regex.to_text(), String::new()),
    };
    let regex = pattern::build(&source, &flags)?;
    let found: Vec<Traced> = if flags.contains('g') {
        regex
            .find_iter(text)
            .map(|found| cut_bytes(value, text, found.start(), found.end()))
            .collect()
    } else {
        let groups = regex.captures(text);
        groups
            .iter()
            .flat_map(|groups| groups.iter())
            .map(|group| {
                group.map_or_else(Traced::undefined, |group| {
                    cut_bytes(value, text, group.start(), group.end())
                })
            })
            .collect()
    };
    Ok(if found.is_empty() {
        Data::Null.into()
    } else {
        found.into()
    })
}

fn pad(value: &Traced, text: &str, start: bool, width: &Traced, filler: &Traced) -> Traced {
    let width = usize::try_from(width.to_integer().unwrap_or(0))
        .unwrap_or(0)
        .min(1 << 20);
    let filler = if matches!(filler.data, Data::Undefined) {
        " ".to_owned()
    } else {
        filler.to_text()
    };
    let missing = width.saturating_sub(text.chars().count());
    let padding = Traced::from(filler.chars().cycle().take(missing).collect::<String>());
    if start {
        operators::join(&[&padding, value])
    } else {
        operators::join(&[value, &padding])
    }
}

fn repeat(value: &Traced, text: &str, times: &Traced) -> Called {
    let times =
        usize::try_from(times.to_integer().unwrap_or(0)).map_err(|_| "the count must not be negative")?;
    if times.saturating_mul(text.len()) > 16 << 20 {
        return Err("the result is too long".to_owned());
    }
    Ok(Traced::from(text.repeat(times)).made_of(&[value]))
}

/// `String.prototype.replace` and `replaceAll`.
pub(crate) fn replace(value: &Traced, text: &str, old: &Traced, new: &Traced, all: bool) -> Called {
    if let Data::Regex(regex) = &old.data {
        let everywhere = regex.1.contains('g');
        let matcher = pattern::build(&regex.0, &regex.1)?;
        let replacement = pattern::replacement(&new.to_text());
        let limit = usize::from(!everywhere);
        let replaced = matcher.replacen(text, limit, replacement.as_str()).into_owned();
        return Ok(Traced::from(replaced).made_of(&[value, new]));
    }
    let limit = if all { usize::MAX } else { 1 };
    Ok(replace_text(value, text, &old.to_text(), new, limit))
}

/// Replaces up to `limit` times, keeping which stretch came from where.
pub(crate) fn replace_text(value: &Traced, text: &str, old: &str, new: &Traced, limit: usize) -> Traced {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, found) in text.match_indices(old).take(limit) {
        parts.push(cut_bytes(value, text, from, at));
        parts.push(new.clone());
        from = at + found.len();
    }
    parts.push(cut_bytes(value, text, from, text.len()));
    operators::join(&parts.iter().collect::<Vec<_>>())
}

fn array(value: &Traced, items: &Rc<RefCell<Vec<Traced>>>, name: &str, arguments: &[Traced]) -> Called {
    let argument = |index: usize| arguments.get(index).cloned().unwrap_or_else(Traced::undefined);
    let list = value.items();
    let length = list.len();
    let counted = || Ok(number::from_length(items.borrow().len()).into());
    match name {
        "at" => {
            let at = argument(0).to_integer().unwrap_or(0);
            let at = if at < 0 {
                at + i64::try_from(length).unwrap_or(0)
            } else {
                at
            };
            let found = usize::try_from(at).ok().and_then(|at| list.get(at).cloned());
            Ok(found.unwrap_or_else(Traced::undefined))
        }
        "concat" => {
            let more = arguments.iter().flat_map(|more| match &more.data {
                Data::Array(_) => more.items(),
                _ => vec![more.clone()],
            });
            Ok(list.into_iter().chain(more).collect::<Vec<_>>().into())
        }
        "flat" => Ok(flat(&list, argument(0).to_integer().unwrap_or(1)).into()),
        "includes" => Ok(list
            .iter()
            .any(|item| operators::strictly_equal(item, &argument(0)))
            .into()),
        "indexOf" => Ok(index(
            list.iter()
                .position(|item| operators::strictly_equal(item, &argument(0))),
        )),
        "lastIndexOf" => Ok(index(
            list.iter()
                .rposition(|item| operators::strictly_equal(item, &argument(0))),
        )),
        "join" => {
            let separator = argument(0);
            let separator = if matches!(separator.data, Data::Undefined) {
                ",".into()
            } else {
                separator
            };
            Ok(join_items(&list, &separator))
        }
        "keys" => Ok((0..length)
            .map(|at| Traced::from(number::from_length(at)))
            .collect::<Vec<_>>()
            .into()),
        "slice" => {
            let from = relative(argument(0).to_integer(), length, 0);
            let to = relative(argument(1).to_integer(), length, length);
            Ok(list.get(from..to).unwrap_or_default().to_vec().into())
        }
        "toString" => Ok(join_items(&list, &",".into())),
        "pop" => Ok(items.borrow_mut().pop().unwrap_or_else(Traced::undefined)),
        "push" => {
            items.borrow_mut().extend(arguments.iter().cloned());
            counted()
        }
        "unshift" => {
            items.borrow_mut().splice(0..0, arguments.iter().cloned());
            counted()
        }
        "shift" if length == 0 => Ok(Traced::undefined()),
        "shift" => Ok(items.borrow_mut().remove(0)),
        _ => Ok(change(value, items, name, arguments)),
    }
}

/// Methods that change the list in place and return it (or what they took out).
fn change(value: &Traced, items: &Rc<RefCell<Vec<Traced>>>, name: &str, arguments: &[Traced]) -> Traced {
    let argument = |index: usize| arguments.get(index).and_then(Traced::to_integer);
    let mut list = items.borrow_mut();
    let length = list.len();
    match name {
        "reverse" => list.reverse(),
        "sort" if arguments.is_empty() => operators::sort_by_text(&mut list),
        "sort" => stable_sort(&mut list, |left, right| left.to_text().cmp(&right.to_text())),
        "fill" => {
            let (from, to) = (
                relative(argument(1), length, 0),
                relative(argument(2), length, length),
            );
            let filler = arguments.first().cloned().unwrap_or_else(Traced::undefined);
            list.iter_mut()
                .take(to)
                .skip(from)
                .for_each(|slot| *slot = filler.clone());
        }
        "copyWithin" => {
            let target = relative(argument(0), length, 0);
            let (from, to) = (
                relative(argument(1), length, 0),
                relative(argument(2), length, length),
            );
            let source = list.get(from..to).unwrap_or_default().to_vec();
            list.iter_mut()
                .skip(target)
                .zip(source)
                .for_each(|(slot, item)| *slot = item);
        }
        "splice" => {
            let from = relative(argument(0), length, 0);
            let count = argument(1).map_or(length, |count| usize::try_from(count).unwrap_or(0));
            let to = from.saturating_add(count).min(length);
            let taken: Vec<Traced> = list.splice(from..to, arguments.iter().skip(2).cloned()).collect();
            return taken.into();
        }
        _ => {}
    }
    drop(list);
    value.clone()
}

fn flat(items: &[Traced], depth: i64) -> Vec<Traced> {
    let mut flattened = Vec::new();
    for item in items {
        match &item.data {
            Data::Array(_) if depth > 0 => flattened.extend(flat(&item.items(), depth - 1)),
            _ => flattened.push(item.clone()),
        }
    }
    flattened
}

/// `JSON.stringify` with an indentation.
pub(crate) fn stringify(value: &Value, indent: &str) -> String {
    if indent.is_empty() {
        return value.to_string();
    }
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    match serde::Serialize::serialize(value, &mut serializer) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => value.to_string(),
    }
}
