//! Crossplane field paths: `spec.items[0].name`, `metadata.annotations[example.org/key]`, `spec.ports[*].name`.

use std::fmt;

use serde_json::{Map, Value};

/// Arrays do not grow beyond this by setting an index; upstream's guard against `a[4000000000]`.
const LARGEST_INDEX: usize = 1024;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A key of an object.
    Field(String),
    /// A position in an array.
    Index(usize),
}

/// A parsed field path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<Segment>);

/// Why a path cannot be read, followed or set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text is not a path.
    #[error("cannot parse path `{text}`: {why}")]
    Parse {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing is there. Patches treat this as "not set yet", all other errors as mistakes.
    #[error("{path}: no such {what}")]
    NotFound {
        /// How far the path could be followed, including the step that failed.
        path: String,
        /// `field` or `element`.
        what: &'static str,
    },
    /// A step leads through something of another type.
    #[error("{path}: not an {expected}")]
    WrongType {
        /// Path of the value with the wrong type.
        path: String,
        /// `object` or `array`.
        expected: &'static str,
    },
    /// The index is beyond what may be created.
    #[error("index {0} is greater than the largest allowed index {LARGEST_INDEX}")]
    IndexTooLarge(usize),
    /// A wildcard met no element at all.
    #[error("cannot expand wildcard in `{0}`: it matches nothing")]
    NothingMatches(String),
}

