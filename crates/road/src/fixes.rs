//! Putting offered fixes into texts.

use pave_diagnostic::{Diagnostic, Fix};

/// The fixes that can be made together: none overlaps another, small ones before large ones.
///
/// What is left out for now is offered again by the next check.
#[must_use]
pub fn applicable(found: &[Diagnostic]) -> Vec<&Fix> {
    let mut offered: Vec<&Fix> = found
        .iter()
        .filter_map(|diagnostic| diagnostic.fix.as_ref())
        .collect();
    offered.sort_by_key(|fix| fix.span.end.offset - fix.span.start.offset);
    let mut chosen: Vec<&Fix> = Vec::new();
    for fix in offered {
        let clashes = |other: &&Fix| {
            let (own, theirs) = (&fix.span, &other.span);
            // Two insertions at one place would depend on their order.
            let same = own.start.offset == theirs.start.offset;
            fix.file == other.file
                && (same || (own.start.offset < theirs.end.offset && theirs.start.offset < own.end.offset))
        };
        if !chosen.iter().any(clashes) {
            chosen.push(fix);
        }
    }
    chosen
}

/// Makes the fixes that can be made together; returns how many.
pub fn apply_fixes(files: &mut [(String, String)], found: &[Diagnostic]) -> usize {
    let mut chosen = applicable(found);
    chosen.sort_by_key(|fix| std::cmp::Reverse(fix.span.start.offset));
    let mut made = 0;
    for fix in chosen {
        let range = fix.span.start.offset..fix.span.end.offset;
        let text = files
            .iter_mut()
            .find(|(path, text)| *path == fix.file && text.get(range.clone()).is_some());
        if let Some((_, text)) = text {
            text.replace_range(range, &fix.replacement);
            made += 1;
        }
    }
    made
}
