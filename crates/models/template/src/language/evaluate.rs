//! Expressions become values.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::fault::{BUDGET, Fault, UNKNOWN_FILTER, WRONG_VALUE};
use super::syntax::{Arguments, Expression, Kind, Operator};
use super::value::{Data, Function, Traced};
use super::{filters, methods, operators, predicates};

/// Steps (expressions, iterations) that one text may take.
const STEP_BUDGET: usize = 500_000;
/// Bytes that one text may grow to.
const SIZE_BUDGET: usize = 16 << 20;
/// Expressions and statements that may stand within each other while they are evaluated, macros included.
const DEPTH_BUDGET: usize = 70;

/// What a text sees: its inputs, and whether an earlier step failed (where `failure()` may be asked).
pub(crate) struct Globals {
    pub(crate) names: HashMap<String, Traced>,
    pub(crate) failed: Option<bool>,
}

/// Variables of a loop, macro or text.
#[derive(Clone, Debug)]
pub(crate) struct Frame(Rc<Scope>);

#[derive(Debug)]
struct Scope {
    variables: RefCell<Vec<(String, Traced)>>,
    parent: Option<Frame>,
}

impl Frame {
    pub(crate) fn root() -> Self {
        Self(Rc::new(Scope {
            variables: RefCell::default(),
            parent: None,
        }))
    }

    pub(crate) fn child(&self) -> Self {
        Self(Rc::new(Scope {
            variables: RefCell::default(),
            parent: Some(self.clone()),
        }))
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.parent.is_none()
    }

    fn get(&self, name: &str) -> Option<Traced> {
        let own = self
            .0
            .variables
            .borrow()
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone());
        own.or_else(|| self.0.parent.as_ref().and_then(|parent| parent.get(name)))
    }

    /// Sets a variable in this frame.
    pub(crate) fn define(&self, name: &str, value: Traced) {
        let mut variables = self.0.variables.borrow_mut();
        match variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = value,
            None => variables.push((name.to_owned(), value)),
        }
    }

    /// Sets a variable where it is already known, else here.
    pub(crate) fn assign(&self, name: &str, value: Traced) {
        let mut frame = Some(self);
        while let Some(current) = frame {
            if current
                .0
                .variables
                .borrow()
                .iter()
                .any(|(known, _)| known == name)
            {
                return current.define(name, value);
            }
            frame = current.0.parent.as_ref();
        }
        self.define(name, value);
    }
}

/// Evaluated arguments of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) positional: Vec<Traced>,
    pub(crate) keywords: Vec<(String, Traced)>,
}

impl Call {
    /// An argument by position or name; undefined when it is not given.
    pub(crate) fn get(&self, index: usize, name: &str) -> Traced {
        let keyword = || {
            self.keywords
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        };
        self.positional
            .get(index)
            .cloned()
            .or_else(keyword)
            .unwrap_or_else(Traced::undefined)
    }

    pub(crate) fn at(&self, index: usize) -> Traced {
        self.get(index, "")
    }
}

pub(crate) struct Evaluator<'a> {
    pub(crate) globals: &'a Globals,
    /// Variables set at the top of the text: macros see them too.
    pub(crate) top: RefCell<HashMap<String, Traced>>,
    steps: Cell<usize>,
    size: Cell<usize>,
    depth: Cell<usize>,
}

type Evaluated = Result<Traced, Fault>;

