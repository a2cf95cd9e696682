//! From text to [`CompiledRule`].

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kube_cel::cel::common::ast::{EntryExpr, Expr, IdedExpr};
use kube_cel::cel::parser::Parser;
use serde_json::{Map, Value};

use crate::error::{FieldError, FieldErrorReason};
use crate::trail::Trail;

/// Brackets deeper than this are refused: the parser recurses.
const MAXIMUM_NESTING: usize = 50;
const MAXIMUM_LENGTH: usize = 64 * 1024;

/// A rule of `x-kubernetes-validations`, compiled.
#[derive(Clone)]
pub struct CompiledRule {
    pub(super) rule: String,
    pub(super) message: Option<String>,
    pub(super) reason: FieldErrorReason,
    pub(super) field_path: Option<String>,
    pub(super) uses_old: bool,
    pub(super) optional_old: bool,
    /// How many comprehensions stand inside each other.
    pub(super) nesting: u32,
    pub(super) program: Result<Arc<IdedExpr>, RuleError>,
    pub(super) message_program: Option<Result<Arc<IdedExpr>, RuleError>>,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The expression is not CEL.
    #[error("compilation failed: {0}")]
    Compile(String),
    /// The expression is too long or too deep.
    #[error("compilation failed: the expression is too {0}")]
    Size(&'static str),
    /// The expression names something that does not exist here.
    #[error("compilation failed: undeclared reference to '{0}'")]
    Undeclared(String),
}

impl fmt::Debug for CompiledRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CompiledRule")
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

/// Compiles the rules of one node; what does not compile is reported and refuses every value.
pub(crate) fn compile_rules(
    rules: &Value,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) -> Vec<CompiledRule> {
    let mut compiled = Vec::new();
    for (index, rule) in rules.as_array().into_iter().flatten().enumerate() {
        let trail = trail.index(index);
        let Some(fields) = rule.as_object() else {
            errors.push(FieldError::invalid(
                trail.to_string(),
                rule.clone(),
                "must be an object with a rule",
            ));
            continue;
        };
        compiled.push(compile_rule(fields, &trail, errors));
    }
    compiled
}

fn compile_rule(
    fields: &Map<String, Value>,
    trail: &Trail<'_>,
    errors: &mut Vec<FieldError>,
) -> CompiledRule {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let rule = text("rule").unwrap_or_default().trim().to_owned();
    if rule.is_empty() {
        errors.push(FieldError::required(
            trail.field("rule").to_string(),
            "rule is not specified",
        ));
    }
    let program = compile(&rule);
    if let Err(error) = program.as_ref().map_err(ToString::to_string)
        && !rule.is_empty()
    {
        errors.push(FieldError::invalid(
            trail.field("rule").to_string(),
            rule.as_str(),
            error,
        ));
    }
    let message_program = text("messageExpression").map(compile);
    if let Some(Err(error)) = &message_program {
        let path = trail.field("messageExpression").to_string();
        errors.push(FieldError::invalid(
            path,
            text("messageExpression").unwrap_or_default(),
            error.to_string(),
        ));
    }
    let expression = program.as_deref().ok();
    CompiledRule {
        message: text("message")
            .map(|message| message.trim().to_owned())
            .filter(|message| !message.is_empty()),
        reason: reason(text("reason"), trail, errors),
        field_path: text("fieldPath").map(|path| path.trim_start_matches('.').to_owned()),
        uses_old: expression.is_some_and(|expression| expression.references().has_variable("oldSelf")),
        optional_old: fields
            .get("optionalOldSelf")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        nesting: expression.map_or(0, |expression| nesting(&expression.expr)),
        rule,
        program,
        message_program,
    }
}

fn reason(text: Option<&str>, trail: &Trail<'_>, errors: &mut Vec<FieldError>) -> FieldErrorReason {
    match text {
        None | Some("" | "FieldValueInvalid") => FieldErrorReason::Invalid,
        Some("FieldValueForbidden") => FieldErrorReason::Forbidden,
        Some("FieldValueRequired") => FieldErrorReason::Required,
        Some("FieldValueDuplicate") => FieldErrorReason::Duplicate,
        Some(other) => {
            let known = [
                "FieldValueInvalid",
                "FieldValueForbidden",
                "FieldValueRequired",
                "FieldValueDuplicate",
            ];
            let known: Vec<Value> = known.into_iter().map(Value::from).collect();
            errors.push(FieldError::not_supported(
                trail.field("reason").to_string(),
                other,
                &known,
            ));
            FieldErrorReason::Invalid
        }
    }
}

/// Parses an expression and checks the variables it names.
pub(super) fn compile(source: &str) -> Result<Arc<IdedExpr>, RuleError> {
    if source.len() > MAXIMUM_LENGTH {
        return Err(RuleError::Size("long"));
    }
    if bracket_depth(source) > MAXIMUM_NESTING {
        return Err(RuleError::Size("deep"));
    }
    // The generated parser has panicked on malformed input before; a rule must not take the server down.
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        Parser::default().enable_optional_syntax(true).parse(source)
    }));
    let expression = match parsed {
        Ok(Ok(expression)) => expression,
        Ok(Err(error)) => return Err(RuleError::Compile(error.to_string().trim().to_owned())),
        Err(_) => return Err(RuleError::Compile("the expression cannot be parsed".to_owned())),
    };
    Ok(Arc::new(expression))
}

fn bracket_depth(source: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for character in source.chars() {
        match character {
            // Prefix operators recurse as brackets do.
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The parts of an expression.
pub(super) fn parts(expression: &Expr) -> Vec<&IdedExpr> {
    match expression {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|entry| entry_parts(&entry.expr))
            .collect(),
        Expr::Struct(literal) => literal
            .entries
            .iter()
            .flat_map(|entry| entry_parts(&entry.expr))
            .collect(),
        Expr::Comprehension(over) => {
            vec![
                &over.iter_range,
                &over.accu_init,
                &over.loop_cond,
                &over.loop_step,
                &over.result,
            ]
        }
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

fn nesting(expression: &Expr) -> u32 {
    let below = parts(expression)
        .into_iter()
        .map(|part| nesting(&part.expr))
        .max()
        .unwrap_or(0);
    below + u32::from(matches!(expression, Expr::Comprehension(_)))
}
