//! The filters that Backstage's scaffolder adds.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all filters have one signature, and most can fail"
)]

use std::rc::Rc;

use super::super::evaluate::Call;
use super::super::value::{Data, Traced};
use super::Filtered;
use crate::repository::RepositoryUrl;

fn entry(name: &str, value: &str, from: &Traced) -> (Rc<str>, Traced) {
    (Rc::from(name), Traced::from(value).made_of(&[from]))
}

pub(super) fn parse_repo_url(value: &Traced, _: &Call) -> Filtered {
    let parsed = RepositoryUrl::parse(&value.to_output())?;
    let mut entries = vec![entry("host", &parsed.host, value)];
    for (name, part) in [
        ("owner", &parsed.owner),
        ("organization", &parsed.organization),
        ("workspace", &parsed.workspace),
        ("project", &parsed.project),
        ("repo", &parsed.repository),
    ] {
        if let Some(part) = part {
            entries.push(entry(name, part, value));
        }
    }
    Ok(Traced::object(entries))
}

pub(super) fn project_slug(value: &Traced, _: &Call) -> Filtered {
    let parsed = RepositoryUrl::parse(&value.to_output())?;
    let owner = parsed.owner.or(parsed.organization).or(parsed.workspace);
    match (owner, parsed.repository) {
        (Some(owner), Some(repository)) => {
            Ok(Traced::from(format!("{owner}/{repository}")).made_of(&[value]))
        }
        _ => Err(format!("`{}` names no owner and repository", value.to_output())),
    }
}

pub(super) fn parse_entity_ref(value: &Traced, call: &Call) -> Filtered {
    let context = call.at(0);
    let setting = |name: &str| {
        context
            .property(name)
            .filter(|found| matches!(found.data, Data::String(_)))
            .map(|found| found.to_output())
    };
    let text = value.to_output();
    let namespace = setting("defaultNamespace").unwrap_or_else(|| "default".to_owned());
    // Case is kept here, unlike in canonical references.
    let slash = text.find('/');
    let colon = text
        .find(':')
        .filter(|colon| slash.is_none_or(|slash| *colon < slash));
    let (kind, rest) = match colon {
        Some(colon) => (text[..colon].to_owned(), &text[colon + 1..]),
        None => (
            setting("defaultKind")
                .ok_or_else(|| format!("entity reference `{text}` has no kind, and none is implied"))?,
            text.as_str(),
        ),
    };
    let (namespace, name) = rest
        .split_once('/')
        .map_or((namespace.as_str(), rest), |parts| parts);
    if kind.is_empty() || namespace.is_empty() || name.is_empty() {
        return Err(format!("`{text}` is not an entity reference"));
    }
    Ok(Traced::object(vec![
        entry("kind", &kind, value),
        entry("namespace", namespace, value),
        entry("name", name, value),
    ]))
}

/// A member by a path such as `a.b[0].c`.
pub(super) fn pick(value: &Traced, call: &Call) -> Filtered {
    let path = call
        .at(0)
        .to_text()
        .replace('[', ".")
        .replace([']', '"', '\''], "");
    let found = path
        .split('.')
        .filter(|key| !key.is_empty())
        .try_fold(value.clone(), |value, key| value.property(key));
    Ok(found.unwrap_or_else(Traced::undefined))
}
