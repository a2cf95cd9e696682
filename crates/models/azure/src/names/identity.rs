use super::{NameError, check_characters, check_length};

fn check(what: &'static str, name: &str, most: usize, help: &str) -> Result<(), NameError> {
    check_length(what, name, 3, most, help)?;
    check_characters(what, name, help, |c| {
        c.is_ascii_alphanumeric() || c == '-' || c == '_'
    })?;
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(NameError::new(
            what,
            name,
            "does not begin with a letter or digit",
            help,
        ));
    }
    Ok(())
}

/// Checks the name of a user-assigned identity: 3 to 128 letters, digits, `-` and `_`.
pub fn check_user_assigned_identity(name: &str) -> Result<(), NameError> {
    let help = "use 3 to 128 letters, digits, `-` and `_`, beginning with a letter or digit";
    check("identity name", name, 128, help)
}

/// Checks the name of a federated credential of an identity: 3 to 120 letters, digits, `-` and `_`.
pub fn check_federated_credential(name: &str) -> Result<(), NameError> {
    let help = "use 3 to 120 letters, digits, `-` and `_`, beginning with a letter or digit";
    check("federated credential name", name, 120, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_names() {
        for (name, fits) in [
            ("id-team_a", true),
            ("id", false),
            ("_id1", false),
            ("id a", false),
        ] {
            assert_eq!(check_user_assigned_identity(name).is_ok(), fits, "{name}");
            assert_eq!(check_federated_credential(name).is_ok(), fits, "{name}");
        }
    }
}
