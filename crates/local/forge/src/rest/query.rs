//! Query parameters, whose names are compared without regard to case.

/// The parameters of one request.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Self {
            pairs: pairs
                .map(|(key, value)| (key.to_lowercase(), value.into_owned()))
                .collect(),
        }
    }

    /// Of parameters that came in a body; the names are in lower case.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// All of them, decoded, names in lower case.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The first value that is not empty among several names for the same thing.
    pub(crate) fn get(&self, names: &[&str]) -> Option<&str> {
        let find = |name: &&str| {
            let name = name.to_lowercase();
            self.pairs
                .iter()
                .find(|(key, value)| *key == name && !value.is_empty())
                .map(|(_, value)| value.as_str())
        };
        names.iter().find_map(find)
    }

    pub(crate) fn number(&self, name: &str, otherwise: usize) -> usize {
        self.get(&[name])
            .and_then(|value| value.parse().ok())
            .unwrap_or(otherwise)
    }
}
