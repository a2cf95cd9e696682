//! Running rules over an object.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kube_cel::KubeCelExt as _;
use kube_cel::cel::common::ast::IdedExpr;
use kube_cel::cel::objects::OptionalValue;
use kube_cel::cel::parser::Parser;
use kube_cel::cel::{Context, Value as CelValue};
use serde_json::Value;

use super::compile::CompiledRule;
use super::convert::{convert, largest_collection};
use crate::error::FieldError;
use crate::schema::{Kind, Node};
use crate::trail::Trail;
use crate::validate::correlate;

/// Steps that one rule may take over one value, estimated before it runs.
const MAXIMUM_STEPS: u128 = 10_000_000;
/// Longest text that a `messageExpression` may produce.
const MAXIMUM_MESSAGE: usize = 5 * 1024;

thread_local! {
    /// The function libraries; building them costs more than most rules.
    static LIBRARIES: Context<'static> = libraries();
    /// `timestamp(text)` and `duration(text)`, parsed.
    static CONVERSIONS: RefCell<HashMap<&'static str, IdedExpr>> = RefCell::default();
}

/// The standard and Kubernetes libraries, and types as values, which the interpreter lacks: `type(x) == int`
/// compares names.
fn libraries() -> Context<'static> {
    let mut context = Context::default().with_all();
    context.add_function("type", |value: CelValue| Arc::new(type_name(&value).to_owned()));
    for name in [
        "int",
        "uint",
        "double",
        "bool",
        "string",
        "bytes",
        "list",
        "map",
        "null_type",
    ] {
        context.add_variable_from_value(name, CelValue::String(Arc::new(name.to_owned())));
    }
    context
}

fn type_name(value: &CelValue) -> &'static str {
    match value {
        CelValue::List(_) => "list",
        CelValue::Map(_) => "map",
        CelValue::Int(_) => "int",
        CelValue::UInt(_) => "uint",
        CelValue::Float(_) => "double",
        CelValue::String(_) => "string",
        CelValue::Bytes(_) => "bytes",
        CelValue::Bool(_) => "bool",
        CelValue::Null => "null_type",
        CelValue::Duration(_) => "google.protobuf.Duration",
        CelValue::Timestamp(_) => "google.protobuf.Timestamp",
        CelValue::Function(..) | CelValue::Opaque(_) => "dyn",
    }
}

/// Evaluates all rules at and below `node`; what is unchanged is tolerated unless its rule compares with `oldSelf`.
pub(crate) fn evaluate(
    node: &Node,
    new: &Value,
    old: Option<&Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) {
    if !node.has_rules || new.is_null() {
        return;
    }
    if !node.rules.is_empty() {
        at_node(node, new, old, trail, errors);
    }
    match new {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(schema) = node.child(name) {
                    let old = old.and_then(|old| old.get(name));
                    evaluate(schema.node(), value, old, &trail.field(name), errors);
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = node.items.as_ref().filter(|schema| schema.node().has_rules) else {
                return;
            };
            let old_items = old.and_then(Value::as_array).map(Vec::as_slice);
            for (index, item) in items.iter().enumerate() {
                let old = old_items.and_then(|old| correlate(node, item, old));
                evaluate(schema.node(), item, old, &trail.index(index), errors);
            }
        }
        _ => {}
    }
}

fn at_node(node: &Node, new: &Value, old: Option<&Value>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) {
    let unchanged = old == Some(new);
    let runs = |rule: &CompiledRule| {
        if rule.uses_old {
            old.is_some() || rule.optional_old
        } else {
            !unchanged
        }
    };
    if !node.rules.iter().any(&runs) {
        return;
    }
    let this = convert(Some(node), new);
    let before = old
        .filter(|old| !old.is_null())
        .map(|old| convert(Some(node), old));
    let size = largest_collection(new).max(old.map_or(0, largest_collection));
    for rule in node.rules.iter().filter(|rule| runs(rule)) {
        let outcome = run(rule, &this, before.as_ref(), size);
        if let Some(detail) = outcome {
            errors.push(refusal(rule, node, trail, &detail));
        }
    }
}

