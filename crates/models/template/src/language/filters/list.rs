//! Filters of lists and maps.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all filters have one signature, and most can fail"
)]

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::evaluate::Call;
use super::super::number;
use super::super::operators;
use super::super::predicates;
use super::super::value::{Data, Traced};
use super::Filtered;

/// The items of a list or the characters of a text.
fn sequence(value: &Traced) -> Result<Vec<Traced>, String> {
    match &value.data {
        Data::Array(_) | Data::String(_) => Ok(value.items()),
        _ => Err(format!("needs a list, but this is {}", value.type_word())),
    }
}

/// The items of a list only.
fn array(value: &Traced) -> Result<Vec<Traced>, String> {
    match &value.data {
        Data::Array(_) => Ok(value.items()),
        _ => Err(format!("needs a list, but this is {}", value.type_word())),
    }
}

/// A member by a dotted path.
fn attribute(item: &Traced, path: &str) -> Traced {
    path.split('.')
        .try_fold(item.clone(), |item, key| item.property(key))
        .unwrap_or_else(Traced::undefined)
}

fn member(item: &Traced, key: &str) -> Traced {
    item.property(key).unwrap_or_else(Traced::undefined)
}

pub(super) fn batch(value: &Traced, call: &Call) -> Filtered {
    let size = call
        .get(0, "linecount")
        .to_integer()
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(0);
    let fill = call.get(1, "fill_with");
    let items = sequence(value)?;
    if size == 0 {
        return Ok(if items.is_empty() {
            Vec::new().into()
        } else {
            vec![Traced::from(items)].into()
        });
    }
    let rows = items.chunks(size).map(|row| {
        let mut row = row.to_vec();
        if fill.is_truthy() {
            row.resize(size, fill.clone());
        }
        Traced::from(row)
    });
    Ok(rows.collect::<Vec<_>>().into())
}

pub(super) fn slice(value: &Traced, call: &Call) -> Filtered {
    let items = array(value)?;
    let slices = call
        .get(0, "slices")
        .to_integer()
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0);
    if slices == 0 {
        return Ok(Vec::new().into());
    }
    let fill = call.get(1, "fill_with");
    let (each, extra) = (items.len() / slices, items.len() % slices);
    let mut rest = items.into_iter();
    let mut columns: Vec<Traced> = Vec::new();
    for column in 0..slices.min(10_000) {
        let mut part: Vec<Traced> = rest.by_ref().take(each + usize::from(column < extra)).collect();
        if fill.is_truthy() && column >= extra {
            part.push(fill.clone());
        }
        columns.push(part.into());
    }
    Ok(columns.into())
}

pub(super) fn first(value: &Traced, _: &Call) -> Filtered {
    if value.is_nullish() {
        return Err(format!("needs a list, but this is {}", value.type_word()));
    }
    Ok(member(value, "0"))
}

pub(super) fn last(value: &Traced, _: &Call) -> Filtered {
    if value.is_nullish() {
        return Err(format!("needs a list, but this is {}", value.type_word()));
    }
    Ok(value.items().pop().unwrap_or_else(Traced::undefined))
}

/// Picks by a fixed rule (the middle), because what was previewed must be what comes.
pub(super) fn random(value: &Traced, _: &Call) -> Filtered {
    let items = sequence(value)?;
    Ok(items
        .get(items.len() / 2)
        .cloned()
        .unwrap_or_else(Traced::undefined))
}

pub(super) fn length(value: &Traced, _: &Call) -> Filtered {
    let length = match &value.data {
        Data::Undefined | Data::Null | Data::Bool(false) => 0,
        Data::String(text) => text.encode_utf16().count(),
        Data::Array(items) => items.borrow().len(),
        Data::Object(entries) => entries.len(),
        _ => return Ok(Traced::undefined()),
    };
    Ok(Traced::from(number::from_length(length)).made_of(&[value]))
}

pub(super) fn list(value: &Traced, _: &Call) -> Filtered {
    match &value.data {
        Data::Array(_) => Ok(value.clone()),
        Data::String(_) => Ok(value.items().into()),
        Data::Object(_) => {
            let pairs = value.entries().into_iter().map(|(key, item)| {
                Traced::object(vec![
                    (Rc::from("key"), Traced::from(&*key)),
                    (Rc::from("value"), item),
                ])
            });
            Ok(pairs.collect::<Vec<_>>().into())
        }
        _ => Err(format!(
            "needs something to iterate, but this is {}",
            value.type_word()
        )),
    }
}

pub(super) fn join(value: &Traced, call: &Call) -> Filtered {
    let separator = call.get(0, "del");
    let separator = if separator.is_truthy() {
        separator
    } else {
        "".into()
    };
    let key = call.get(1, "attr");
    let mut items = array(value)?;
    if key.is_truthy() {
        items = items.iter().map(|item| member(item, &key.to_text())).collect();
    }
    Ok(join_items(&items, &separator))
}