impl<'a> Evaluator<'a> {
    pub(crate) fn new(globals: &'a Globals) -> Self {
        Self {
            globals,
            top: RefCell::default(),
            steps: Cell::new(0),
            size: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    pub(crate) fn spend(&self, at: &std::ops::Range<usize>) -> Result<(), Fault> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEP_BUDGET {
            return Err(Fault::new(
                BUDGET,
                "the template takes too many steps",
                at.clone(),
            ));
        }
        Ok(())
    }

    pub(crate) fn grow(&self, bytes: usize, at: &std::ops::Range<usize>) -> Result<(), Fault> {
        self.size.set(self.size.get() + bytes);
        if self.size.get() > SIZE_BUDGET {
            return Err(Fault::new(
                BUDGET,
                "the template's output grows too large",
                at.clone(),
            ));
        }
        Ok(())
    }

    fn lookup(&self, name: &str, frame: &Frame) -> Traced {
        if let Some(value) = frame.get(name) {
            return value;
        }
        if let Some(value) = self.top.borrow().get(name) {
            return value.clone();
        }
        if let Some(value) = self.globals.names.get(name) {
            return value.clone();
        }
        let function = match name {
            "range" => "range",
            "cycler" => "cycler",
            "joiner" => "joiner",
            "always" if self.globals.failed.is_some() => "always",
            "failure" if self.globals.failed.is_some() => "failure",
            _ => return Traced::undefined(),
        };
        Data::Function(Rc::new(Function::Global(function))).into()
    }

    pub(crate) fn evaluate(&self, expression: &Expression, frame: &Frame) -> Evaluated {
        self.spend(&expression.range)?;
        self.nested(&expression.range, || self.value(expression, frame))
    }

    /// Each arm is one call, so that the frame stays small: this function is what recursion is made of.
    fn value(&self, expression: &Expression, frame: &Frame) -> Evaluated {
        match &expression.kind {
            Kind::Null => Ok(Data::Null.into()),
            Kind::Bool(value) => Ok((*value).into()),
            Kind::Number(number) => Ok((*number).into()),
            Kind::String(text) => Ok(text.as_str().into()),
            Kind::Regex { pattern, flags } => Ok(regex(pattern, flags)),
            Kind::Name(name) => Ok(self.lookup(name, frame)),
            Kind::Array(items) => self.all(items, frame).map(Traced::from),
            Kind::Object(entries) => self.object(entries, frame),
            Kind::Group(items) => self.group(items, frame),
            Kind::Member { object, key } => self.member(object, key, frame),
            Kind::Slice { object, bounds } => self.slice(object, bounds, frame),
            Kind::Call { callee, arguments } => self.call(callee, arguments, frame),
            Kind::Filter {
                name,
                name_range,
                input,
                arguments,
            } => self.filtered((name, name_range), input, arguments, frame),
            Kind::Test {
                name,
                name_range,
                input,
                arguments,
            } => self.tested((name, name_range), input, arguments, frame),
            Kind::Not(operand) => self.negated(operand, frame),
            Kind::Sign { negative, operand } => self.signed(*negative, operand, frame),
            Kind::In { needle, haystack } => self.contains(needle, haystack, frame),
            Kind::Binary {
                operator,
                left,
                right,
            } => self.binary(*operator, left, right, frame),
            Kind::If {
                condition,
                body,
                otherwise,
            } => self.inline_if(condition, body, otherwise.as_deref(), frame),
        }
    }

    fn group(&self, items: &[Expression], frame: &Frame) -> Evaluated {
        Ok(self.all(items, frame)?.pop().unwrap_or_else(Traced::undefined))
    }

    fn member(&self, object: &Expression, key: &Expression, frame: &Frame) -> Evaluated {
        let object = self.evaluate(object, frame)?;
        let key = self.evaluate(key, frame)?;
        Ok(member(&object, &key))
    }

    fn filtered(
        &self,
        (name, name_range): (&str, &std::ops::Range<usize>),
        input: &Expression,
        arguments: &Arguments,
        frame: &Frame,
    ) -> Evaluated {
        let input = self.evaluate(input, frame)?;
        let call = self.arguments(arguments, frame)?;
        self.filter(name, name_range, &input, &call)
    }

    fn tested(
        &self,
        (name, name_range): (&str, &std::ops::Range<usize>),
        input: &Expression,
        arguments: &Arguments,
        frame: &Frame,
    ) -> Evaluated {
        let input = self.evaluate(input, frame)?;
        let call = self.arguments(arguments, frame)?;
        predicates::test(name, &input, &call.positional)
            .map(Traced::from)
            .ok_or_else(|| unknown("test", name, name_range, predicates::NAMES))
    }

    fn negated(&self, operand: &Expression, frame: &Frame) -> Evaluated {
        Ok((!self.evaluate(operand, frame)?.is_truthy()).into())
    }

    fn signed(&self, negative: bool, operand: &Expression, frame: &Frame) -> Evaluated {
        let operand = self.evaluate(operand, frame)?;
        let number = operand.to_number();
        Ok(Traced::from(if negative { -number } else { number }).made_of(&[&operand]))
    }

    fn inline_if(
        &self,
        condition: &Expression,
        body: &Expression,
        otherwise: Option<&Expression>,
        frame: &Frame,
    ) -> Evaluated {
        match (self.evaluate(condition, frame)?.is_truthy(), otherwise) {
            (true, _) => self.evaluate(body, frame),
            (false, Some(otherwise)) => self.evaluate(otherwise, frame),
            (false, None) => Ok("".into()),
        }
    }

    fn all(&self, items: &[Expression], frame: &Frame) -> Result<Vec<Traced>, Fault> {
        items.iter().map(|item| self.evaluate(item, frame)).collect()
    }

    fn object(&self, entries: &[(String, Expression)], frame: &Frame) -> Evaluated {
        let mut object: Vec<(Rc<str>, Traced)> = Vec::new();
        for (key, value) in entries {
            let value = self.evaluate(value, frame)?;
            match object.iter_mut().find(|(known, _)| **known == **key) {
                Some((_, slot)) => *slot = value,
                None => object.push((Rc::from(key.as_str()), value)),
            }
        }
        Ok(Traced::object(object))
    }

    fn contains(&self, needle: &Expression, haystack: &Expression, frame: &Frame) -> Evaluated {
        let needle_value = self.evaluate(needle, frame)?;
        let haystack_value = self.evaluate(haystack, frame)?;
        operators::contains(&needle_value, &haystack_value)
            .map(Traced::from)
            .ok_or_else(|| {
                Fault::new(
                    WRONG_VALUE,
                    format!(
                        "`in` looks into lists, maps and strings, but this is {}",
                        haystack_value.type_word()
                    ),
                    haystack.range.clone(),
                )
            })
    }

    fn binary(&self, operator: Operator, left: &Expression, right: &Expression, frame: &Frame) -> Evaluated {
        let range = left.range.start..right.range.end;
        let left = self.evaluate(left, frame)?;
        match (operator, left.is_truthy()) {
            (Operator::Or, true) | (Operator::And, false) => return Ok(left),
            (Operator::Or | Operator::And, _) => return self.evaluate(right, frame),
            _ => {}
        }
        let right = self.evaluate(right, frame)?;
        let result = operators::binary(operator, &left, &right);
        if let Data::String(text) = &result.data {
            self.grow(text.len(), &range)?;
        }
        Ok(result)
    }

    fn slice(&self, object: &Expression, bounds: &[Option<Box<Expression>>; 3], frame: &Frame) -> Evaluated {
        let object = self.evaluate(object, frame)?;
        let mut numbers = [None; 3];
        for (slot, bound) in numbers.iter_mut().zip(bounds) {
            if let Some(bound) = bound {
                *slot = self.evaluate(bound, frame)?.to_integer();
            }
        }
        Ok(operators::slice(&object, numbers))
    }

    pub(crate) fn arguments(&self, arguments: &Arguments, frame: &Frame) -> Result<Call, Fault> {
        let mut keywords = Vec::new();
        for (name, value) in &arguments.keywords {
            keywords.push((name.clone(), self.evaluate(value, frame)?));
        }
        Ok(Call {
            positional: self.all(&arguments.positional, frame)?,
            keywords,
        })
    }

    pub(crate) fn filter(
        &self,
        name: &str,
        name_range: &std::ops::Range<usize>,
        input: &Traced,
        call: &Call,
    ) -> Evaluated {
        match filters::apply(name, input, call) {
            None => Err(unknown("filter", name, name_range, filters::names())),
            Some(Err(message)) => Err(Fault::new(
                WRONG_VALUE,
                format!("filter `{name}`: {message}"),
                name_range.clone(),
            )),
            Some(Ok(value)) => {
                if let Data::String(text) = &value.data {
                    self.grow(text.len(), name_range)?;
                }
                Ok(value)
            }
        }
    }

    fn call(&self, callee: &Expression, arguments: &Arguments, frame: &Frame) -> Evaluated {
        let function = self.evaluate(callee, frame)?;
        let call = self.arguments(arguments, frame)?;
        let words = describe(callee);
        match &function.data {
            Data::Function(function) => self.invoke(function, &call, &callee.range),
            _ if !function.is_truthy() => Err(Fault::new(
                WRONG_VALUE,
                format!("cannot call `{words}`, which is undefined or empty"),
                callee.range.clone(),
            )),
            _ => Err(Fault::new(
                WRONG_VALUE,
                format!("cannot call `{words}`, which is {}", function.type_word()),
                callee.range.clone(),
            )),
        }
    }

    fn invoke(&self, function: &Function, call: &Call, range: &std::ops::Range<usize>) -> Evaluated {
        match function {
            Function::Method { receiver, name } => {
                let result = methods::call(receiver, name, &call.positional).map_err(|message| {
                    Fault::new(WRONG_VALUE, format!("`{name}`: {message}"), range.clone())
                })?;
                if let Data::String(text) = &result.data {
                    self.grow(text.len(), range)?;
                }
                Ok(result)
            }
            Function::Global(name) => self.global(name, call, range),
            Function::Macro(definition) => self.expand(definition, &Frame::root(), call),

            Function::Caller { body, frame } => self.expand(body, &frame.child(), call),

            Function::Cycler { items, position } => {
                let next = position.borrow().map_or(0, |at| (at + 1) % items.len().max(1));
                *position.borrow_mut() = Some(next);
                Ok(items.get(next).cloned().unwrap_or_else(Traced::undefined))
            }
            Function::Joiner { separator, called } => Ok(if called.replace(true) {
                separator.clone()
            } else {
                "".into()
            }),
        }
    }

    /// Runs work one level deeper, within the budget that keeps the stack whole.
    pub(crate) fn nested<T>(
        &self,
        range: &std::ops::Range<usize>,
        work: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth.get() > DEPTH_BUDGET {
            return Err(Fault::new(
                BUDGET,
                "this is nested too deeply, or a macro calls itself",
                range.clone(),
            ));
        }
        self.depth.set(self.depth.get() + 1);
        let result = work();
        self.depth.set(self.depth.get() - 1);
        result
    }

    fn global(&self, name: &str, call: &Call, range: &std::ops::Range<usize>) -> Evaluated {
        Ok(match name {
            "range" => {
                let numbers = operators::range(&call.positional)
                    .ok_or_else(|| Fault::new(BUDGET, "the range is too long", range.clone()))?;
                numbers.into_iter().map(Traced::from).collect::<Vec<_>>().into()
            }
            "always" => true.into(),
            "failure" => self.globals.failed.unwrap_or(false).into(),
            "cycler" => {
                let cycler = Function::Cycler {
                    items: call.positional.clone(),
                    position: RefCell::new(None),
                };
                let entries = vec![(Rc::from("next"), Data::Function(Rc::new(cycler)).into())];
                Traced::object(entries)
            }
            _ => {
                let separator = call.at(0);
                let separator = if separator.is_truthy() {
                    separator
                } else {
                    ",".into()
                };
                Data::Function(Rc::new(Function::Joiner {
                    separator,
                    called: RefCell::new(false),
                }))
                .into()
            }
        })
    }
}

fn regex(pattern: &str, flags: &str) -> Traced {
    Data::Regex(Rc::new((pattern.to_owned(), flags.to_owned()))).into()
}

/// `object[key]`: data first, then a method of the type; undefined where there is neither.
fn member(object: &Traced, key: &Traced) -> Traced {
    let name = key.to_text();
    if let Some(value) = object.property(&name) {
        return value;
    }
    if methods::exists(object, &name) {
        let receiver = object.clone();
        return Data::Function(Rc::new(Function::Method { receiver, name })).into();
    }
    Traced::undefined()
}

/// A callee as a person would write it.
fn describe(expression: &Expression) -> String {
    match &expression.kind {
        Kind::Name(name) => name.clone(),
        Kind::Member { object, key } => match &key.kind {
            Kind::String(name) => crate::provenance::join(&describe(object), name),
            _ => format!("{}[…]", describe(object)),
        },
        _ => "(…)".to_owned(),
    }
}

fn unknown<'n>(
    what: &str,
    name: &str,
    range: &std::ops::Range<usize>,
    known: impl IntoIterator<Item = &'n str>,
) -> Fault {
    let fault = Fault::new(
        UNKNOWN_FILTER,
        format!("there is no {what} `{name}`"),
        range.clone(),
    );
    match pave_diagnostic::nearest(name, known) {
        Some(nearest) => fault.with_help(format!("did you mean `{nearest}`?")),
        None => fault,
    }
}
