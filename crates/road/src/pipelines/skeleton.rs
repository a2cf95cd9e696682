//! Files with placeholders of the scaffolder, made readable for those who know nothing of them.

use std::ops::Range;

/// A text whose placeholders were filled in.
pub(super) struct Filled {
    /// The text; every line and column is where it was.
    pub(super) text: String,
    /// The bytes that were placeholders.
    pub(super) places: Vec<Range<usize>>,
}

/// What stands around values, statements and remarks.
const MARKS: [(&str, &str); 3] = [("${{", "}}"), ("{%", "%}"), ("{#", "#}")];

/// Whether a text has the values of a scaffolder's step in it, unlike a pipeline with `${{ }}` of its own.
pub(super) fn has_values(text: &str) -> bool {
    let of_a_step = |inside: &str| inside.trim_start_matches(['-', ' ']).starts_with("values");
    text.contains("{%") || text.split("${{").skip(1).any(of_a_step)
}

/// Fills in every value as the same letters, as many as the placeholder has, and leaves statements out.
pub(super) fn filled(text: &str, fill: char) -> Filled {
    let mut out = String::with_capacity(text.len());
    let mut places = Vec::new();
    let mut rest = text;
    while let Some((start, open, close)) = next(rest) {
        let end = rest[start..]
            .find(close)
            .map_or(rest.len(), |end| start + end + close.len());
        let from = text.len() - rest.len() + start;
        places.push(from..from + end - start);
        out.push_str(&rest[..start]);
        let fill = if open == "${{" { fill } else { ' ' };
        // A letter outside ASCII stays: it takes as many bytes as it took.
        out.extend(rest[start..end].chars().map(|old| match old {
            '\n' | '\r' => old,
            old if old.is_ascii() => fill,
            old => old,
        }));
        rest = &rest[end..];
    }
    out.push_str(rest);
    Filled { text: out, places }
}

fn next(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let found = MARKS
        .iter()
        .filter_map(|(open, close)| Some((text.find(open)?, *open, *close)));
    found.min_by_key(|(start, ..)| *start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_stay() {
        let check = |text: &str, expected: &str| assert_eq!(filled(text, 'a').text, expected);
        check(
            "name = \"${{ values.name }}\"\nx",
            "name = \"aaaaaaaaaaaaaaaaaa\"\nx",
        );
        check(
            "{% if values.a %}\nx = 1\n{% endif %}",
            "                 \nx = 1\n           ",
        );
        check("a ${{ é", "a aaaaé");
        check("plain ${var.x}", "plain ${var.x}");
        assert_eq!(filled("a ${{ x }} b", 'a').places, [Range { start: 2, end: 10 }]);
    }

    #[test]
    fn pipelines_have_expressions_of_their_own() {
        assert!(has_values("- script: ${{ values.name }}"));
        assert!(!has_values("- ${{ if eq(parameters.a, 1) }}:"));
    }
}
