use super::{NameError, check_characters, check_length};

/// Checks the name of a storage account: 3 to 24 lower-case letters and digits. It is unique in all of Azure.
pub fn check_storage_account(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "storage account name";
    let help = "use 3 to 24 lower-case letters and digits, without dashes";
    check_length(WHAT, name, 3, 24, help)?;
    check_characters(WHAT, name, help, |c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Checks the name of a blob container; `$root`, `$logs` and `$web` are the service's own.
pub fn check_container(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "container name";
    let help = "use 3 to 63 lower-case letters, digits and single dashes, with no dash at either end";
    if ["$root", "$logs", "$web"].contains(&name) {
        return Ok(());
    }
    check_length(WHAT, name, 3, 63, help)?;
    check_characters(WHAT, name, help, |c| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
    })?;
    if name.starts_with('-') || name.ends_with('-') {
        return Err(NameError::new(WHAT, name, "begins or ends with a dash", help));
    }
    if name.contains("--") {
        return Err(NameError::new(WHAT, name, "has two dashes in a row", help));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_names() {
        for (name, fits) in [
            ("teamadata1", true),
            ("te", false),
            ("team-a", false),
            ("TeamA", false),
        ] {
            assert_eq!(check_storage_account(name).is_ok(), fits, "{name}");
        }
        for (name, fits) in [
            ("tfstate", true),
            ("$web", true),
            ("a-b-c", true),
            ("a--b", false),
            ("-ab", false),
            ("Ab1", false),
        ] {
            assert_eq!(check_container(name).is_ok(), fits, "{name}");
        }
    }
}
