//! Whole files: skeletons with statements and interpolations.

use crate::expression::{Scope, to_pieces};
use crate::language::fault::Fault;
pub use crate::language::lexer::Syntax;
use crate::language::{Evaluator, Frame, Output, parser};
use crate::provenance::Piece;

/// A rendered text, with where its stretches came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderedText {
    /// The text.
    pub text: String,
    /// Stretches that came from inputs.
    pub pieces: Vec<Piece>,
}

/// Renders a text; unlike in steps, what cannot be rendered is an error.
pub fn render(source: &str, syntax: &Syntax, scope: &Scope<'_>) -> Result<RenderedText, Fault> {
    let nodes = parser::parse(source, syntax)?;
    let globals = scope.globals();
    let evaluator = Evaluator::new(&globals);
    let mut output = Output::default();
    evaluator.run(&nodes, &Frame::root(), &mut output)?;
    Ok(RenderedText {
        text: output.text,
        pieces: to_pieces(output.pieces),
    })
}