/// `Array.prototype.join`: null and undefined print nothing.
pub(crate) fn join_items(items: &[Traced], separator: &Traced) -> Traced {
    let blank: Traced = "".into();
    let mut parts = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            parts.push(separator);
        }
        parts.push(if item.is_nullish() { &blank } else { item });
    }
    operators::join(&parts)
}

pub(super) fn reverse(value: &Traced, _: &Call) -> Filtered {
    let mut items = sequence(value)?;
    items.reverse();
    Ok(match &value.data {
        Data::String(_) => join_items(&items, &"".into()),
        _ => items.into(),
    })
}

pub(super) fn sum(value: &Traced, call: &Call) -> Filtered {
    let key = call.get(0, "attribute");
    let start = call.get(1, "start");
    let mut total = Traced::from(0.0);
    for item in array(value)? {
        let item = if key.is_truthy() {
            member(&item, &key.to_text())
        } else {
            item
        };
        total = operators::add(&total, &item);
    }
    let start = if matches!(start.data, Data::Undefined) {
        0.0.into()
    } else {
        start
    };
    Ok(operators::add(&start, &total))
}

fn folded(value: &Traced, exact: bool) -> Traced {
    match &value.data {
        Data::String(text) if !exact => text.to_lowercase().into(),
        _ => value.clone(),
    }
}

pub(super) fn sort(value: &Traced, call: &Call) -> Filtered {
    let reverse = call.get(0, "reverse").is_truthy();
    let exact = call.get(1, "case_sensitive").is_truthy();
    let key = call.get(2, "attribute");
    let mut items = sequence(value)?;
    let sort_key = |item: &Traced| {
        let item = if key.is_truthy() {
            attribute(item, &key.to_text())
        } else {
            item.clone()
        };
        folded(&item, exact)
    };
    stable_sort(&mut items, |left, right| {
        let order = operators::compare(&sort_key(left), &sort_key(right)).unwrap_or(Ordering::Equal);
        if reverse { order.reverse() } else { order }
    });
    Ok(items.into())
}

/// A merge by insertion: unlike the standard sort it cannot be upset by an order that is not total.
pub(crate) fn stable_sort(items: &mut [Traced], mut order: impl FnMut(&Traced, &Traced) -> Ordering) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && order(&items[at - 1], &items[at]) == Ordering::Greater {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

pub(super) fn dictsort(value: &Traced, call: &Call) -> Filtered {
    if !matches!(value.data, Data::Object(_)) {
        return Err(format!("needs a map, but this is {}", value.type_word()));
    }
    let exact = call.get(0, "case_sensitive").is_truthy();
    let by = call.get(1, "by");
    let by_value = match &by.data {
        Data::Undefined => false,
        _ => match by.to_text().as_str() {
            "key" => false,
            "value" => true,
            _ => return Err("sorts by `key` or by `value`".to_owned()),
        },
    };
    let mut pairs: Vec<Traced> = value
        .entries()
        .into_iter()
        .map(|(key, item)| Traced::from(vec![Traced::from(&*key), item]))
        .collect();
    let sort_key = |pair: &Traced| folded(&member(pair, if by_value { "1" } else { "0" }), exact);
    stable_sort(&mut pairs, |left, right| {
        operators::compare(&sort_key(left), &sort_key(right)).unwrap_or(Ordering::Equal)
    });
    Ok(pairs.into())
}

pub(super) fn groupby(value: &Traced, call: &Call) -> Filtered {
    let path = call.get(0, "attribute").to_text();
    let mut groups: Vec<(Rc<str>, Vec<Traced>)> = Vec::new();
    for item in sequence(value)? {
        let key = attribute(&item, &path).to_text();
        match groups.iter_mut().find(|(known, _)| **known == key) {
            Some((_, group)) => group.push(item),
            None => groups.push((Rc::from(key), vec![item])),
        }
    }
    Ok(Traced::object(
        groups
            .into_iter()
            .map(|(key, group)| (key, group.into()))
            .collect(),
    ))
}

pub(super) fn select(value: &Traced, call: &Call, wanted: bool) -> Filtered {
    let name = call.at(0);
    let name = if matches!(name.data, Data::Undefined) {
        "truthy".to_owned()
    } else {
        name.to_text()
    };
    let mut kept = Vec::new();
    for item in sequence(value)? {
        let holds = predicates::test(&name, &item, &[call.at(1)])
            .ok_or_else(|| format!("there is no test `{name}`"))?;
        if holds == wanted {
            kept.push(item);
        }
    }
    Ok(kept.into())
}

pub(super) fn select_attribute(value: &Traced, call: &Call, wanted: bool) -> Filtered {
    let key = call.at(0).to_text();
    let items = array(value)?;
    Ok(items
        .into_iter()
        .filter(|item| member(item, &key).is_truthy() == wanted)
        .collect::<Vec<_>>()
        .into())
}
