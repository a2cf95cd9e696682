//! How a later layer covers an earlier one, as Backstage's `ConfigReader` does (1.3): maps merge, everything else
//! replaces, and a `null` takes away what the earlier layers say.

use crate::item::{Field, Item, Kind};

/// What remains when `later` covers `earlier`; none when it takes the value away.
pub(crate) fn merge(later: Option<Item>, earlier: Option<Item>) -> Option<Item> {
    match (later, earlier) {
        (None, None) => None,
        (None, Some(earlier)) => merge(Some(earlier), None),
        (Some(later), _) if later.is_null() => None,
        (Some(later), earlier) => Some(cover(later, earlier)),
    }
}

fn cover(later: Item, earlier: Option<Item>) -> Item {
    let Kind::Map(upper) = later.kind else {
        return later;
    };
    let mut lower = match earlier.map(|item| item.kind) {
        Some(Kind::Map(fields)) => fields,
        _ => Vec::new(),
    };
    let mut fields = Vec::new();
    for Field { key, place, item } in upper {
        let found = lower.iter().position(|field| field.key == key);
        let below = found.map(|index| lower.remove(index).item);
        if let Some(item) = merge(Some(item), below) {
            fields.push(Field { key, place, item });
        }
    }
    for Field { key, place, item } in lower {
        if let Some(item) = merge(Some(item), None) {
            fields.push(Field { key, place, item });
        }
    }
    Item::map(fields, later.origin)
}
