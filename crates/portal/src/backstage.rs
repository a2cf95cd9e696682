//! Backstage's own REST APIs: thin translations, nothing decided here.

mod catalog;
mod scaffolder;

use axum::Router;

use crate::context::Portal;

pub(crate) use scaffolder::template;

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .nest("/api/catalog", catalog::routes())
        .nest("/api/scaffolder", scaffolder::routes())
}

/// All values of a query parameter, in order, percent-decoded.
fn parameters(query: Option<&str>, name: &str) -> Vec<String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(key, _)| key == name || key.strip_suffix("[]") == Some(name))
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// Values of a parameter that may be repeated, hold commas, or both.
fn listed(query: Option<&str>, name: &str) -> Vec<String> {
    parameters(query, name)
        .iter()
        .flat_map(|value| value.split(','))
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_repeat_and_split() {
        let query = Some("filter=kind%3Dapi,a&filter=b&fields=x,y&fields=z");
        assert_eq!(parameters(query, "filter"), ["kind=api,a", "b"]);
        assert_eq!(listed(query, "fields"), ["x", "y", "z"]);
    }
}
