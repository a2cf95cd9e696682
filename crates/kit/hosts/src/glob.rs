//! `*`, `?` and `**` in the path of a URL.

/// Whether a path asks for more than one file.
pub(crate) fn is_glob(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// The folder above the first part with a wildcard.
pub(crate) fn base(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('/').take_while(|part| !is_glob(part)).collect();
    parts.join("/")
}

/// Whether a path matches: `*` and `?` stay within a part, `**` stands for any number of parts.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    matches_parts(&pattern, &path)
}

fn matches_parts(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), None) => matches_parts(rest, path),
        (Some((&"**", rest)), Some((_, below))) => matches_parts(rest, path) || matches_parts(pattern, below),
        (Some((part, rest)), Some((name, below))) => {
            let part: Vec<char> = part.chars().collect();
            let name: Vec<char> = name.chars().collect();
            matches_part(&part, &name) && matches_parts(rest, below)
        }
        _ => false,
    }
}

fn matches_part(pattern: &[char], name: &[char]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), None) => matches_part(rest, name),
        (Some(('*', rest)), Some((_, tail))) => matches_part(rest, name) || matches_part(pattern, tail),
        (Some(('?', rest)), Some((_, tail))) => matches_part(rest, tail),
        (Some((one, rest)), Some((other, tail))) => one == other && matches_part(rest, tail),
        _ => false,
    }
}
