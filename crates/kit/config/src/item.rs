//! A value with its origin.

use std::fmt;

use pave_diagnostic::Location;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// What wrote a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, and where in it.
    File(Location),
    /// An environment variable that names the key, such as `APP_CONFIG_app_title`.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
    /// Nobody: it is what Pave takes when nothing is written.
    Default,
}

/// What a value came through on its way into the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// An environment variable, by `${NAME}` or `$env`.
    Variable(String),
    /// The default behind `:-`, as this environment variable is not set.
    Fallback(String),
    /// The content of a file, by `$file`.
    Content(String),
    /// `$include` at this place.
    Include(Location),
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What wrote it.
    pub source: Source,
    /// What it came through.
    pub through: Vec<Through>,
}

impl Origin {
    pub(crate) fn of(source: Source) -> Self {
        Self {
            source,
            through: Vec::new(),
        }
    }

    /// Environment variables that gave the value or a part of it.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let by_name = match &self.source {
            Source::Variable(name) => Some(name.as_str()),
            _ => None,
        };
        let by_use = self.through.iter().filter_map(|step| match step {
            Through::Variable(name) => Some(name.as_str()),
            _ => None,
        });
        by_name.into_iter().chain(by_use)
    }

    /// Whether a variable or another file gave the value or a part of it.
    pub(crate) fn is_brought(&self) -> bool {
        let brings = |step: &Through| matches!(step, Through::Variable(_) | Through::Content(_));
        matches!(self.source, Source::Variable(_)) || self.through.iter().any(brings)
    }

    /// Whether the value stands in the file itself, for whoever can read the file.
    pub(crate) fn stands_in_a_file(&self) -> bool {
        matches!(self.source, Source::File(_)) && !self.is_brought()
    }
}

/// In words: `app-config.yaml:5:32, environment variable PERSONAL_ACCESS_TOKEN`.
impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::File(location) => write!(formatter, "{location}")?,
            Source::Variable(name) => write!(formatter, "environment variable {name}")?,
            Source::Flag(name) => write!(formatter, "flag {name}")?,
            Source::Default => write!(formatter, "default")?,
        }
        for step in &self.through {
            match step {
                Through::Variable(name) => write!(formatter, ", environment variable {name}")?,
                Through::Fallback(name) => write!(formatter, ", default of ${{{name}}}")?,
                Through::Content(path) => write!(formatter, ", content of {path}")?,
                Through::Include(location) => write!(formatter, ", included at {location}")?,
            }
        }
        Ok(())
    }
}

/// `{kind, file, line, column, name, variables, text}`; what does not apply is left out.
impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.source {
            Source::File(location) => {
                map.serialize_entry("kind", "file")?;
                map.serialize_entry("file", &location.file)?;
                map.serialize_entry("line", &location.span.start.line)?;
                map.serialize_entry("column", &location.span.start.column)?;
            }
            Source::Variable(name) => {
                map.serialize_entry("kind", "environment")?;
                map.serialize_entry("name", name)?;
            }
            Source::Flag(name) => {
                map.serialize_entry("kind", "flag")?;
                map.serialize_entry("name", name)?;
            }
            Source::Default => map.serialize_entry("kind", "default")?,
        }
        map.serialize_entry("variables", &self.variables().collect::<Vec<_>>())?;
        map.serialize_entry("text", &self.to_string())?;
        map.end()
    }
}

/// A value with its origin. It may be a secret, so it cannot be printed.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Scalar(Value),
    List(Vec<Item>),
    Map(Vec<Field>),
}

/// A key with its value.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) key: String,
    /// Where the key stands; a value that came from elsewhere has another place.
    pub(crate) place: Origin,
    pub(crate) item: Item,
}

impl Item {
    pub(crate) fn map(fields: Vec<Field>, origin: Origin) -> Self {
        Self {
            kind: Kind::Map(fields),
            origin,
        }
    }

    /// A plain value, everything in it of one origin.
    pub(crate) fn plain(value: Value, origin: &Origin) -> Self {
        let kind = match value {
            Value::Array(items) => Kind::List(items.into_iter().map(|it| Self::plain(it, origin)).collect()),
            Value::Object(fields) => {
                let field = |(key, value)| Field {
                    key,
                    place: origin.clone(),
                    item: Self::plain(value, origin),
                };
                Kind::Map(fields.into_iter().map(field).collect())
            }
            scalar => Kind::Scalar(scalar),
        };
        Self {
            kind,
            origin: origin.clone(),
        }
    }

    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::value).collect(),
            Kind::Map(fields) => Value::Object(
                fields
                    .iter()
                    .map(|field| (field.key.clone(), field.item.value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    pub(crate) fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Map(fields) => fields,
            _ => &[],
        }
    }

    /// The value below a key of a map, or an index of a list.
    pub(crate) fn step(&self, part: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(fields) => fields
                .iter()
                .find(|field| field.key == part)
                .map(|field| &field.item),
            Kind::List(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
            Kind::Scalar(_) => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Scalar(Value::Null))
    }
}

/// Adds a key to a path, as a person writes it: `integrations.azure[0].host`.
pub(crate) fn below(path: &str, key: &str) -> String {
    let simple = key
        .chars()
        .all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ':' | '$' | '/' | '@'));
    match (path.is_empty(), simple) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[\"{key}\"]"),
    }
}

/// Adds an index to a path.
pub(crate) fn at(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The parts of a path.
pub(crate) fn parts(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("[\"") {
            let end = inner.find("\"]").unwrap_or(inner.len());
            parts.push(inner[..end].to_owned());
            rest = inner.get(end + 2..).unwrap_or_default();
        } else if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').unwrap_or(inner.len());
            parts.push(inner[..end].to_owned());
            rest = inner.get(end + 1..).unwrap_or_default();
        } else {
            let inner = rest.strip_prefix('.').unwrap_or(rest);
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            parts.push(inner[..end].to_owned());
            rest = &inner[end..];
        }
    }
    parts
}
