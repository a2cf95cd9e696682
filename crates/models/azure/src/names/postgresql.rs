use super::{NameError, check_characters, check_length};

/// The major versions that flexible servers are offered in.
pub const POSTGRESQL_VERSIONS: &[&str] = &["11", "12", "13", "14", "15", "16", "17", "18"];

/// Databases that are there already and belong to the service.
const RESERVED_DATABASES: &[&str] = &[
    "azure_maintenance",
    "azure_sys",
    "postgres",
    "template0",
    "template1",
];

/// Logins that Azure keeps for itself or refuses as too easy to guess.
const RESERVED_LOGINS: &[&str] = &[
    "admin",
    "administrator",
    "azure_pg_admin",
    "azure_superuser",
    "azuresu",
    "guest",
    "postgres",
    "public",
    "replication",
    "root",
    "sa",
];

/// Checks the name of a flexible server: 3 to 63 lower-case letters, digits and dashes, no dash at either end.
pub fn check_flexible_server(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "server name";
    let help = "use 3 to 63 lower-case letters, digits and dashes, with no dash at either end";
    check_length(WHAT, name, 3, 63, help)?;
    check_characters(WHAT, name, help, |c| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
    })?;
    if name.starts_with('-') || name.ends_with('-') {
        return Err(NameError::new(WHAT, name, "begins or ends with a dash", help));
    }
    Ok(())
}

/// Checks the name of a database on a flexible server.
pub fn check_database(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "database name";
    let help = "use 1 to 63 letters, digits, `_` and `-`, beginning with a letter or an underscore";
    check_length(WHAT, name, 1, 63, help)?;
    check_characters(WHAT, name, help, |c| {
        c.is_ascii_alphanumeric() || c == '_' || c == '-'
    })?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(NameError::new(
            WHAT,
            name,
            "does not begin with a letter or an underscore",
            help,
        ));
    }
    if RESERVED_DATABASES.contains(&name.to_ascii_lowercase().as_str()) {
        let help = "choose another name; the service makes this one itself";
        return Err(NameError::new(WHAT, name, "is reserved by Azure", help));
    }
    Ok(())
}

/// Checks the administrator's login of a flexible server.
pub fn check_administrator_login(login: &str) -> Result<(), NameError> {
    const WHAT: &str = "administrator login";
    let help = "use 1 to 63 letters, digits and underscores, beginning with a letter";
    check_length(WHAT, login, 1, 63, help)?;
    // A name of the form `login@server` must still fit PostgreSQL's 63 bytes only where it is used; `@` itself would
    // make the two forms ambiguous.
    check_characters(WHAT, login, help, |c| {
        c.is_ascii_alphanumeric() || c == '_' || c == '-'
    })?;
    if login.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(NameError::new(WHAT, login, "begins with a digit", help));
    }
    let lower = login.to_ascii_lowercase();
    if lower.starts_with("pg_") {
        let help = "choose a login without the prefix `pg_`, which PostgreSQL keeps for itself";
        return Err(NameError::new(WHAT, login, "begins with `pg_`", help));
    }
    if RESERVED_LOGINS.contains(&lower.as_str()) {
        return Err(NameError::new(
            WHAT,
            login,
            "is reserved by Azure",
            "choose another login, such as `appuser`",
        ));
    }
    Ok(())
}

/// Checks the administrator's password: 8 to 128 characters of at least three kinds, without the login in it.
pub fn check_administrator_password(password: &str, login: &str) -> Result<(), NameError> {
    let refuse = |problem: &str| NameError {
        what: "administrator password",
        value: String::new(),
        message: format!("administrator password {problem}"),
        help: "use 8 to 128 characters with three of: upper case, lower case, digits, others".to_owned(),
    };
    let length = password.chars().count();
    if length < 8 {
        return Err(refuse("is shorter than 8 characters"));
    }
    if length > 128 {
        return Err(refuse("is longer than 128 characters"));
    }
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_uppercase(),
        |c| c.is_lowercase(),
        |c| c.is_numeric(),
        |c| !c.is_alphanumeric(),
    ];
    if kinds.iter().filter(|kind| password.chars().any(kind)).count() < 3 {
        return Err(refuse(
            "does not have at least three of: upper case, lower case, digits, other characters",
        ));
    }
    if !login.is_empty() && password.to_lowercase().contains(&login.to_lowercase()) {
        return Err(refuse("contains the login"));
    }
    Ok(())
}

/// Checks the name of a firewall rule.
pub fn check_firewall_rule(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "firewall rule name";
    let help = "use 1 to 80 letters, digits, `_` and `-`";
    check_length(WHAT, name, 1, 80, help)?;
    check_characters(WHAT, name, help, |c| {
        c.is_ascii_alphanumeric() || c == '_' || c == '-'
    })
}

/// Checks the spelling of a server parameter's name; whether it exists is known to the server alone.
pub fn check_configuration(name: &str) -> Result<(), NameError> {
    const WHAT: &str = "server parameter";
    let help = "use a parameter's name as PostgreSQL writes it, such as `work_mem`";
    check_length(WHAT, name, 1, 63, help)?;
    check_characters(WHAT, name, help, |c| {
        c.is_ascii_alphanumeric() || c == '_' || c == '.'
    })
}

/// Checks a major version.
pub fn check_postgresql_version(version: &str) -> Result<(), NameError> {
    if POSTGRESQL_VERSIONS.contains(&version) {
        return Ok(());
    }
    let help = format!("write one of {}, in quotes", POSTGRESQL_VERSIONS.join(", "));
    Err(NameError::new(
        "PostgreSQL version",
        version,
        "is not offered",
        help,
    ))
}
