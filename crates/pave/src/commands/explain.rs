//! `pave explain`: the page of a diagnostic code.

use pave_diagnostic::nearest;
use rust_embed::Embed;

use crate::failure::Failure;
use crate::output;

/// The pages, one for each code.
#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../docs/errors"]
struct Pages;

pub(crate) fn run(code: &str) -> Result<(), Failure> {
    let wanted = code.trim().to_uppercase();
    match Pages::get(&format!("{wanted}.md")) {
        Some(page) => {
            output::line(String::from_utf8_lossy(&page.data).trim_end());
            Ok(())
        }
        None => Err(unknown(code, &wanted)),
    }
}

fn unknown(code: &str, wanted: &str) -> Failure {
    let codes: Vec<String> = Pages::iter()
        .map(|name| name.trim_end_matches(".md").to_owned())
        .collect();
    let failure = Failure::user(format!("there is no code `{code}`"));
    match nearest(wanted, codes.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `pave explain {near}`?")),
        None => failure.hint("a code stands in brackets before each message, such as PV2104"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Codes in the sources of a folder.
    fn codes_in(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    codes_in(&path, found);
                }
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                for (at, _) in text.match_indices("\"PV") {
                    let code: String = text[at + 1..]
                        .chars()
                        .take_while(char::is_ascii_alphanumeric)
                        .collect();
                    if code.len() == 6 && code[2..].bytes().all(|byte| byte.is_ascii_digit()) {
                        found.insert(code);
                    }
                }
            }
        }
    }

    #[test]
    fn every_code_has_a_page_and_every_page_says_the_same_things() {
        let mut codes = BTreeSet::new();
        codes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut codes);
        // Stands in tests only, for any code.
        codes.remove("PV0001");
        let missing: Vec<&String> = codes
            .iter()
            .filter(|code| Pages::get(&format!("{code}.md")).is_none())
            .collect();
        assert!(missing.is_empty(), "docs/errors has no page for {missing:?}");
        for name in Pages::iter() {
            let text = String::from_utf8(Pages::get(&name).unwrap().data.into_owned()).unwrap();
            let code = name.trim_end_matches(".md");
            assert!(
                text.starts_with(&format!("# {code}: ")),
                "{name} does not begin with its code"
            );
            for part in ["## Example", "## Cause", "## What to do"] {
                assert!(text.contains(part), "{name} has no `{part}`");
            }
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_corrected() {
        assert!(run("pv2104").is_ok());
        let check = |code: &str, hint: &str| {
            let told = format!("{:?}", run(code).unwrap_err());
            assert!(told.contains(hint), "{told}");
        };
        check("PV21O4", "PV2104");
        check("nonsense", "in brackets");
    }
}
