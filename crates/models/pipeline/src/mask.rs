//! Keeps secrets out of logs.

use std::borrow::Cow;

/// Shorter pieces would blank out half of a log and protect nothing.
const SHORTEST: usize = 3;

/// Replaces registered secrets with `***`.
#[derive(Clone, Default)]
pub struct Masker {
    /// Longest first, so that a secret which contains another one is hidden whole.
    secrets: Vec<String>,
}

/// Never shows what it hides.
impl std::fmt::Debug for Masker {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Masker({} secrets)", self.secrets.len())
    }
}

impl Masker {
    /// Hides these.
    #[must_use]
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut masker = Self::default();
        for secret in secrets {
            masker.add(secret.as_ref());
        }
        masker
    }

    /// Hides one more: the whole, each of its lines, and the forms in which it commonly reappears (JSON, URL).
    pub fn add(&mut self, secret: &str) {
        let whole = secret.trim_matches(['\r', '\n']);
        let mut forms = vec![whole.to_owned()];
        forms.extend(whole.lines().map(|line| line.trim().to_owned()));
        let json = serde_json::Value::String(whole.to_owned()).to_string();
        forms.push(json[1..json.len() - 1].to_owned());
        forms.push(percent_encoded(whole));
        for form in forms {
            if form.chars().count() >= SHORTEST && !self.secrets.contains(&form) {
                self.secrets.push(form);
            }
        }
        self.secrets.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// Whether nothing is hidden.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The longest piece that is hidden, in bytes; who masks a stream in blocks must overlap them by this much.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.secrets.first().map_or(0, String::len)
    }

    /// A line without secrets. Overlapping ones become one `***`.
    #[must_use]
    pub fn mask<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let mut hidden: Vec<(usize, usize)> = Vec::new();
        for secret in &self.secrets {
            let mut from = 0;
            while let Some(offset) = line.get(from..).and_then(|rest| rest.find(secret.as_str())) {
                let start = from + offset;
                hidden.push((start, start + secret.len()));
                from = start + line[start..].chars().next().map_or(1, char::len_utf8);
            }
        }
        if hidden.is_empty() {
            return Cow::Borrowed(line);
        }
        hidden.sort_unstable();
        let mut out = String::with_capacity(line.len());
        let mut shown_to = 0;
        for (start, end) in hidden {
            if start >= shown_to {
                out.push_str(&line[shown_to..start]);
                out.push_str("***");
            }
            shown_to = shown_to.max(end);
        }
        out.push_str(&line[shown_to..]);
        Cow::Owned(out)
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secrets: &[&str], line: &str, expected: &str) {
        assert_eq!(Masker::new(secrets).mask(line), expected);
    }

    #[test]
    fn secrets_are_hidden_in_every_form() {
        check(&[], "open", "open");
        check(&["secret"], "a secret, a secret", "a ***, a ***");
        check(&["pass", "password"], "password", "***");
        check(&["abcab"], "abcabcab", "***");
        check(&["ab", ""], "ab", "ab");
        check(&["one line\nsecond line\n"], "x second line y", "x *** y");
        check(&["a\"b\\c"], r#"{"k":"a\"b\\c"}"#, r#"{"k":"***"}"#);
        check(&["p/q r"], "u=p%2Fq%20r", "u=***");
        check(&["grün"], "grün grün", "*** ***");
    }

    #[test]
    fn debug_output_shows_nothing() {
        assert_eq!(format!("{:?}", Masker::new(["hidden"])), "Masker(1 secrets)");
    }
}