impl PathError {
    /// Whether the value is merely absent.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

impl FieldPath {
    /// Parses a path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Parser {
            text,
            characters: text.chars().collect(),
            position: 0,
            segments: Vec::new(),
        }
        .run()
    }

    /// The steps.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether a `*` occurs in it.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        self.0.iter().any(is_wildcard)
    }

    /// The value at the path.
    pub fn get<'a>(&self, root: &'a Value) -> Result<&'a Value, PathError> {
        let mut current = root;
        for (position, segment) in self.0.iter().enumerate() {
            current = self.step(current, segment, position)?;
        }
        Ok(current)
    }

    fn step<'a>(
        &self,
        current: &'a Value,
        segment: &Segment,
        position: usize,
    ) -> Result<&'a Value, PathError> {
        let missing = |what| PathError::NotFound {
            path: self.prefix(position + 1),
            what,
        };
        match (segment, current) {
            (Segment::Field(name), Value::Object(map)) => map.get(name).ok_or_else(|| missing("field")),
            (Segment::Index(index), Value::Array(items)) => {
                items.get(*index).ok_or_else(|| missing("element"))
            }
            (Segment::Field(_), Value::Null) => Err(missing("field")),
            (Segment::Index(_), Value::Null) => Err(missing("element")),
            (Segment::Field(_), _) => Err(self.wrong_type(position, "object")),
            (Segment::Index(_), _) => Err(self.wrong_type(position, "array")),
        }
    }

    /// Sets the value at the path, creating objects and arrays on the way. Wildcards must have been expanded.
    pub fn set(&self, root: &mut Value, value: Value) -> Result<(), PathError> {
        let mut current = root;
        for (position, segment) in self.0.iter().enumerate() {
            current = match segment {
                Segment::Field(name) => {
                    if current.is_null() {
                        *current = Value::Object(Map::new());
                    }
                    let Value::Object(map) = current else {
                        return Err(self.wrong_type(position, "object"));
                    };
                    map.entry(name.as_str()).or_insert(Value::Null)
                }
                Segment::Index(index) => {
                    if *index > LARGEST_INDEX {
                        return Err(PathError::IndexTooLarge(*index));
                    }
                    if current.is_null() {
                        *current = Value::Array(Vec::new());
                    }
                    let Value::Array(items) = current else {
                        return Err(self.wrong_type(position, "array"));
                    };
                    if items.len() <= *index {
                        items.resize(index + 1, Value::Null);
                    }
                    &mut items[*index]
                }
            };
        }
        *current = value;
        Ok(())
    }

    /// The paths that a path with wildcards stands for, over the elements that exist.
    pub fn expand(&self, root: &Value) -> Result<Vec<Self>, PathError> {
        let Some(position) = self.0.iter().position(is_wildcard) else {
            return Ok(vec![self.clone()]);
        };
        let parent = Self(self.0[..position].to_vec());
        let steps: Vec<Segment> = match parent.get(root)? {
            Value::Array(items) => (0..items.len()).map(Segment::Index).collect(),
            Value::Object(map) => map.keys().cloned().map(Segment::Field).collect(),
            _ => return Err(self.wrong_type(position, "array")),
        };
        let mut expanded = Vec::new();
        for step in steps {
            let mut segments = self.0.clone();
            segments[position] = step;
            match Self(segments).expand(root) {
                Ok(paths) => expanded.extend(paths),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(expanded)
    }

    /// The path as a JSON pointer.
    #[must_use]
    pub fn to_pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in &self.0 {
            pointer.push('/');
            match segment {
                Segment::Field(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Segment::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }

    fn prefix(&self, length: usize) -> String {
        Self(self.0[..length].to_vec()).to_string()
    }

    fn wrong_type(&self, position: usize, expected: &'static str) -> PathError {
        PathError::WrongType {
            path: self.prefix(position),
            expected,
        }
    }
}

/// The form in which upstream prints a path: dots between fields, brackets around indices and names with dots.
impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(formatter, "[{index}]")?,
                Segment::Field(name) if name.contains('.') || name == "*" => write!(formatter, "[{name}]")?,
                Segment::Field(name) if position == 0 => write!(formatter, "{name}")?,
                Segment::Field(name) => write!(formatter, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// The value at a path given as text; nothing if the path is malformed or leads nowhere.
#[must_use]
pub fn lookup<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    FieldPath::parse(path).ok()?.get(root).ok()
}

fn is_wildcard(segment: &Segment) -> bool {
    matches!(segment, Segment::Field(name) if name == "*")
}

struct Parser<'a> {
    text: &'a str,
    characters: Vec<char>,
    position: usize,
    segments: Vec<Segment>,
}

impl Parser<'_> {
    fn run(mut self) -> Result<FieldPath, PathError> {
        // A segment must follow a dot, and a field must follow a dot unless it is the first.
        let mut after_dot = true;
        while let Some(character) = self.characters.get(self.position).copied() {
            match character {
                '.' if after_dot => return Err(self.unexpected('.')),
                '.' => {
                    after_dot = true;
                    self.position += 1;
                }
                '[' if after_dot && self.position > 0 => return Err(self.unexpected('[')),
                '[' => {
                    self.bracket()?;
                    after_dot = false;
                }
                ']' => return Err(self.unexpected(']')),
                _ if !after_dot => return Err(self.unexpected(character)),
                _ => {
                    self.field()?;
                    after_dot = false;
                }
            }
        }
        if after_dot && !self.segments.is_empty() {
            return Err(self.unexpected('.'));
        }
        Ok(FieldPath(self.segments))
    }

    fn field(&mut self) -> Result<(), PathError> {
        let start = self.position;
        while let Some(character) = self.characters.get(self.position) {
            match character {
                '.' | '[' => break,
                ']' => return Err(self.unexpected(']')),
                _ => self.position += 1,
            }
        }
        let name = self.characters[start..self.position].iter().collect();
        self.segments.push(Segment::Field(name));
        Ok(())
    }

    fn bracket(&mut self) -> Result<(), PathError> {
        let open = self.position;
        let length = self.characters[open..]
            .iter()
            .position(|character| *character == ']');
        let Some(length) = length else {
            return Err(self.error(format!("unterminated '[' at position {open}")));
        };
        let inside: String = self.characters[open + 1..open + length].iter().collect();
        if inside.is_empty() {
            return Err(self.error(format!("unexpected ']' at position {}", open + length)));
        }
        if inside.contains('[') {
            return Err(self.error(format!("unexpected '[' at position {}", open + 1)));
        }
        self.position = open + length + 1;
        let quoted = inside.trim_matches(['\'', '"']);
        self.segments.push(match inside.parse::<usize>() {
            Ok(index) => Segment::Index(index),
            Err(_) => Segment::Field(quoted.to_owned()),
        });
        Ok(())
    }

    fn unexpected(&self, character: char) -> PathError {
        self.error(format!("unexpected '{character}' at position {}", self.position))
    }

    fn error(&self, why: String) -> PathError {
        PathError::Parse {
            text: self.text.to_owned(),
            why,
        }
    }
}

#[cfg(test)]
mod tests;
