//! Which versions of a tool an input asks for, as `versionSpec` writes it.

/// Whether a version fits a spec: `3.x`, `18`, `>=18 <21`, `^18.2.0`, `~3.11`, `16.x || 18.x`, `*`. A leading `v` counts
/// for nothing.
#[must_use]
pub fn version_fits(spec: &str, version: &str) -> bool {
    let Some(version) = numbers(version) else {
        return false;
    };
    spec.split("||").any(|all| {
        let joined = joined(all);
        let mut parts = joined.split_whitespace().peekable();
        parts.peek().is_none() || parts.all(|part| fits(part, version))
    })
}

/// `>= 18` is `>=18`.
fn joined(text: &str) -> String {
    let mut out = text.to_owned();
    for sign in [">=", "<=", ">", "<", "=", "^", "~"] {
        while out.contains(&format!("{sign} ")) {
            out = out.replace(&format!("{sign} "), sign);
        }
    }
    out
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut out = [0; 3];
    let plain = version.trim().trim_start_matches(['v', 'V']);
    let plain = plain.split(['-', '+']).next()?;
    for (place, part) in out.iter_mut().zip(plain.split('.')) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        *place = digits.parse().ok()?;
    }
    Some(out)
}

/// What is given of a version, up to the first `x` or `*`.
fn given(text: &str) -> Option<Vec<u64>> {
    let plain = text.trim_start_matches(['v', 'V']);
    let plain = plain.split(['-', '+']).next()?;
    let mut out = Vec::new();
    for part in plain.split('.') {
        if matches!(part, "x" | "X" | "*" | "") {
            break;
        }
        out.push(part.parse().ok()?);
    }
    Some(out)
}

fn fits(part: &str, version: [u64; 3]) -> bool {
    let signs = [">=", "<=", ">", "<", "^", "~", "="];
    let sign = signs
        .into_iter()
        .find(|sign| part.starts_with(sign))
        .unwrap_or("");
    let Some(wanted) = given(&part[sign.len()..]) else {
        return false;
    };
    let mut full = [0; 3];
    for (place, number) in full.iter_mut().zip(&wanted) {
        *place = *number;
    }
    let same = |count: usize| version.iter().zip(&wanted).take(count).all(|(a, b)| a == b);
    match sign {
        ">=" => version >= full,
        // `>18` begins with 19, as `<=18` ends with it.
        ">" => version > full && !same(wanted.len()),
        "<" => version < full,
        "<=" => version <= full || same(wanted.len()),
        // Up to the first number that is not zero.
        "^" => {
            let fixed = wanted
                .iter()
                .position(|number| *number != 0)
                .map_or(wanted.len(), |at| at + 1);
            version >= full && same(fixed)
        }
        "~" => version >= full && same(wanted.len().min(2)),
        _ => same(wanted.len()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn specs_name_versions() {
        let cases = [
            ("3.x", "3.12.1", true),
            ("3.x", "2.7.18", false),
            ("3.11", "3.11.4", true),
            ("3.11", "3.12.0", false),
            (">= 3.8", "3.12.1", true),
            (">=18 <21", "v20.1.0", true),
            (">=18 <21", "21.0.0", false),
            (">18", "18.9.0", false),
            ("<=18", "18.9.0", true),
            ("^18.2.0", "18.19.1", true),
            ("^18.2.0", "18.1.0", false),
            ("^0.2.1", "0.3.0", false),
            ("~3.11.2", "3.11.9", true),
            ("~3.11.2", "3.12.0", false),
            ("16.x || 18.x", "18.0.0", true),
            ("*", "1.2.3", true),
            ("", "1.2.3", true),
            ("18.17.1", "18.17.1", true),
            ("lts/hydrogen", "18.17.1", false),
        ];
        for (spec, version, expected) in cases {
            assert_eq!(super::version_fits(spec, version), expected, "{spec} {version}");
        }
    }
}
