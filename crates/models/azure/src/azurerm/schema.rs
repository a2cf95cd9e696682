use super::value::{Type, Value};
use super::wire::Wire;

/// Who sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The configuration must.
    Required,
    /// The configuration may.
    Optional,
    /// The configuration may; otherwise Azure does.
    OptionalComputed,
    /// Azure does.
    Computed,
}

/// One attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name in HCL.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// Who sets it.
    pub presence: Presence,
    /// What holds where the configuration says nothing.
    pub default: Option<Value>,
    /// Whether a change needs another resource.
    pub replace: bool,
    /// Whether a smaller number or turning it off does, because Azure only lets it grow.
    pub grows_only: bool,
    /// Whether Terraform keeps it out of its output.
    pub sensitive: bool,
    /// Where it stands in ARM's documents.
    pub wire: Wire,
}

/// How often a block may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// At most once, as an object.
    Single,
    /// As a list.
    List,
}

/// When ARM's document has what a block describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// ARM never hears of it: the block stays as it was written.
    Kept,
    /// When something stands there.
    At(&'static str),
    /// When something else than this text stands there.
    Unless(&'static str, &'static str),
    /// When this text stands there.
    When(&'static str, &'static str),
}

/// One kind of nested block.
#[derive(Clone, Debug)]
pub struct Nested {
    /// Its name in HCL.
    pub name: &'static str,
    /// What may stand in it.
    pub block: Block,
    /// How it is written.
    pub nesting: Nesting,
    /// Least number.
    pub least: u32,
    /// Greatest number; 0 is no limit.
    pub most: u32,
    /// Whether Azure fills it in where the configuration has none.
    pub computed: bool,
    /// Whether its coming or going needs another resource.
    pub replace: bool,
    /// When ARM's document has it.
    pub present: Present,
}

/// What may stand between braces.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Attributes.
    pub attributes: Vec<Attribute>,
    /// Nested blocks.
    pub blocks: Vec<Nested>,
}

impl Attribute {
    fn new(name: &'static str, kind: Type, wire: Wire) -> Self {
        Self {
            name,
            kind,
            presence: Presence::Optional,
            default: None,
            replace: false,
            grows_only: false,
            sensitive: false,
            wire,
        }
    }

    pub(super) fn required(self) -> Self {
        Self {
            presence: Presence::Required,
            ..self
        }
    }

    pub(super) fn or_azure(self) -> Self {
        Self {
            presence: Presence::OptionalComputed,
            ..self
        }
    }

    pub(super) fn computed(self) -> Self {
        Self {
            presence: Presence::Computed,
            ..self
        }
    }

    pub(super) fn default(self, value: Value) -> Self {
        Self {
            default: Some(value),
            ..self
        }
    }

    pub(super) fn replaces(self) -> Self {
        Self {
            replace: true,
            ..self
        }
    }

    pub(super) fn grows_only(self) -> Self {
        Self {
            grows_only: true,
            ..self
        }
    }

    pub(super) fn sensitive(self) -> Self {
        Self {
            sensitive: true,
            ..self
        }
    }

    /// Whether ARM sets it where the configuration does not.
    #[must_use]
    pub fn is_computed(&self) -> bool {
        matches!(self.presence, Presence::Computed | Presence::OptionalComputed)
    }
}

pub(super) fn text(name: &'static str, pointer: &'static str) -> Attribute {
    Attribute::new(name, Type::Text, Wire::plain(pointer))
}

pub(super) fn number(name: &'static str, pointer: &'static str) -> Attribute {
    Attribute::new(name, Type::Number, Wire::plain(pointer))
}

pub(super) fn flag(name: &'static str, pointer: &'static str) -> Attribute {
    Attribute::new(name, Type::Bool, Wire::plain(pointer))
}

pub(super) fn typed(name: &'static str, kind: Type, wire: Wire) -> Attribute {
    Attribute::new(name, kind, wire)
}

pub(super) fn yes() -> Value {
    Value::Bool(true)
}

pub(super) fn no() -> Value {
    Value::Bool(false)
}

impl Nested {
    /// A block that may be written once.
    pub(super) fn once(name: &'static str, present: Present, attributes: Vec<Attribute>) -> Self {
        Self {
            name,
            block: Block {
                attributes,
                blocks: Vec::new(),
            },
            nesting: Nesting::List,
            least: 0,
            most: 1,
            computed: false,
            replace: false,
            present,
        }
    }

    pub(super) fn required(self) -> Self {
        Self { least: 1, ..self }
    }

    pub(super) fn computed(self) -> Self {
        Self {
            computed: true,
            ..self
        }
    }

    pub(super) fn with(mut self, blocks: Vec<Nested>) -> Self {
        self.block.blocks = blocks;
        self
    }

    /// The `timeouts` block of a resource that can be changed.
    pub(super) fn timeouts() -> Self {
        Self::timeouts_of(&["create", "delete", "read", "update"])
    }

    /// The `timeouts` block with a time for each of these.
    pub(super) fn timeouts_of(names: &[&'static str]) -> Self {
        let attributes = names
            .iter()
            .map(|name| typed(name, Type::Text, Wire::Kept))
            .collect();
        Self {
            nesting: Nesting::Single,
            ..Self::once("timeouts", Present::Kept, attributes)
        }
    }

    /// Its type as a value.
    #[must_use]
    pub fn kind(&self) -> Type {
        match self.nesting {
            Nesting::Single => self.block.kind(),
            Nesting::List => Type::List(Box::new(self.block.kind())),
        }
    }
}

impl Block {
    /// Its type as a value.
    #[must_use]
    pub fn kind(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|attribute| (attribute.name, attribute.kind.clone()));
        let blocks = self.blocks.iter().map(|nested| (nested.name, nested.kind()));
        Type::Object(attributes.chain(blocks).collect())
    }

    /// The value with every attribute in it, and lists of blocks that are never null, as Terraform wants a state.
    #[must_use]
    pub fn conform(&self, value: &Value) -> Value {
        let mut state = std::collections::BTreeMap::new();
        for attribute in &self.attributes {
            state.insert(attribute.name.to_owned(), value.get(attribute.name).clone());
        }
        for nested in &self.blocks {
            let said = value.get(nested.name);
            let conformed = match (nested.nesting, said) {
                (_, Value::Unknown) => Value::Unknown,
                (Nesting::Single, Value::Null) => Value::Null,
                (Nesting::Single, said) => nested.block.conform(said),
                (Nesting::List, said) => {
                    let entries = said.as_list().unwrap_or_default();
                    Value::List(entries.iter().map(|entry| nested.block.conform(entry)).collect())
                }
            };
            state.insert(nested.name.to_owned(), conformed);
        }
        Value::Map(state)
    }

    /// The attribute of that name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The nested block of that name.
    #[must_use]
    pub fn nested(&self, name: &str) -> Option<&Nested> {
        self.blocks.iter().find(|nested| nested.name == name)
    }

    /// Names of all attributes and blocks.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let attributes = self.attributes.iter().map(|attribute| attribute.name);
        attributes.chain(self.blocks.iter().map(|nested| nested.name))
    }
}
