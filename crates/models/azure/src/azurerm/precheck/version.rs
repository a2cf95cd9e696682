use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;
use pave_diagnostic::{Diagnostic, Diagnostics};

use super::super::VERSIONS;
use super::place::Text;

const NO_SUCH_VERSION: &str = "PV2312";

/// Checks `required_providers { azurerm = { version = … } }`.
pub(super) fn check(text: &Text<'_>, terraform: &Body, found: &mut Diagnostics) {
    for block in terraform.get_blocks("required_providers") {
        let Some(attribute) = block.body.get_attribute("azurerm") else {
            continue;
        };
        let said = match &attribute.value {
            Expression::String(version) => Some((version.as_str(), version.span())),
            Expression::Object(object) => object.iter().find_map(|(key, value)| {
                let named = key.as_ident().is_some_and(|ident| ident.as_str() == "version");
                let value = value.expr();
                named
                    .then(|| value.as_str().map(|version| (version, value.span())))
                    .flatten()
            }),
            _ => None,
        };
        let Some((constraint, span)) = said else { continue };
        if VERSIONS.iter().any(|version| allows(constraint, version)) {
            continue;
        }
        let message = format!("the small azurerm provider has no version that `{constraint}` allows");
        let help = format!(
            "it stands in for {}: write `~> 4.0`; {}",
            VERSIONS.join(" and "),
            super::switch()
        );
        let label = text.label(span, "terraform.required_providers.azurerm.version");
        found.push(
            Diagnostic::error(NO_SUCH_VERSION, message)
                .with_label(label)
                .with_help(help),
        );
    }
}

/// Whether a version meets a constraint. What cannot be read is left to Terraform.
fn allows(constraint: &str, version: &str) -> bool {
    constraint.split(',').all(|part| allows_one(part.trim(), version))
}

fn allows_one(constraint: &str, version: &str) -> bool {
    let split = constraint
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(constraint.len());
    let (operator, wanted) = constraint.split_at(split);
    let (Some(wanted_numbers), Some(have)) = (numbers(wanted), numbers(version)) else {
        return true;
    };
    let filled = |numbers: &[u64]| [0, 1, 2].map(|index| numbers.get(index).copied().unwrap_or(0));
    let (wanted, have) = (filled(&wanted_numbers), filled(&have));
    match operator.trim() {
        "" | "=" => have == wanted,
        "!=" => have != wanted,
        ">" => have > wanted,
        ">=" => have >= wanted,
        "<" => have < wanted,
        "<=" => have <= wanted,
        // The last number that is written may grow, those before it may not.
        "~>" => {
            let fixed = wanted_numbers.len().saturating_sub(1).clamp(1, 3);
            have >= wanted && have[..fixed] == wanted[..fixed]
        }
        _ => true,
    }
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    let plain = version.trim().split(['-', '+']).next()?;
    plain.split('.').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn constraints() {
        for (constraint, version, expected) in [
            ("~> 4.0", "4.81.0", true),
            ("~> 4.0", "3.117.1", false),
            (">= 3.0", "4.81.0", true),
            ("~> 4.80.0", "4.81.0", false),
            (">= 3.0, < 4.0", "3.117.1", true),
            ("~> 5.0", "4.81.0", false),
            ("4.81.0", "4.81.0", true),
            ("!= 4.81.0", "4.81.0", false),
            ("~> 3", "3.117.1", true),
            ("nonsense", "3.117.1", true),
        ] {
            assert_eq!(allows(constraint, version), expected, "{constraint} on {version}");
        }
    }
}
