//! Finds one field in stored JSON without taking the rest apart.

/// The text of a top-level field of an object.
///
/// Only for text as storage writes it: compact, no key twice, nothing escaped that need not be. Anything else gives
/// `None` and the caller goes by the parsed value.
pub(super) fn field<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    if object.first() != Some(&b'{') {
        return None;
    }
    let mut at = 1;
    loop {
        let colon = string_end(object, at)?;
        if object.get(colon) != Some(&b':') {
            return None;
        }
        let end = value_end(object, colon + 1)?;
        if object.get(at + 1..colon - 1) == Some(name.as_bytes()) {
            return object.get(colon + 1..end);
        }
        if object.get(end) != Some(&b',') {
            return None;
        }
        at = end + 1;
    }
}

/// The index behind the string that begins at `start`.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    loop {
        let rest = text.get(at..)?;
        at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if text.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        // The escaped character cannot end the string; more of a `\u` escape is plain text.
        at += 2;
    }
}

/// The index behind the value that begins at `start`.
fn value_end(text: &[u8], start: usize) -> Option<usize> {
    match text.get(start)? {
        b'"' => string_end(text, start),
        b'{' | b'[' => nested_end(text, start),
        b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
            let length = text
                .get(start..)?
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']'))?;
            Some(start + length)
        }
        _ => None,
    }
}

fn nested_end(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_field_of_the_outermost_object_only() {
        let check = |text: &str, expected: Option<&str>| {
            let found = field(text.as_bytes(), "metadata").map(|found| std::str::from_utf8(found).unwrap());
            assert_eq!(found, expected, "{text}");
        };
        check(r#"{"metadata":{"name":"a"}}"#, Some(r#"{"name":"a"}"#));
        check(r#"{"kind":"A","metadata":null,"spec":1}"#, Some("null"));
        check(
            r#"{"spec":{"metadata":{"name":"b"}},"x":[{"metadata":1}],"metadata":{"n":[]}}"#,
            Some(r#"{"n":[]}"#),
        );
        check(
            r#"{"a":"metadata","b":"\"metadata\":{","metadata":-1.5e9}"#,
            Some("-1.5e9"),
        );
        check(r#"{"a":"\\","metadata":"\\\""}"#, Some(r#""\\\"""#));
        check(
            r#"{"a":"}]\\\"}","metadata":{"b":"}\"{"}}"#,
            Some(r#"{"b":"}\"{"}"#),
        );
        check(r#"{"\"metadata":1,"metadata\"":2,"metadata":true}"#, Some("true"));
        check(r#"{"a":"\ud83d\ude00😀","metadata":["😀"]}"#, Some(r#"["😀"]"#));
        check(r#"{"a":1,"b":false}"#, None);
        check("{}", None);
        check("[]", None);
        check("", None);
        check(r#"{"metadata": {}}"#, None);
        check(r#"{"metadata":{"#, None);
        check(r#"{"metadata":"a\"#, None);
    }
}
