//! `pave env`: what other programs need to find and trust this platform.

use serde_json::{Map, Value};

use crate::cli::EnvFormat;
use crate::failure::Failure;
use crate::output;
use crate::platform::place::Place;
use crate::settings::Settings;
use crate::summary::Summary;

pub(crate) fn run(place: &Place, format: EnvFormat) -> Result<(), Failure> {
    let settings = Settings::read(place.root())?.ok_or_else(|| {
        Failure::user(format!("`{}` holds no platform yet", place.root().display()))
            .hint("start one with `pave up`")
    })?;
    let exports = Summary::read(place, &settings)?.exports();
    match format {
        EnvFormat::Shell => {
            for (name, value) in exports {
                output::line(format!("export {name}={}", quote(&value)));
            }
        }
        EnvFormat::Json => {
            let map: Map<String, Value> = exports
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            output::line(serde_json::to_string_pretty(&map).unwrap_or_default());
        }
    }
    Ok(())
}

/// Quotes a value for a POSIX shell.
fn quote(value: &str) -> String {
    let plain = value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte));
    if plain && !value.is_empty() {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_a_shell() {
        let check = |value: &str, expected: &str| assert_eq!(quote(value), expected);
        check("https://127.0.0.1:7445", "https://127.0.0.1:7445");
        check("/home/a b", "'/home/a b'");
        check("it's", "'it'\\''s'");
        check("", "''");
    }
}
