//! Filters, by the names and with the results of nunjucks 3.2 and Backstage's four.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all filters have one signature, and most can fail"
)]

mod backstage;
mod list;
mod text;

use super::evaluate::Call;
pub(crate) use list::{join_items, stable_sort};

use super::value::{Data, Traced};

/// A result, or why the filter cannot take the value.
type Filtered = Result<Traced, String>;
type Filter = fn(&Traced, &Call) -> Filtered;

const FILTERS: &[(&str, Filter)] = &[
    ("abs", |value, _| {
        Ok(Traced::from(value.to_number().abs()).made_of(&[value]))
    }),
    ("batch", list::batch),
    ("capitalize", text::capitalize),
    ("center", text::center),
    ("d", default),
    ("default", default),
    ("dictsort", list::dictsort),
    ("dump", dump),
    ("e", text::escape),
    ("escape", text::escape),
    ("first", list::first),
    ("float", text::float),
    ("forceescape", text::escape),
    ("groupby", list::groupby),
    ("indent", text::indent),
    ("int", text::int),
    ("join", list::join),
    ("jsonify", dump),
    ("last", list::last),
    ("length", list::length),
    ("list", list::list),
    ("lower", text::lower),
    ("nl2br", text::nl2br),
    ("parseEntityRef", backstage::parse_entity_ref),
    ("parseRepoUrl", backstage::parse_repo_url),
    ("pick", backstage::pick),
    ("projectSlug", backstage::project_slug),
    ("random", list::random),
    ("reject", |value, call| list::select(value, call, false)),
    ("rejectattr", |value, call| {
        list::select_attribute(value, call, false)
    }),
    ("replace", text::replace),
    ("reverse", list::reverse),
    ("round", text::round),
    ("safe", |value, _| Ok(text::retold(value, value.to_output()))),
    ("select", |value, call| list::select(value, call, true)),
    ("selectattr", |value, call| {
        list::select_attribute(value, call, true)
    }),
    ("slice", list::slice),
    ("sort", list::sort),
    ("string", text::string),
    ("striptags", text::striptags),
    ("sum", list::sum),
    ("title", text::title),
    ("trim", text::trim),
    ("truncate", text::truncate),
    ("upper", text::upper),
    ("urlencode", text::urlencode),
    ("urlize", text::urlize),
    ("wordcount", text::wordcount),
];

/// Whether there is a filter of that name.
pub(crate) fn is_known(name: &str) -> bool {
    FILTERS.iter().any(|(known, _)| *known == name)
}

/// The names of all filters.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FILTERS.iter().map(|(name, _)| *name)
}

/// Applies a filter; `None` when there is none of that name.
pub(crate) fn apply(name: &str, value: &Traced, call: &Call) -> Option<Filtered> {
    FILTERS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, filter)| filter(value, call))
}

fn default(value: &Traced, call: &Call) -> Filtered {
    let missing = if call.at(1).is_truthy() {
        !value.is_truthy()
    } else {
        matches!(value.data, Data::Undefined)
    };
    Ok(if missing { call.at(0) } else { value.clone() })
}

/// `JSON.stringify`, with an indentation that may be a number or a text.
fn dump(value: &Traced, call: &Call) -> Filtered {
    let Some(json) = value.to_json() else {
        return Ok(Traced::undefined());
    };
    let spaces = call.get(0, "spaces");
    let indent = match &spaces.data {
        Data::Number(number) => " ".repeat(
            usize::try_from(super::number::to_integer(*number))
                .unwrap_or(0)
                .min(10),
        ),
        Data::String(text) => text.chars().take(10).collect(),
        _ => String::new(),
    };
    Ok(text::retold(value, super::methods::stringify(&json, &indent)))
}
