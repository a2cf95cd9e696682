//! What is said to the person, as Terraform's diagnostics: what happened, what Azure said, what to do.

use pave_arm::{ArmError, Refusal};
use pave_azure::azurerm::Resource;

use crate::protocol::{AttributePath, Diagnostic, PathStep, Selector, Severity};

pub(super) fn error(summary: impl Into<String>, detail: impl Into<String>) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error as i32,
        summary: summary.into(),
        detail: detail.into(),
        attribute: None,
    }
}

pub(super) fn error_at(
    summary: impl Into<String>,
    detail: impl Into<String>,
    path: AttributePath,
) -> Diagnostic {
    Diagnostic {
        attribute: Some(path),
        ..error(summary, detail)
    }
}

/// Something that the protocol rules out.
pub(super) fn internal(reason: &str) -> Diagnostic {
    error(
        "Terraform and the small azurerm provider do not understand each other",
        sentence(reason),
    )
}

pub(super) fn attribute(name: &str) -> AttributePath {
    let selector = Some(Selector::AttributeName(name.to_owned()));
    AttributePath {
        steps: vec![PathStep { selector }],
    }
}

/// Terraform's messages begin with a capital and end with a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), characters.as_str())
    })
}

/// A failure of ARM while something was done with a resource.
pub(super) fn refused(doing: &str, resource: &Resource, id: &str, failure: &ArmError) -> Diagnostic {
    let summary = format!("{doing} the {} failed", resource.title);
    let (said, cure, place) = match failure {
        ArmError::Refused(refusal) => {
            let (cure, place) = cure(refusal);
            (format!("Azure said: {refusal}"), cure, place)
        }
        other => (with_source(other), general_cure(other).to_owned(), None),
    };
    let detail = format!("{said}\n\n{cure}\n\nResource: {id}");
    let place = place.filter(|name| resource.block.attribute(name).is_some());
    match place {
        Some(name) => error_at(sentence(&summary), detail, attribute(name)),
        None => error(sentence(&summary), detail),
    }
}

pub(super) fn with_source(failure: &dyn std::error::Error) -> String {
    sentence(&pave_diagnostic::with_causes(failure))
}

/// What to do about a refusal, and the attribute that it is about.
fn cure(refusal: &Refusal) -> (String, Option<&'static str>) {
    let code = refusal.code.as_str();
    let (words, place) = match code {
        "ResourceGroupNotFound" => (
            "Create the resource group first: write `azurerm_resource_group.<name>.name` here, so that Terraform knows the order.",
            Some("resource_group_name"),
        ),
        "ParentResourceNotFound" => (
            "Create the server first: write `azurerm_postgresql_flexible_server.<name>.id` here.",
            Some("server_id"),
        ),
        _ if code.starts_with("LocationNotAvailable") => {
            ("Write a location that Azure has for this type.", Some("location"))
        }
        "InvalidResourceLocation" => (
            "Something of this name lies in another location: use that one, or another name.",
            Some("location"),
        ),
        "AuthorizationFailed" => (
            "Whoever the service connection signs in as needs a role on this scope, such as Contributor.",
            None,
        ),
        "InvalidAuthenticationToken" => (
            "Sign in again: check client id, secret and tenant of the service connection.",
            None,
        ),
        "ScopeLocked" => ("Remove the lock, or leave the resource as it is.", None),
        "ResourceGroupBeingDeleted" => ("Wait until the resource group is gone, and apply again.", None),
        _ if refusal.status == 409 => (
            "Something else is changing it, or has its name. Look at it, and apply again.",
            None,
        ),
        _ if refusal.status == 429 || refusal.status >= 500 => ("Apply again in a while.", None),
        _ if refusal.message.contains("password") || refusal.message.contains("Password") => (
            "Mend the password, and apply again.",
            Some("administrator_password"),
        ),
        _ => ("Mend what is said above, and apply again.", None),
    };
    (words.to_owned(), place)
}

/// What to do when there was no answer of Azure to read.
pub(super) fn general_cure(failure: &ArmError) -> &'static str {
    match failure {
        ArmError::Token { .. } => {
            "Check client id, secret and tenant, or the token that stands for the secret: in the provider block, the ARM_* \
             variables, or the service connection."
        }
        ArmError::Transport { .. } => {
            "Check that the endpoint answers and that its certificate is trusted (SSL_CERT_FILE names the authority's file)."
        }
        _ => {
            "Check `metadata_host` (ARM_METADATA_HOSTNAME): it should name an Azure Resource Manager, as host:port."
        }
    }
}
