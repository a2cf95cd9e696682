//! Terraform's HCL, as far as it can be read without running Terraform.

mod renamed;

use std::collections::HashMap;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block as HclBlock, Body, Structure};
use pave_diagnostic::{Diagnostic, Diagnostics, Label, Location, Span};
use serde_json::Value;

use crate::codes;
use crate::source::position;

/// What the files of one directory say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TerraformModule {
    /// The state backend, where one is declared.
    pub backend: Option<Block>,
    /// `provider` blocks.
    pub providers: Vec<Block>,
    /// `required_providers`: local name, source and version constraint (empty where they are not given).
    pub required_providers: Vec<(String, String, String)>,
    /// `resource` blocks.
    pub resources: Vec<Resource>,
    /// `moved` blocks: from and to, as written.
    pub moved: Vec<(String, String)>,
    /// What was found.
    pub diagnostics: Diagnostics,
}

/// A block with one label, e.g. `provider "azurerm"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Label.
    pub name: String,
    /// Arguments that are literals, nested ones as `block.argument`.
    pub attributes: Vec<Literal>,
    /// Names of nested blocks.
    pub blocks: Vec<String>,
    /// Where it stands.
    pub place: Location,
}

/// A resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Type, e.g. `azurerm_resource_group`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Arguments, nested ones as `block.argument`; null where the value is not a literal.
    pub attributes: Vec<Literal>,
    /// Where it stands.
    pub place: Location,
}

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// Name, with the blocks that it stands in.
    pub path: String,
    /// Value; null where it is worked out by Terraform.
    pub value: Value,
    /// Where the name stands.
    pub place: Location,
    /// Where the value stands.
    pub value_place: Location,
}

impl Resource {
    /// `type.name`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}.{}", self.kind, self.name)
    }

    /// The literal value of an argument.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        let found = self.attributes.iter().find(|one| one.path == path)?;
        Some(&found.value).filter(|value| !value.is_null())
    }
}

/// Reads the `.tf` files of one directory; other files are passed over.
#[must_use]
pub fn read_terraform(files: &[(String, String)]) -> TerraformModule {
    let mut module = TerraformModule::default();
    let is_terraform = |path: &str| {
        std::path::Path::new(path)
            .extension()
            .is_some_and(|extension| extension == "tf")
    };
    for (path, text) in files.iter().filter(|(path, _)| is_terraform(path)) {
        match hcl_edit::parser::parse_body(text) {
            Ok(body) => Reader { path, text }.root(&body, &mut module),
            Err(error) => {
                let at = error.location();
                let label = Label::at(Location::new(path.clone(), at.line(), at.column()));
                module.diagnostics.push(
                    Diagnostic::error(codes::HCL, format!("this is not HCL: {}", error.message()))
                        .with_label(label)
                        .with_help(hint(text, at.line())),
                );
            }
        }
    }
    duplicates(&mut module);
    renamed::check(&mut module);
    module
}

/// What most often is behind HCL that does not parse.
fn hint(text: &str, line: usize) -> String {
    let written = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    if written.contains("${{") || text.contains("${{ ") {
        "`${{ … }}` is a placeholder of the scaffolder: it must be filled in before Terraform reads the file"
            .to_owned()
    } else {
        "`terraform validate` says the same; look at brackets and quotes up to here".to_owned()
    }
}

