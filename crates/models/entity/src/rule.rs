/// What the `spec` of a kind must hold.
#[derive(Clone, Copy, Debug)]
pub struct SpecRule {
    /// Kind, as upstream writes it.
    pub kind: &'static str,
    /// Text fields that must be there and not be empty.
    pub texts: &'static [&'static str],
    /// Lists that must be there; they may be empty.
    pub lists: &'static [&'static str],
}

/// The kinds that are recognised, with what each must hold.
pub const SPEC_RULES: &[SpecRule] = &[
    SpecRule {
        kind: "Component",
        texts: &["type", "lifecycle", "owner"],
        lists: &[],
    },
    SpecRule {
        kind: "API",
        texts: &["type", "lifecycle", "owner", "definition"],
        lists: &[],
    },
    SpecRule {
        kind: "Resource",
        texts: &["type", "owner"],
        lists: &[],
    },
    SpecRule {
        kind: "System",
        texts: &["owner"],
        lists: &[],
    },
    SpecRule {
        kind: "Domain",
        texts: &["owner"],
        lists: &[],
    },
    SpecRule {
        kind: "Group",
        texts: &["type"],
        lists: &["children"],
    },
    SpecRule {
        kind: "User",
        texts: &[],
        lists: &["memberOf"],
    },
    SpecRule {
        kind: "Location",
        texts: &[],
        lists: &[],
    },
    SpecRule {
        kind: "Template",
        texts: &["type"],
        lists: &["steps"],
    },
    SpecRule {
        kind: "AiResource",
        texts: &["type", "lifecycle", "owner"],
        lists: &[],
    },
];

/// Whether a text may be the name of an entity: 1 to 63 letters, digits, `-`, `_`, `.`, not at either end a sign.
pub(crate) fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| inner(*byte))
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a text may be a namespace: 1 to 63 lower-case letters and digits, in groups joined by dashes.
pub(crate) fn is_namespace(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a text may be a kind: a letter, then letters and digits, 63 at most.
pub(crate) fn is_kind(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
}

/// Whether a text may be a tag.
pub(crate) fn is_tag(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b':' | b'+' | b'#');
    (1..=63).contains(&text.len())
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(allowed))
}

/// Whether a text may be the key of a label or annotation: an optional DNS prefix and a name.
pub(crate) fn is_key(text: &str) -> bool {
    match text.split_once('/') {
        None => is_name(text),
        Some((prefix, name)) => is_name(name) && prefix.len() <= 253 && prefix.split('.').all(is_dns_label),
    }
}

fn is_dns_label(text: &str) -> bool {
    is_namespace(&text.to_ascii_lowercase())
}
