use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Resource;
use super::id::Parts;
use super::schema::{Attribute, Block, Nested, Nesting, Presence, Present};
use super::value::{Type, Value};
use super::wire::{Form, Wire, put, snake};
use crate::mapping::{Kind, Lifetime};

impl Resource {
    /// The document of the PUT that makes the thing.
    #[must_use]
    pub fn create_body(&self, planned: &Value) -> Json {
        if let Some(kind) = self.kind {
            let mut body = kind.desired_body(&parameters(kind, planned), planned.text_at(PASSWORD));
            if !planned.get(IDENTITY).is_empty() {
                self.write_identity(planned, &mut body);
            }
            return body;
        }
        let mut body = json!({});
        write_block(&self.block, planned, &mut body);
        (self.complete)(&mut body);
        body
    }

    /// What is sent once the thing exists, because ARM does not take it earlier.
    #[must_use]
    pub fn after_create(&self, planned: &Value, observed: &Json) -> Option<Json> {
        let kind = self.kind?;
        let late = kind
            .fields
            .iter()
            .filter(|field| field.lifetime == Lifetime::UpdateOnly);
        let late: Vec<&str> = late.map(|field| field.path).collect();
        let parameters = parameters(kind, planned);
        let mut differences = kind.differences(&parameters, observed);
        differences.retain(|difference| late.contains(&difference.field));
        (!differences.is_empty()).then(|| kind.patch_body(&parameters, &differences, None))
    }

    /// The document that makes the change; `true` if it is for PATCH, else it is for PUT.
    #[must_use]
    pub fn update_body(&self, prior: &Value, planned: &Value, observed: &Json) -> (bool, Json) {
        let Some(kind) = self.kind else {
            return (false, self.create_body(planned));
        };
        let parameters = parameters(kind, planned);
        let differences = kind.differences(&parameters, observed);
        let password = planned
            .text_at(PASSWORD)
            .filter(|now| prior.text_at(PASSWORD) != Some(*now));
        let mut body = kind.patch_body(&parameters, &differences, password);
        for (block, pointer, text) in SWITCHED_OFF {
            let gone = !prior.get(block).is_empty() && planned.get(block).is_empty();
            if gone && self.block.nested(block).is_some() {
                put(&mut body, pointer, json!(text));
            }
        }
        if prior.get(IDENTITY) != planned.get(IDENTITY) {
            self.write_identity(planned, &mut body);
        }
        (kind.update == crate::mapping::Update::Patch, body)
    }

    /// The one block of azurerm's that managed resources do not have.
    fn write_identity(&self, planned: &Value, body: &mut Json) {
        let Some(nested) = self.block.nested(IDENTITY) else {
            return;
        };
        match planned.get(IDENTITY).as_list().and_then(<[Value]>::first) {
            Some(identity) => write_block(&nested.block, identity, body),
            None => put(body, "/identity/type", json!("None")),
        }
    }

    /// The state that a document describes.
    ///
    /// What ARM does not report stays as the prior state has it; where ARM writes the same thing in another way, the
    /// prior spelling is kept.
    #[must_use]
    pub fn read(&self, id: &str, document: &Json, prior: &Value) -> Value {
        let Some(parts) = self.parts(id) else {
            return Value::Null;
        };
        let imported =
            self.block.attributes.iter().all(|attribute| {
                matches!(attribute.wire, Wire::Id(_)) || prior.get(attribute.name).is_null()
            });
        let reader = Reader {
            document,
            parts: &parts,
            imported,
        };
        reader.block(&self.block, prior)
    }
}

const PASSWORD: &str = "administrator_password";
const IDENTITY: &str = "identity";

/// Blocks whose absence has to be said in words.
const SWITCHED_OFF: [(&str, &str, &str); 2] = [
    (
        "high_availability",
        "/properties/highAvailability/mode",
        "Disabled",
    ),
    (
        "maintenance_window",
        "/properties/maintenanceWindow/customWindow",
        "Disabled",
    ),
];

/// The parameters of the managed resource that say the same.
fn parameters(kind: &Kind, value: &Value) -> Json {
    let mut parameters = json!({});
    for field in kind.fields {
        let said = value.at(&snake(field.path));
        let pointer = format!("/{}", field.path.replace('.', "/"));
        match said {
            // No tags means: take those away that are there.
            Value::Null if field.path == "tags" => put(&mut parameters, &pointer, json!({})),
            Value::Null | Value::Unknown => {}
            said => put(&mut parameters, &pointer, said.to_json()),
        }
    }
    parameters
}