struct Reader<'a> {
    path: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn location(&self, range: Option<Range<usize>>) -> Location {
        let range = range.unwrap_or_default();
        // A block's span goes on to the end of its line.
        let end = range.start
            + self
                .text
                .get(range.clone())
                .map_or(0, |text| text.trim_end().len());
        Location {
            file: self.path.to_owned(),
            span: Span {
                start: position(self.text, range.start),
                end: position(self.text, end),
            },
        }
    }

    fn root(&self, body: &Body, module: &mut TerraformModule) {
        for block in body.blocks() {
            match block.ident.as_str() {
                "terraform" => self.settings(block, module),
                "provider" => module.providers.push(self.block(block)),
                "resource" => module.resources.extend(self.resource(block)),
                "moved" => {
                    let side = |key: &str| {
                        let attribute = block.body.get_attribute(key)?;
                        Some(attribute.value.to_string().trim().to_owned())
                    };
                    module.moved.extend(side("from").zip(side("to")));
                }
                _ => {}
            }
        }
    }

    fn settings(&self, block: &HclBlock, module: &mut TerraformModule) {
        for inner in block.body.blocks() {
            match inner.ident.as_str() {
                "backend" | "cloud" => {
                    let mut found = self.block(inner);
                    if found.name.is_empty() {
                        inner.ident.as_str().clone_into(&mut found.name);
                    }
                    module.backend = Some(found);
                }
                "required_providers" => {
                    for attribute in inner.body.attributes() {
                        let value = literal(&attribute.value);
                        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
                        let version = value.as_str().map_or_else(|| text("version"), str::to_owned);
                        module
                            .required_providers
                            .push((attribute.key.to_string(), text("source"), version));
                    }
                }
                _ => {}
            }
        }
    }

    fn block(&self, block: &HclBlock) -> Block {
        let mut attributes = Vec::new();
        self.arguments("", &block.body, &mut attributes);
        Block {
            name: label(block, 0),
            attributes,
            blocks: block.body.blocks().map(|inner| inner.ident.to_string()).collect(),
            place: self.location(block.ident.span()),
        }
    }

    fn resource(&self, block: &HclBlock) -> Option<Resource> {
        if block.labels.len() != 2 {
            return None;
        }
        let mut attributes = Vec::new();
        self.arguments("", &block.body, &mut attributes);
        Some(Resource {
            kind: label(block, 0),
            name: label(block, 1),
            attributes,
            place: self.location(block.ident.span()),
        })
    }

    fn arguments(&self, prefix: &str, body: &Body, out: &mut Vec<Literal>) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => out.push(self.argument(prefix, attribute)),
                Structure::Block(block) => {
                    let path = format!("{prefix}{}", block.ident.as_str());
                    let place = self.location(block.ident.span());
                    // The block itself, so that a block that is gone can be named.
                    out.push(Literal {
                        path: path.clone(),
                        value: Value::Null,
                        value_place: place.clone(),
                        place,
                    });
                    self.arguments(&format!("{path}."), &block.body, out);
                }
            }
        }
    }

    fn argument(&self, prefix: &str, attribute: &Attribute) -> Literal {
        Literal {
            path: format!("{prefix}{}", attribute.key.as_str()),
            value: literal(&attribute.value),
            place: self.location(attribute.key.span()),
            value_place: self.location(attribute.value.span()),
        }
    }
}

fn label(block: &HclBlock, position: usize) -> String {
    block
        .labels
        .get(position)
        .map(|label| label.as_str().to_owned())
        .unwrap_or_default()
}

/// The value of an expression that needs nothing else; otherwise null.
fn literal(expression: &Expression) -> Value {
    match expression {
        Expression::String(text) => Value::String(text.as_str().to_owned()),
        Expression::Bool(value) => Value::Bool(*value.value()),
        Expression::Number(number) => {
            let number = number.value();
            let whole = number.as_i64().map(Value::from);
            whole
                .or_else(|| number.as_f64().map(Value::from))
                .unwrap_or_default()
        }
        Expression::Array(items) => items.iter().map(literal).collect(),
        Expression::Object(object) => Value::Object(
            object
                .iter()
                .map(|(key, value)| {
                    let key = key.as_ident().map_or_else(
                        || {
                            key.as_expr()
                                .and_then(|key| key.as_str())
                                .unwrap_or_default()
                                .to_owned()
                        },
                        |ident| ident.as_str().to_owned(),
                    );
                    (key, literal(value.expr()))
                })
                .collect(),
        ),
        _ => Value::Null,
    }
}

/// Terraform refuses the same resource twice in a directory, also across files.
fn duplicates(module: &mut TerraformModule) {
    let mut seen: HashMap<String, Location> = HashMap::new();
    for resource in &module.resources {
        let address = resource.address();
        match seen.get(&address) {
            Some(first) => module.diagnostics.push(
                Diagnostic::error(
                    codes::DUPLICATE_RESOURCE,
                    format!("there is another resource `{address}`"),
                )
                .with_label(Label::at(resource.place.clone()))
                .with_label(Label::at(first.clone()).with_text("first here"))
                .with_help("give each a name of its own, or a directory of its own"),
            ),
            None => {
                seen.insert(address, resource.place.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