fn refusal(rule: &CompiledRule, node: &Node, trail: &Trail<'_>, detail: &str) -> FieldError {
    let path = match &rule.field_path {
        Some(path) if !path.is_empty() => {
            let at = trail.to_string();
            if at.is_empty() || path.starts_with('[') {
                format!("{at}{path}")
            } else {
                format!("{at}.{path}")
            }
        }
        _ => trail.to_string(),
    };
    // Upstream shows the type in place of the value.
    let shown = if node.int_or_string {
        "int-or-string"
    } else {
        node.kind.map_or("object", Kind::name)
    };
    FieldError::new(path, rule.reason, detail).with_value(shown)
}

/// `None` when the rule holds, else what to tell.
fn run(rule: &CompiledRule, this: &CelValue, before: Option<&CelValue>, size: usize) -> Option<String> {
    let program = match &rule.program {
        Ok(program) => program,
        Err(error) => return Some(format!("rule compile error: {error}")),
    };
    let steps = (size.max(1) as u128)
        .checked_pow(rule.nesting)
        .unwrap_or(u128::MAX);
    if rule.nesting > 0 && steps > MAXIMUM_STEPS {
        return Some(format!(
            "validation failed due to running out of cost budget, no further validation rules will be run: {}",
            rule.rule
        ));
    }
    match execute(program, rule, this, before) {
        Ok(CelValue::Bool(true)) => None,
        Ok(CelValue::Bool(false)) => Some(message(rule, this, before)),
        Ok(other) => Some(format!(
            "rule must evaluate to a bool, but is {}: {}",
            other.type_of(),
            rule.rule
        )),
        Err(error) => Some(format!("{error} evaluating rule: {}", rule.rule)),
    }
}

fn execute(
    program: &Arc<IdedExpr>,
    rule: &CompiledRule,
    this: &CelValue,
    before: Option<&CelValue>,
) -> Result<CelValue, String> {
    let run = || {
        LIBRARIES.with(|libraries| {
            let mut scope = libraries.new_inner_scope();
            scope.add_variable_from_value("self", this.clone());
            match (rule.optional_old, before) {
                (true, before) => {
                    let optional =
                        before.map_or_else(OptionalValue::none, |old| OptionalValue::of(old.clone()));
                    scope.add_variable_from_value("oldSelf", CelValue::Opaque(Arc::new(optional)));
                }
                (false, Some(before)) => scope.add_variable_from_value("oldSelf", before.clone()),
                (false, None) => {}
            }
            scope.resolve(program).map_err(|error| error.to_string())
        })
    };
    // A defect in the interpreter refuses the object instead of taking the server down.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("internal error".to_owned()))
}

/// What the author wants to be told; a message expression that fails falls back on the fixed message.
fn message(rule: &CompiledRule, this: &CelValue, before: Option<&CelValue>) -> String {
    if let Some(Ok(program)) = &rule.message_program
        && let Ok(CelValue::String(text)) = execute(program, rule, this, before)
    {
        let text = text.trim();
        if !text.is_empty() && text.len() <= MAXIMUM_MESSAGE && !text.contains('\n') {
            return text.to_owned();
        }
    }
    rule.message
        .clone()
        .unwrap_or_else(|| format!("failed rule: {}", rule.rule))
}

/// The typed value of a text, by the CEL function of that type.
pub(super) fn call_on_text(function: &'static str, text: &str) -> Option<CelValue> {
    CONVERSIONS.with_borrow_mut(|parsed| {
        let expression = match parsed.entry(function) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Parser::default().parse(&format!("{function}(text)")).ok()?),
        };
        LIBRARIES.with(|libraries| {
            let mut scope = libraries.new_inner_scope();
            scope.add_variable_from_value("text", CelValue::String(Arc::new(text.to_owned())));
            scope.resolve(expression).ok()
        })
    })
}
