//! The syntax tree of a template, with the byte range of every part.

use std::ops::Range;
use std::rc::Rc;

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
    /// How many expressions stand within each other here, this one included.
    pub(crate) height: usize,
}

impl Expression {
    pub(crate) fn new(kind: Kind, range: Range<usize>) -> Self {
        let mut expression = Self {
            kind,
            range,
            height: 1,
        };
        let mut below = 0;
        children(&expression, &mut |child| below = below.max(child.height));
        expression.height += below;
        expression
    }
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Regex {
        pattern: String,
        flags: String,
    },
    Name(String),
    Array(Vec<Expression>),
    Object(Vec<(String, Expression)>),
    Group(Vec<Expression>),
    Member {
        object: Box<Expression>,
        key: Box<Expression>,
    },
    Slice {
        object: Box<Expression>,
        bounds: [Option<Box<Expression>>; 3],
    },
    Call {
        callee: Box<Expression>,
        arguments: Arguments,
    },
    Filter {
        name: String,
        name_range: Range<usize>,
        input: Box<Expression>,
        arguments: Arguments,
    },
    Test {
        name: String,
        name_range: Range<usize>,
        input: Box<Expression>,
        arguments: Arguments,
    },
    Not(Box<Expression>),
    Sign {
        negative: bool,
        operand: Box<Expression>,
    },
    In {
        needle: Box<Expression>,
        haystack: Box<Expression>,
    },
    Binary {
        operator: Operator,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    If {
        condition: Box<Expression>,
        body: Box<Expression>,
        otherwise: Option<Box<Expression>>,
    },
}

/// Operators with two sides, besides `in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Concat,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Equal,
    StrictEqual,
    NotEqual,
    StrictNotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

/// What stands between the parentheses of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Expression>,
    pub(crate) keywords: Vec<(String, Expression)>,
}

/// A part of a template text.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Text that is printed as it is.
    Data(String),
    /// An interpolation.
    Output(Expression),
    /// `if`, with its `elif` branches; the last one may have no condition.
    If(Vec<(Option<Expression>, Vec<Node>)>),
    /// `for`.
    For {
        targets: Vec<String>,
        iterable: Expression,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// `set` with a value.
    Set { targets: Vec<String>, value: Expression },
    /// `set` with a body.
    SetBlock { targets: Vec<String>, body: Vec<Node> },
    /// `macro`.
    Macro(Rc<MacroDefinition>),
    /// `call`.
    Call {
        call: Expression,
        body: Rc<MacroDefinition>,
    },
    /// `filter`.
    FilterBlock {
        name: String,
        name_range: Range<usize>,
        arguments: Arguments,
        body: Vec<Node>,
    },
    /// `switch`, with its cases and default.
    Switch {
        value: Expression,
        cases: Vec<(Expression, Vec<Node>)>,
        default: Vec<Node>,
    },
    /// `block`: only its body counts, as there is no inheritance here.
    Block(Vec<Node>),
}

/// A macro, or the body of a `call`.
#[derive(Debug)]
pub(crate) struct MacroDefinition {
    pub(crate) name: String,
    pub(crate) parameters: Vec<(String, Option<Expression>)>,
    pub(crate) body: Vec<Node>,
}

/// Calls `visit` for every expression, parents first.
pub(crate) fn expressions(nodes: &[Node], visit: &mut dyn FnMut(&Expression)) {
    for node in nodes {
        match node {
            Node::Data(_) => {}
            Node::Output(expression) => walk(expression, visit),
            Node::If(branches) => {
                for (condition, body) in branches {
                    if let Some(condition) = condition {
                        walk(condition, visit);
                    }
                    expressions(body, visit);
                }
            }
            Node::For {
                iterable,
                body,
                otherwise,
                ..
            } => {
                walk(iterable, visit);
                expressions(body, visit);
                expressions(otherwise, visit);
            }
            Node::Set { value, .. } => walk(value, visit),
            Node::SetBlock { body, .. } | Node::Block(body) => expressions(body, visit),
            Node::Macro(definition) => expressions(&definition.body, visit),
            Node::Call { call, body } => {
                walk(call, visit);
                expressions(&body.body, visit);
            }
            Node::FilterBlock { arguments, body, .. } => {
                walk_arguments(arguments, visit);
                expressions(body, visit);
            }
            Node::Switch {
                value,
                cases,
                default,
            } => {
                walk(value, visit);
                for (case, body) in cases {
                    walk(case, visit);
                    expressions(body, visit);
                }
                expressions(default, visit);
            }
        }
    }
}

