//! The content of `metadata.managedFields`.

use std::fmt;

use serde_json::{Map, Value};

use super::{FieldSet, FieldSetError};

/// How a manager came to own its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    /// The word in `managedFields`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// One manager and its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedFieldsEntry {
    /// The manager's name.
    pub manager: String,
    /// How it writes.
    pub operation: Operation,
    /// The version in which the fields are named.
    pub api_version: String,
    /// When the set last changed, RFC 3339.
    pub time: Option<String>,
    /// The subresource written to; empty for the object itself.
    pub subresource: String,
    /// What it owns.
    pub fields: FieldSet,
}

/// `managedFields` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagedFieldsError {
    /// Not a list of objects.
    #[error("metadata.managedFields is not a list of objects")]
    Shape,
    /// The operation is neither `Apply` nor `Update`.
    #[error(
        "metadata.managedFields[{index}].operation: Invalid value: \"{operation}\": must be `Apply` or `Update`"
    )]
    Operation {
        /// The entry.
        index: usize,
        /// What stands there.
        operation: String,
    },
    /// The fields of an entry cannot be read.
    #[error("metadata.managedFields[{index}].fieldsV1 is malformed")]
    Fields {
        /// The entry.
        index: usize,
        /// What is wrong with them.
        #[source]
        source: FieldSetError,
    },
}

/// All managers of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagedFields {
    /// One entry for each identity.
    pub entries: Vec<ManagedFieldsEntry>,
}

impl ManagedFieldsEntry {
    /// Whether both are the same manager: all but time and fields; appliers stay the same over versions.
    #[must_use]
    pub fn is_same_manager(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    fn parse(index: usize, json: &Value) -> Result<Self, ManagedFieldsError> {
        let fields = json.as_object().ok_or(ManagedFieldsError::Shape)?;
        let text = |name: &str| {
            fields
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let operation = match text("operation").as_str() {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            other => {
                return Err(ManagedFieldsError::Operation {
                    index,
                    operation: other.to_owned(),
                });
            }
        };
        let set = match fields.get("fieldsV1") {
            None | Some(Value::Null) => FieldSet::new(),
            Some(json) => {
                FieldSet::from_json(json).map_err(|source| ManagedFieldsError::Fields { index, source })?
            }
        };
        Ok(Self {
            manager: text("manager"),
            operation,
            api_version: text("apiVersion"),
            time: fields.get("time").and_then(Value::as_str).map(str::to_owned),
            subresource: text("subresource"),
            fields: set,
        })
    }

    fn to_json(&self) -> Value {
        let mut json = Map::new();
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                json.insert(name.to_owned(), Value::from(value));
            }
        };
        put("apiVersion", &self.api_version);
        put("fieldsType", "FieldsV1");
        put("manager", &self.manager);
        put("operation", self.operation.as_str());
        put("subresource", &self.subresource);
        put("time", self.time.as_deref().unwrap_or_default());
        json.insert("fieldsV1".to_owned(), self.fields.to_json());
        Value::Object(json)
    }
}

/// The manager as conflict messages name it.
impl fmt::Display for ManagedFieldsEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", Value::from(self.manager.as_str()))?;
        if !self.subresource.is_empty() {
            write!(
                formatter,
                " with subresource {}",
                Value::from(self.subresource.as_str())
            )?;
        }
        match self.operation {
            Operation::Update => write!(formatter, " using {}", self.api_version),
            Operation::Apply => Ok(()),
        }
    }
}

impl ManagedFields {
    /// Reads `metadata.managedFields` of `object`; an absent list has no entries.
    ///
    /// # Errors
    /// When an entry is malformed.
    pub fn from_object(object: &Value) -> Result<Self, ManagedFieldsError> {
        match object.pointer("/metadata/managedFields") {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(list) => Self::from_json(list),
        }
    }

    /// Reads the list itself.
    ///
    /// # Errors
    /// When an entry is malformed.
    pub fn from_json(list: &Value) -> Result<Self, ManagedFieldsError> {
        let items = list.as_array().ok_or(ManagedFieldsError::Shape)?;
        let entries = items
            .iter()
            .enumerate()
            .map(|(index, item)| ManagedFieldsEntry::parse(index, item));
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// The list in the order in which Kubernetes stores it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut sorted: Vec<&ManagedFieldsEntry> = self.entries.iter().collect();
        sorted.sort_by(|a, b| {
            let key = |entry: &ManagedFieldsEntry| {
                (
                    entry.operation,
                    entry.time.clone(),
                    entry.manager.clone(),
                    entry.api_version.clone(),
                )
            };
            key(a)
                .cmp(&key(b))
                .then_with(|| a.subresource.cmp(&b.subresource))
        });
        sorted.into_iter().map(ManagedFieldsEntry::to_json).collect()
    }

    /// Writes the list to `metadata.managedFields` of `object`; without entries the field is removed.
    pub fn write_to(&self, object: &mut Value) {
        let Some(fields) = object.as_object_mut() else {
            return;
        };
        let metadata = fields
            .entry("metadata")
            .or_insert_with(|| Value::Object(Map::new()));
        let Some(metadata) = metadata.as_object_mut() else {
            return;
        };
        if self.entries.is_empty() {
            metadata.shift_remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), self.to_json());
        }
    }

    /// Whether `self` and `other` say the same, times apart.
    #[must_use]
    pub fn is_same_ownership(&self, other: &Self) -> bool {
        self.entries.len() == other.entries.len()
            && self.entries.iter().all(|ours| {
                other.entries.iter().any(|theirs| {
                    ours.is_same_manager(theirs)
                        && ours.api_version == theirs.api_version
                        && ours.fields == theirs.fields
                })
            })
    }

    /// Whether anybody owns anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a manager.
    #[must_use]
    pub fn find(
        &self,
        manager: &str,
        operation: Operation,
        subresource: &str,
    ) -> Option<&ManagedFieldsEntry> {
        self.entries.iter().find(|entry| {
            entry.manager == manager && entry.operation == operation && entry.subresource == subresource
        })
    }
}
