use super::{NameError, check_characters, check_length};

fn check_ends(what: &'static str, name: &str, help: &str) -> Result<(), NameError> {
    let fits = |c: char| c.is_ascii_alphanumeric();
    if name.starts_with(fits) && name.ends_with(fits) {
        return Ok(());
    }
    Err(NameError::new(
        what,
        name,
        "does not begin and end with a letter or digit",
        help,
    ))
}

/// Checks the name of a managed cluster: 1 to 63 letters, digits, `-` and `_`, a letter or digit at both ends.
pub fn check_managed_cluster(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "cluster name";
    let help = "use 1 to 63 letters, digits, `-` and `_`, with a letter or digit at both ends";
    check_length(WHAT, name, 1, 63, help)?;
    check_characters(WHAT, name, help, |c| {
        c.is_ascii_alphanumeric() || c == '-' || c == '_'
    })?;
    check_ends(WHAT, name, help)
}

/// Checks the first part of a managed cluster's host name: 1 to 54 letters, digits and dashes.
pub fn check_dns_prefix(prefix: &str) -> Result<(), NameError> {
    const WHAT: &str = "DNS prefix";
    let help = "use 1 to 54 letters, digits and dashes, with a letter or digit at both ends";
    check_length(WHAT, prefix, 1, 54, help)?;
    check_characters(WHAT, prefix, help, |c| c.is_ascii_alphanumeric() || c == '-')?;
    check_ends(WHAT, prefix, help)
}

/// Checks the name of a node pool: 1 to 12 lower-case letters and digits, of Windows 6, beginning with a letter.
pub fn check_agent_pool(name: &str, windows: bool) -> Result<(), NameError> {
    const WHAT: &str = "node pool name";
    let (most, help) = if windows {
        (
            6,
            "use 1 to 6 lower-case letters and digits, beginning with a letter",
        )
    } else {
        (
            12,
            "use 1 to 12 lower-case letters and digits, beginning with a letter",
        )
    };
    check_length(WHAT, name, 1, most, help)?;
    check_characters(WHAT, name, help, |c| c.is_ascii_lowercase() || c.is_ascii_digit())?;
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(NameError::new(WHAT, name, "does not begin with a letter", help));
    }
    Ok(())
}

/// Checks the form of a Kubernetes version: `1.34` or `1.34.2`.
pub fn check_kubernetes_version(version: &str) -> Result<(), NameError> {
    let parts: Vec<&str> = version.split('.').collect();
    let numbers = parts
        .iter()
        .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
    if matches!(parts.len(), 2 | 3) && numbers && parts[0] == "1" {
        return Ok(());
    }
    let help = "write a version such as `1.34` or `1.34.2`, in quotes";
    Err(NameError::new(
        "Kubernetes version",
        version,
        "is not a version",
        help,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_names() {
        for (name, fits) in [
            ("aks-team_a", true),
            ("a", true),
            ("aks-", false),
            ("aks a", false),
        ] {
            assert_eq!(check_managed_cluster(name).is_ok(), fits, "{name}");
        }
        for (prefix, fits) in [("aks-team", true), ("aks_team", false), ("-aks", false)] {
            assert_eq!(check_dns_prefix(prefix).is_ok(), fits, "{prefix}");
        }
        for (name, windows, fits) in [
            ("nodepool", false, true),
            ("nodepool", true, false),
            ("node-pool", false, false),
            ("1pool", false, false),
            ("averylongpool", false, false),
        ] {
            assert_eq!(check_agent_pool(name, windows).is_ok(), fits, "{name}");
        }
        for (version, fits) in [
            ("1.34", true),
            ("1.34.2", true),
            ("v1.34", false),
            ("latest", false),
        ] {
            assert_eq!(check_kubernetes_version(version).is_ok(), fits, "{version}");
        }
    }
}
