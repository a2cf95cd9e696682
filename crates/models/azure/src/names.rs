//! What Azure accepts as a name, a login or a location.
//!
//! Each check answers with words for the person who wrote the name, never with "invalid input" alone, and never repeats
//! a password. The rules are those that Azure Resource Manager and Azure Database for PostgreSQL apply in 2026.

mod identity;
mod kubernetes;
mod location;
mod postgresql;
mod sku;
mod storage;

pub use identity::{check_federated_credential, check_user_assigned_identity};
pub use kubernetes::{check_agent_pool, check_dns_prefix, check_kubernetes_version, check_managed_cluster};
pub use location::{LOCATIONS, Location, check_location, display_location, normalize_location};
pub use postgresql::{
    POSTGRESQL_VERSIONS, check_administrator_login, check_administrator_password, check_configuration,
    check_database, check_firewall_rule, check_flexible_server, check_postgresql_version,
};
pub use sku::{FLEXIBLE_SERVER_SKUS, Sku, check_sku, sku_tier};
pub use storage::{check_container, check_storage_account};

use thiserror::Error;

/// A name that Azure would refuse, in words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct NameError {
    /// What the name is for: `database name`, `administrator login`.
    pub what: &'static str,
    /// What was written; empty where it is a secret.
    pub value: String,
    /// What is wrong with it, lower-case, without a full stop.
    pub message: String,
    /// What Azure accepts, as something to do.
    pub help: String,
}

impl NameError {
    fn new(what: &'static str, value: &str, problem: &str, help: impl Into<String>) -> Self {
        Self {
            what,
            value: value.to_owned(),
            message: format!("{what} `{value}` {problem}"),
            help: help.into(),
        }
    }
}

/// Checks a resource group name: 1 to 90 letters, digits, `_`, `-`, `.`, `(`, `)`, and no dot at the end.
pub fn check_resource_group(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "resource group name";
    let help = "use 1 to 90 letters, digits, `_`, `-`, `.`, `(` or `)`, not ending in a dot";
    check_length(WHAT, name, 1, 90, help)?;
    check_characters(WHAT, name, help, |c| c.is_alphanumeric() || "_-.()".contains(c))?;
    if name.ends_with('.') {
        return Err(NameError::new(WHAT, name, "ends in a dot", help));
    }
    Ok(())
}

fn check_length(
    what: &'static str,
    name: &str,
    least: usize,
    most: usize,
    help: &str,
) -> Result<(), NameError> {
    let length = name.chars().count();
    if length == 0 {
        return Err(NameError::new(what, name, "is empty", help));
    }
    if length < least {
        return Err(NameError::new(
            what,
            name,
            &format!("is shorter than {least} characters"),
            help,
        ));
    }
    if length > most {
        return Err(NameError::new(
            what,
            name,
            &format!("is longer than {most} characters ({length})"),
            help,
        ));
    }
    Ok(())
}

fn check_characters(
    what: &'static str,
    name: &str,
    help: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), NameError> {
    match name.chars().find(|c| !allowed(*c)) {
        Some(found) => {
            let problem = format!("contains `{}`, which Azure refuses", found.escape_default());
            Err(NameError::new(what, name, &problem, help))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: &Result<(), NameError>, expected: &str) {
        match result {
            Ok(()) => assert_eq!(expected, "", "accepted"),
            Err(error) => {
                assert!(!expected.is_empty(), "refused: {error}");
                assert!(
                    error.message.contains(expected),
                    "{error} does not say `{expected}`"
                );
                assert!(!error.help.is_empty());
            }
        }
    }

    #[test]
    fn resource_groups() {
        for (name, expected) in [
            ("rg-team-a", ""),
            ("Team.(a)_1", ""),
            ("", "is empty"),
            ("team.", "ends in a dot"),
            ("team a", "contains ` `"),
            (&"x".repeat(91), "longer than 90"),
        ] {
            check(&check_resource_group(name), expected);
        }
    }

    #[test]
    fn flexible_servers() {
        for (name, expected) in [
            ("orders-db", ""),
            ("db", "shorter than 3"),
            ("Orders", "contains `O`"),
            ("-orders", "begins or ends with a dash"),
            ("orders-", "begins or ends with a dash"),
            ("orders_db", "contains `_`"),
            (&"x".repeat(64), "longer than 63"),
        ] {
            check(&check_flexible_server(name), expected);
        }
    }

    #[test]
    fn databases() {
        for (name, expected) in [
            ("orders", ""),
            ("Orders_2-dev", ""),
            ("azure_maintenance", "is reserved"),
            ("AZURE_SYS", "is reserved"),
            ("postgres", "is reserved"),
            ("template0", "is reserved"),
            ("2orders", "does not begin with a letter or an underscore"),
            ("orders;drop", "contains `;`"),
            ("orders db", "contains ` `"),
            (&"x".repeat(64), "longer than 63"),
        ] {
            check(&check_database(name), expected);
        }
    }

    #[test]
    fn administrator_logins() {
        for (name, expected) in [
            ("appuser", ""),
            ("admin", "is reserved"),
            ("Root", "is reserved"),
            ("azure_superuser", "is reserved"),
            ("azure_pg_admin", "is reserved"),
            ("pg_reader", "begins with `pg_`"),
            ("1user", "begins with a digit"),
            ("user@server", "contains `@`"),
        ] {
            check(&check_administrator_login(name), expected);
        }
    }

    #[test]
    fn passwords_are_refused_without_being_repeated() {
        for (password, expected) in [
            ("Secret-123", ""),
            ("abcdefgH1", ""),
            ("short1A", "shorter than 8"),
            ("alllowercase", "at least three of"),
            ("Appuser-123", "contains the login"),
        ] {
            let result = check_administrator_password(password, "appuser");
            check(&result, expected);
            if let Err(error) = result {
                assert!(!format!("{error:?}").contains(password));
            }
        }
    }

    #[test]
    fn locations_are_normalized_and_suggested() {
        assert_eq!(normalize_location("West Europe"), "westeurope");
        assert_eq!(display_location("westeurope"), Some("West Europe"));
        check(&check_location("West Europe"), "");
        check(&check_location("global"), "is not a location");
        let error = check_location("westeurop").unwrap_err();
        assert!(error.help.contains("westeurope"), "{}", error.help);
    }

    #[test]
    fn skus_have_a_tier() {
        assert_eq!(sku_tier("Standard_B1ms"), Some("Burstable"));
        assert_eq!(sku_tier("standard_d2s_v3"), Some("GeneralPurpose"));
        check(&check_sku("Standard_E2s_v3", Some("MemoryOptimized")), "");
        check(
            &check_sku("Standard_E2s_v3", Some("Burstable")),
            "belongs to tier",
        );
        check(&check_sku("B_Standard_B1ms", None), "is not a size");
        check(&check_sku("Standard_B1ms", Some("Cheap")), "belongs to tier");
    }

    #[test]
    fn versions() {
        check(&check_postgresql_version("16"), "");
        check(&check_postgresql_version("9.6"), "is not offered");
    }
}
