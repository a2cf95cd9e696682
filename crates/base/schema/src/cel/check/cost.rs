//! A rough estimate of what a rule may cost.
//!
//! Upstream estimates every operation; this counts the walks over lists, maps and texts, which decide. The limit has
//! slack so that no schema is refused here which a real server takes.

use kube_cel::cel::common::ast::Expr;

use super::super::compile::parts;
use super::{Scope, Type, element_of};
use crate::schema::{Additional, Kind, Node};

/// Upstream's limit for one expression.
const UPSTREAM_LIMIT: f64 = 10_000_000.0;
/// What an estimate must exceed to be refused.
pub(super) const LIMIT: f64 = UPSTREAM_LIMIT * 3.0;
/// The largest request, which bounds what has no bound of its own.
const MAXIMUM_REQUEST: f64 = 3.0 * 1024.0 * 1024.0;

/// How many items or entries a value of `node` may have.
pub(super) fn items_bound(node: &Node) -> f64 {
    let (declared, item) = match (&node.items, &node.additional) {
        (Some(items), _) => (node.checks.max_items, smallest_size(items.node())),
        (None, Additional::Schema(values)) => {
            (node.checks.max_properties, 4.0 + smallest_size(values.node()))
        }
        _ => (node.checks.max_properties.or(node.checks.max_items), 2.0),
    };
    declared.map_or(MAXIMUM_REQUEST / (item + 1.0), to_float)
}

/// The same, when the schema itself sets the bound.
pub(super) fn bounded_items(node: &Node) -> Option<f64> {
    let checks = &node.checks;
    let declared = if node.items.is_some() {
        checks.max_items
    } else {
        checks.max_properties
    };
    declared.map(to_float)
}

/// How many values of `node` fit into one request.
pub(super) fn most_instances(node: &Node) -> f64 {
    MAXIMUM_REQUEST / (smallest_size(node) + 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn to_float(count: u64) -> f64 {
    count as f64
}

/// The fewest bytes a value takes in a request.
fn smallest_size(node: &Node) -> f64 {
    match node.kind {
        Some(Kind::Integer | Kind::Number) => 1.0,
        Some(Kind::Boolean) => 4.0,
        Some(Kind::Object) => {
            let required = node.checks.required.iter();
            let of = |name: &String| {
                node.properties
                    .get(name)
                    .map_or(2.0, |schema| smallest_size(schema.node()))
            };
            2.0 + required
                .map(|name| to_float(name.len() as u64) + 4.0 + of(name))
                .sum::<f64>()
        }
        _ if !node.checks.allowed.is_empty() => {
            let shortest = node
                .checks
                .allowed
                .iter()
                .map(|value| value.to_string().len())
                .min();
            to_float(shortest.unwrap_or(2) as u64)
        }
        _ => 2.0,
    }
}

/// How long a text or how large a collection may be.
fn size_of(known: &Type) -> f64 {
    let Type::Of(schema) = known else { return 1.0 };
    let node = schema.node();
    match node.kind {
        Some(Kind::Array | Kind::Object) => items_bound(node),
        Some(Kind::String) => {
            let longest = node
                .checks
                .allowed
                .iter()
                .filter_map(|value| value.as_str())
                .map(str::len)
                .max();
            let declared = longest.map(|longest| longest as u64).or(node.checks.max_length);
            declared.map_or(MAXIMUM_REQUEST, to_float)
        }
        _ => 1.0,
    }
}

/// The estimated steps of one evaluation.
pub(super) fn estimate(scope: &mut Scope, expression: &Expr) -> f64 {
    match expression {
        Expr::Comprehension(over) => {
            let range = scope.type_of(&over.iter_range.expr).unwrap_or(Type::Unknown);
            let times = if matches!(range, Type::Of(_)) {
                size_of(&range)
            } else {
                1.0
            };
            let outside = estimate(scope, &over.iter_range.expr);
            let outer = scope.variables.clone();
            scope.variables.insert(over.iter_var.clone(), element_of(&range));
            scope.variables.insert(over.accu_var.clone(), Type::Unknown);
            let inside = estimate(scope, &over.loop_step.expr) + estimate(scope, &over.loop_cond.expr);
            scope.variables = outer;
            outside + times * inside
        }
        Expr::Call(call) => {
            let below: f64 = parts(expression)
                .into_iter()
                .map(|part| estimate(scope, &part.expr))
                .sum();
            let mut size = |part: &Expr| size_of(&scope.type_of(part).unwrap_or(Type::Unknown));
            let own = match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
                ("@in" | "in" | "_in_", _, [_, list]) => size(&list.expr),
                (
                    "matches" | "contains" | "startsWith" | "endsWith" | "split" | "replace" | "find"
                    | "findAll",
                    Some(text),
                    _,
                ) => size(&text.expr) * 0.1,
                _ => 1.0,
            };
            below + own
        }
        Expr::Select(select) => 1.0 + estimate(scope, &select.operand.expr),
        Expr::Ident(_) | Expr::Literal(_) => 1.0,
        other => parts(other)
            .into_iter()
            .map(|part| estimate(scope, &part.expr))
            .sum(),
    }
}

/// The words for a rule that is too expensive.
pub(super) fn exceeded(estimate: f64) -> String {
    let factor = estimate / UPSTREAM_LIMIT;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "estimated rule cost exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, \
         maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
}