fn walk_arguments(arguments: &Arguments, visit: &mut dyn FnMut(&Expression)) {
    argument_expressions(arguments, &mut |argument| walk(argument, visit));
}

fn walk(expression: &Expression, visit: &mut dyn FnMut(&Expression)) {
    visit(expression);
    children(expression, &mut |child| walk(child, visit));
}

fn argument_expressions(arguments: &Arguments, visit: &mut dyn FnMut(&Expression)) {
    for argument in &arguments.positional {
        visit(argument);
    }
    for (_, argument) in &arguments.keywords {
        visit(argument);
    }
}

/// Calls `visit` for the expressions right below one.
fn children(expression: &Expression, visit: &mut dyn FnMut(&Expression)) {
    match &expression.kind {
        Kind::Null
        | Kind::Bool(_)
        | Kind::Number(_)
        | Kind::String(_)
        | Kind::Regex { .. }
        | Kind::Name(_) => {}
        Kind::Array(items) | Kind::Group(items) => items.iter().for_each(visit),
        Kind::Object(entries) => entries.iter().for_each(|(_, item)| visit(item)),
        Kind::Member { object, key } => {
            visit(object);
            visit(key);
        }
        Kind::Slice { object, bounds } => {
            visit(object);
            bounds.iter().flatten().for_each(|bound| visit(bound));
        }
        Kind::Call { callee, arguments } => {
            visit(callee);
            argument_expressions(arguments, visit);
        }
        Kind::Filter { input, arguments, .. } | Kind::Test { input, arguments, .. } => {
            visit(input);
            argument_expressions(arguments, visit);
        }
        Kind::Not(operand) | Kind::Sign { operand, .. } => visit(operand),
        Kind::In { needle, haystack } => {
            visit(needle);
            visit(haystack);
        }
        Kind::Binary { left, right, .. } => {
            visit(left);
            visit(right);
        }
        Kind::If {
            condition,
            body,
            otherwise,
        } => {
            visit(condition);
            visit(body);
            if let Some(otherwise) = otherwise {
                visit(otherwise);
            }
        }
    }
}

/// Names that the text itself defines: loop variables, `set`, macros and their parameters.
pub(crate) fn locals(nodes: &[Node], names: &mut Vec<String>) {
    for node in nodes {
        match node {
            Node::Data(_) | Node::Output(_) => {}
            Node::If(branches) => branches.iter().for_each(|(_, body)| locals(body, names)),
            Node::For {
                targets,
                body,
                otherwise,
                ..
            } => {
                names.extend(targets.iter().cloned());
                names.push("loop".to_owned());
                locals(body, names);
                locals(otherwise, names);
            }
            Node::Set { targets, .. } => names.extend(targets.iter().cloned()),
            Node::SetBlock { targets, body } => {
                names.extend(targets.iter().cloned());
                locals(body, names);
            }
            Node::Block(body) | Node::FilterBlock { body, .. } => locals(body, names),
            Node::Macro(definition) => definition_locals(definition, names),
            Node::Call { body, .. } => definition_locals(body, names),
            Node::Switch { cases, default, .. } => {
                for (_, body) in cases {
                    locals(body, names);
                }
                locals(default, names);
            }
        }
    }
}

fn definition_locals(definition: &MacroDefinition, names: &mut Vec<String>) {
    names.push(definition.name.clone());
    names.push("caller".to_owned());
    names.extend(definition.parameters.iter().map(|(name, _)| name.clone()));
    locals(&definition.body, names);
}
