//! Checking rules against the schema they stand in, at registration.
//!
//! CEL types are followed along field selections, indexing and comprehensions, which is where rules go wrong: a field
//! that the schema does not declare, or a walk over a list that nothing bounds. Other expressions are not typed.

mod cost;

use std::collections::HashMap;

use kube_cel::cel::common::ast::{Expr, IdedExpr};

use super::compile::{CompiledRule, parts};
use super::convert::escape;
use crate::error::FieldError;
use crate::schema::{Additional, Kind, Schema};
use crate::trail::Trail;

/// Checks all rules at and below `schema`.
pub(crate) fn check_rules(schema: &Schema, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    walk(schema, trail, Some(1.0), errors);
}

/// `instances` is how many values of this node one object may hold, `None` when some list or map above is unbounded.
fn walk(schema: &Schema, trail: &Trail<'_>, instances: Option<f64>, errors: &mut Vec<FieldError>) {
    let node = schema.node();
    if !node.has_rules {
        return;
    }
    let rules = trail.field("x-kubernetes-validations");
    for (index, rule) in node.rules.iter().enumerate() {
        check_rule(rule, schema, &rules.index(index), instances, errors);
    }
    let properties = trail.field("properties");
    for (name, schema) in &node.properties {
        walk(schema, &properties.key(name), instances, errors);
    }
    if let Some(items) = &node.items {
        let below = cost::bounded_items(node).and_then(|items| Some(instances? * items));
        walk(items, &trail.field("items"), below, errors);
    }
    if let Additional::Schema(values) = &node.additional {
        let below = cost::bounded_items(node).and_then(|items| Some(instances? * items));
        walk(values, &trail.field("additionalProperties"), below, errors);
    }
}

fn check_rule(
    rule: &CompiledRule,
    schema: &Schema,
    trail: &Trail<'_>,
    instances: Option<f64>,
    errors: &mut Vec<FieldError>,
) {
    let scope = || Scope::new(schema, rule.optional_old);
    let typed = |name: &str, program: &IdedExpr| {
        let problem = scope().type_of(&program.expr).err()?;
        let detail = format!("compilation failed: {problem}");
        Some(FieldError::invalid(
            trail.field(name).to_string(),
            rule.rule.as_str(),
            detail,
        ))
    };
    if let Ok(program) = &rule.program {
        errors.extend(typed("rule", program));
        let instances = instances.unwrap_or_else(|| cost::most_instances(schema.node()));
        let estimate = cost::estimate(&mut scope(), &program.expr) * instances;
        if estimate > cost::LIMIT {
            errors.push(FieldError::forbidden(
                trail.field("rule").to_string(),
                cost::exceeded(estimate),
            ));
        }
    }
    if let Some(Ok(program)) = &rule.message_program {
        errors.extend(typed("messageExpression", program));
    }
}

/// What is known of the value of an expression.
#[derive(Debug, Clone)]
enum Type {
    /// A value of this schema.
    Of(Schema),
    /// The metadata of an object, of which rules see the names alone.
    Metadata,
    /// Anything.
    Unknown,
}

/// The variables of an expression.
struct Scope {
    variables: HashMap<String, Type>,
}

impl Scope {
    fn new(schema: &Schema, optional_old: bool) -> Self {
        let this = Type::Of(schema.clone());
        let old = if optional_old { Type::Unknown } else { this.clone() };
        let variables = [("self", this), ("oldSelf", old)];
        Self {
            variables: variables
                .into_iter()
                .map(|(name, known)| (name.to_owned(), known))
                .collect(),
        }
    }

