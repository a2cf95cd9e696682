//! The Nunjucks-flavoured language of templates: lexer, parser and evaluator.
//!
//! The rules are those of nunjucks 3.2.4 with the delimiters of Backstage, which a recorded fixture keeps true.
//! Evaluation has no side effects outside the template and a budget, so that any text may be tried.

mod evaluate;
mod execute;
pub(crate) mod fault;
mod filters;
pub(crate) mod lexer;
mod methods;
mod number;
mod operators;
pub(crate) mod parser;
mod pattern;
mod predicates;
mod statements;
pub(crate) mod syntax;
pub(crate) mod value;

pub(crate) use evaluate::{Evaluator, Frame, Globals};
pub(crate) use execute::Output;
pub(crate) use filters::is_known as is_known_filter;
pub(crate) use filters::names as filter_names;
pub(crate) use predicates::is_known as is_known_test;