fn write_block(block: &Block, value: &Value, body: &mut Json) {
    for attribute in &block.attributes {
        let Wire::At { pointer, form, .. } = attribute.wire else {
            continue;
        };
        let said = value.get(attribute.name);
        let is_said =
            !matches!(said, Value::Null | Value::Unknown) && attribute.presence != Presence::Computed;
        if is_said {
            form.write(body, pointer, said);
        } else if pointer == "/tags" {
            put(body, pointer, json!({}));
        }
    }
    for nested in &block.blocks {
        let said = value.get(nested.name);
        if said.as_list().is_some_and(<[Value]>::is_empty) || nested.present == Present::Kept {
            continue;
        }
        if let Present::When(pointer, text) = nested.present {
            put(body, pointer, literal(text));
        }
        write_block(
            &nested.block,
            said.as_list().and_then(<[Value]>::first).unwrap_or(&Value::Null),
            body,
        );
    }
}

fn literal(text: &str) -> Json {
    match text {
        "true" => json!(true),
        "false" => json!(false),
        text => json!(text),
    }
}

struct Reader<'a> {
    document: &'a Json,
    parts: &'a Parts<'a>,
    imported: bool,
}

impl Reader<'_> {
    fn block(&self, block: &Block, prior: &Value) -> Value {
        let mut state = BTreeMap::new();
        for attribute in &block.attributes {
            state.insert(
                attribute.name.to_owned(),
                self.attribute(attribute, prior.get(attribute.name)),
            );
        }
        for nested in &block.blocks {
            state.insert(
                nested.name.to_owned(),
                self.nested(nested, prior.get(nested.name)),
            );
        }
        Value::Map(state)
    }

    fn attribute(&self, attribute: &Attribute, prior: &Value) -> Value {
        let (pointer, form) = match attribute.wire {
            Wire::Id(part) => return self.id(part, prior),
            Wire::At {
                pointer,
                form,
                lifetime,
            } if lifetime != Lifetime::CreateOnly => (pointer, form),
            _ => return self.unreported(attribute, prior),
        };
        let json = self.document.pointer(pointer).unwrap_or(&Json::Null);
        let found = form.read(json, &attribute.kind);
        if found.is_null() {
            let said = attribute
                .default
                .clone()
                .filter(|_| attribute.presence != Presence::Computed);
            return said.unwrap_or_else(|| empty_of(attribute, form));
        }
        let said_nothing = *prior == Value::Null && !self.imported && !attribute.is_computed();
        if said_nothing && found.is_empty() && attribute.default.is_none() {
            return Value::Null;
        }
        if *prior != Value::Unknown && !prior.is_null() && form.agrees(prior, &found) {
            return prior.clone();
        }
        found
    }

    /// Ids keep the capitals that the configuration gave them, as long as they name the same thing.
    fn id(&self, part: super::Part, prior: &Value) -> Value {
        let found = self.parts.of(part);
        match prior.as_text() {
            Some(prior) if prior.eq_ignore_ascii_case(found) => Value::text(prior),
            _ => Value::text(found),
        }
    }

    fn unreported(&self, attribute: &Attribute, prior: &Value) -> Value {
        match prior {
            Value::Unknown => Value::Null,
            Value::Null if self.imported => attribute.default.clone().unwrap_or_default(),
            prior => prior.clone(),
        }
    }

    fn nested(&self, nested: &Nested, prior: &Value) -> Value {
        let text = |pointer| self.document.pointer(pointer).unwrap_or(&Json::Null);
        let is_there = match nested.present {
            Present::Kept => {
                return if *prior == Value::Unknown {
                    Value::Null
                } else {
                    prior.clone()
                };
            }
            Present::At(pointer) => !text(pointer).is_null(),
            Present::Unless(pointer, word) => !text(pointer).is_null() && *text(pointer) != literal(word),
            Present::When(pointer, word) => *text(pointer) == literal(word),
        };
        // What ARM fills in by itself is nobody's block, unless it was written or Azure may write it.
        let written = !prior.is_empty() && *prior != Value::Unknown;
        let counts = written || nested.computed || nested.least > 0 || self.imported || nested.stands_alone();
        if nested.nesting == Nesting::Single || !is_there || !counts {
            return if nested.nesting == Nesting::Single {
                Value::Null
            } else {
                Value::List(Vec::new())
            };
        }
        let before = prior.as_list().and_then(<[Value]>::first).unwrap_or(&Value::Null);
        Value::List(vec![self.block(&nested.block, before)])
    }
}

impl Nested {
    /// Whether ARM has it only because somebody asked for it, so that finding it is news.
    fn stands_alone(&self) -> bool {
        matches!(self.present, Present::Unless(..) | Present::When(..))
    }
}

/// What stands in the state for something that ARM could report and does not.
fn empty_of(attribute: &Attribute, form: Form) -> Value {
    let computed_text = attribute.presence == Presence::Computed && attribute.kind == Type::Text;
    match form {
        // As upstream: an address that there is not is an empty text, so that it can stand in an expression.
        Form::Plain | Form::Host if computed_text => Value::text(""),
        _ => Value::Null,
    }
}
