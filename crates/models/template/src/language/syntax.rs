//! The syntax tree of a template, with the byte range of every part.

use std::ops::Range;
use std::rc::Rc;

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Regex { pattern: String, flags: String },
    Name(String),
    Array(Vec<Expression>),
    Object(Vec<(String, Expression)>),
    Group(Vec<Expression>),
    Member { object: Box<Expression>, key: Box<Expression> },
    Slice { object: Box<Expression>, bounds: [Option<Box<Expression>>; 3] },
    Call { callee: Box<Expression>, arguments: Arguments },
    Filter { name: String, name_range: Range<usize>, input: Box<Expression>, arguments: Arguments },
    Test { name: String, name_range: Range<usize>, input: Box<Expression>, arguments: Arguments },
    Not(Box<Expression>),
    Sign { negative: bool, operand: Box<Expression> },
    In { needle: Box<Expression>, haystack: Box<Expression> },
    Binary { operator: Operator, left: Box<Expression>, right: Box<Expression> },
    If { condition: Box<Expression>, body: Box<Expression>, otherwise: Option<Box<Expression>> },
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
    For { targets: Vec<String>, iterable: Expression, body: Vec<Node>, otherwise: Vec<Node> },
    /// `set` with a value.
    Set { targets: Vec<String>, value: Expression },
    /// `set` with a body.
    SetBlock { targets: Vec<String>, body: Vec<Node> },
    /// `macro`.
    Macro(Rc<MacroDefinition>),
    /// `call`.
    Call { call: Expression, body: Rc<MacroDefinition> },
    /// `filter`.
    FilterBlock { name: String, name_range: Range<usize>, arguments: Arguments, body: Vec<Node> },
    /// `switch`, with its cases and default.
    Switch { value: Expression, cases: Vec<(Expression, Vec<Node>)>, default: Vec<Node> },
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
