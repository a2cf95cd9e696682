use serde_json::Value;

use super::{Kind, Place, parameter};
use crate::names::{self, NameError};

/// Something in a managed resource that Azure would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The field: `spec.forProvider.location`, or the annotation of the external name.
    pub field: String,
    /// What is wrong, in words.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Kind {
    /// What Azure would refuse before it looks at anything else, all of it at once.
    ///
    /// `has_password` says that a password is at hand; references must be resolved already.
    #[must_use]
    pub fn check(&self, external_name: &str, parameters: &Value, has_password: bool) -> Vec<Finding> {
        let mut findings = self.missing(parameters);
        findings.extend(self.check_name(external_name).err().map(|error| {
            finding(
                "metadata.annotations[crossplane.io/external-name]",
                error.message,
                error.help,
            )
        }));
        if self.has_password {
            check_server(parameters, has_password, &mut findings);
        }
        findings
    }

    /// Required parameters that are absent. The words are those of upstream's CRD rules.
    #[must_use]
    pub fn missing(&self, parameters: &Value) -> Vec<Finding> {
        let required = self.fields.iter().filter(|field| field.required);
        let absent = required.filter(|field| parameter(parameters, field.path).is_none());
        absent
            .map(|field| missing(field.path, "is a required parameter"))
            .collect()
    }

    fn check_name(&self, name: &str) -> Result<(), NameError> {
        match self.place {
            Place::ResourceGroup => names::check_resource_group(name),
            Place::InGroup { .. } => names::check_flexible_server(name),
            Place::Below {
                child: "databases", ..
            } => names::check_database(name),
            Place::Below {
                child: "firewallRules",
                ..
            } => names::check_firewall_rule(name),
            Place::Below { .. } => names::check_configuration(name),
        }
    }
}

/// What a server that copies no other one must say, as azurerm demands it.
fn check_server(parameters: &Value, has_password: bool, findings: &mut Vec<Finding>) {
    let login = parameter(parameters, "administratorLogin").and_then(Value::as_str);
    if let Some(login) = login
        && let Err(error) = names::check_administrator_login(login)
    {
        findings.push(finding(
            "spec.forProvider.administratorLogin",
            error.message,
            error.help,
        ));
    }
    if parameter(parameters, "createMode").is_some_and(|mode| mode != "Default") {
        return;
    }
    for path in ["skuName", "version"] {
        if parameter(parameters, path).is_none() {
            findings.push(missing(path, "is required when createMode is Default"));
        }
    }
    if parameter(parameters, "authentication.passwordAuthEnabled").is_some_and(|enabled| enabled == false) {
        return;
    }
    let why = "is required when createMode is Default and passwords may sign in";
    if login.is_none() {
        findings.push(missing("administratorLogin", why));
    }
    if !has_password {
        findings.push(missing("administratorPasswordSecretRef", why));
    }
}

fn missing(path: &str, why: &str) -> Finding {
    let field = format!("spec.forProvider.{path}");
    let help = format!("set `{field}`");
    Finding {
        message: format!("{field} {why}"),
        field,
        help,
    }
}

fn finding(field: &str, message: String, help: String) -> Finding {
    Finding {
        field: field.to_owned(),
        message,
        help,
    }
}