    fn type_of(&mut self, expression: &Expr) -> Result<Type, String> {
        match expression {
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => {
                // Names of libraries and enumerations, such as `math.greatest`, look like selections.
                if let Expr::Ident(name) = &select.operand.expr
                    && !self.variables.contains_key(name)
                {
                    return self.variable(name).map(|_| Type::Unknown);
                }
                let operand = self.type_of(&select.operand.expr)?;
                field_of(&operand, &select.field)
            }
            Expr::Comprehension(over) => {
                let range = self.type_of(&over.iter_range.expr)?;
                self.type_of(&over.accu_init.expr)?;
                let outer = self.variables.clone();
                self.variables.insert(over.iter_var.clone(), element_of(&range));
                if let Some(second) = &over.iter_var2 {
                    self.variables.insert(second.clone(), Type::Unknown);
                }
                self.variables.insert(over.accu_var.clone(), Type::Unknown);
                let mut inside = || {
                    self.type_of(&over.loop_cond.expr)?;
                    self.type_of(&over.loop_step.expr)?;
                    self.type_of(&over.result.expr)
                };
                let outcome = inside();
                self.variables = outer;
                outcome.map(|_| Type::Unknown)
            }
            Expr::Call(call) => {
                let is_library = call
                    .target
                    .as_ref()
                    .is_some_and(|target| self.is_library(&target.expr));
                let target = match &call.target {
                    Some(target) if !is_library => Some(self.type_of(&target.expr)?),
                    _ => None,
                };
                let mut arguments = target.into_iter().collect::<Vec<_>>();
                for argument in &call.args {
                    arguments.push(self.type_of(&argument.expr)?);
                }
                let indexed =
                    matches!(call.func_name.as_str(), "_[_]").then(|| arguments.first().map(values_of));
                Ok(indexed.flatten().unwrap_or(Type::Unknown))
            }
            other => {
                for part in parts(other) {
                    self.type_of(&part.expr)?;
                }
                Ok(Type::Unknown)
            }
        }
    }

    /// `math`, `sets`, `optional` and their like.
    fn is_library(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::Ident(name) if !self.variables.contains_key(name) && LIBRARIES.contains(&name.as_str()))
    }

    fn variable(&self, name: &str) -> Result<Type, String> {
        match self.variables.get(name) {
            Some(known) => Ok(known.clone()),
            None if LIBRARIES.contains(&name) || TYPES.contains(&name) || name.starts_with('@') => {
                Ok(Type::Unknown)
            }
            None => Err(format!("undeclared reference to '{name}'")),
        }
    }
}

const LIBRARIES: [&str; 9] = [
    "math",
    "sets",
    "optional",
    "base64",
    "jsonpatch",
    "format",
    "net",
    "cel",
    "strings",
];
const TYPES: [&str; 10] = [
    "int",
    "uint",
    "double",
    "bool",
    "string",
    "bytes",
    "list",
    "map",
    "type",
    "null_type",
];

/// The type of `operand.name`, where `name` is escaped.
fn field_of(operand: &Type, name: &str) -> Result<Type, String> {
    let schema = match operand {
        Type::Of(schema) => schema,
        Type::Metadata if matches!(name, "name" | "generateName") => return Ok(Type::Unknown),
        Type::Metadata => return Err(format!("undefined field '{name}'")),
        Type::Unknown => return Ok(Type::Unknown),
    };
    let node = schema.node();
    if let Some((_, child)) = node
        .properties
        .iter()
        .find(|(declared, _)| escape(declared) == name)
    {
        return Ok(if node.resource && name == "metadata" {
            Type::Metadata
        } else {
            Type::Of(child.clone())
        });
    }
    match (&node.additional, node.kind) {
        (Additional::Schema(values), _) => Ok(Type::Of(values.clone())),
        (Additional::None, Some(Kind::Object)) => Err(format!("undefined field '{name}'")),
        (Additional::None, Some(kind)) if !node.int_or_string => {
            Err(format!("type '{}' does not support field selection", kind.name()))
        }
        _ => Ok(Type::Unknown),
    }
}

/// The type of what a comprehension walks over: items of a list, keys of a map.
fn element_of(range: &Type) -> Type {
    match range {
        Type::Of(schema) => schema
            .items()
            .map_or(Type::Unknown, |items| Type::Of(items.clone())),
        Type::Metadata | Type::Unknown => Type::Unknown,
    }
}

/// The type of `range[index]`.
fn values_of(range: &Type) -> Type {
    match range {
        Type::Of(schema) => {
            let values = schema.items().or_else(|| schema.map_values());
            values.map_or(Type::Unknown, |values| Type::Of(values.clone()))
        }
        Type::Metadata | Type::Unknown => Type::Unknown,
    }
}
