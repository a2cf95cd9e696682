use std::ops::{Deref, DerefMut};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::resource::Resource;
use crate::storage::CommitError;

/// A refusal in Kubernetes' own dialect: a `Status` object with its HTTP code.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Box<Refusal>);

/// What a [`Failure`] says.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// `details`, null when there are none.
    pub(crate) details: Value,
    /// `metadata.continue`, for an expired page token.
    pub(crate) fresh_continue: Option<String>,
    /// Which rule is missing; sent as a warning, since clients parse the message.
    pub(crate) hint: Option<String>,
}

impl Deref for Failure {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Refusal {
        &mut self.0
    }
}

/// One entry of `details.causes`.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

impl Failure {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
            fresh_continue: None,
            hint: None,
        }))
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(
            500,
            "InternalError",
            format!("Internal error occurred: {}", message.into()),
        )
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).with_details(json!({}))
    }

    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// An unknown resource of a served group and version.
    pub(crate) fn unknown_resource() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
        .with_details(json!({}))
    }

    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(
            404,
            "NotFound",
            format!("{} \"{name}\" not found", resource.qualified()),
        )
        .with_details(details(resource, name, &resource.plural))
    }

    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        Self::new(
            409,
            "AlreadyExists",
            format!("{} \"{name}\" already exists", resource.qualified()),
        )
        .with_details(details(resource, name, &resource.plural))
    }

    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            resource.qualified()
        );
        Self::new(409, "Conflict", message).with_details(details(resource, name, &resource.plural))
    }

    /// The object changed since the writer read it.
    pub(crate) fn modified(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
        Self::new(403, "Forbidden", message).with_details(details(resource, name, &resource.plural))
    }

    /// 422: one cause for each field that is wrong.
    pub(crate) fn invalid(resource: &Resource, name: &str, causes: Vec<Cause>) -> Self {
        let words: Vec<String> = causes
            .iter()
            .map(|cause| {
                if cause.field.is_empty() {
                    cause.message.clone()
                } else {
                    format!("{}: {}", cause.field, cause.message)
                }
            })
            .collect();
        let words = if words.len() == 1 {
            words.concat()
        } else {
            format!("[{}]", words.join(", "))
        };
        let kind = resource.qualified_kind();
        let mut details = details(resource, name, &resource.kind);
        details["causes"] = causes.into_iter().map(Cause::into_value).collect();
        Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {words}")).with_details(details)
    }

    /// 422 for one field.
    pub(crate) fn invalid_field(
        resource: &Resource,
        name: &str,
        field: &str,
        reason: &str,
        message: &str,
    ) -> Self {
        let cause = Cause {
            reason: reason.to_owned(),
            message: message.to_owned(),
            field: field.to_owned(),
        };
        Self::invalid(resource, name, vec![cause])
    }

    /// 410: the revision or page token is older than what is kept.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// The failure as a `Status` object.
    pub(crate) fn to_status(&self) -> Value {
        let mut metadata = json!({});
        if let Some(token) = &self.fresh_continue {
            metadata["continue"] = json!(token);
        }
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status["code"] = json!(self.code);
        status
    }
}

impl Cause {
    pub(crate) fn new(
        field: impl Into<String>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            reason: reason.into(),
            message: message.into(),
            field: field.into(),
        }
    }

    fn into_value(self) -> Value {
        json!({ "reason": self.reason, "message": self.message, "field": self.field })
    }
}

fn details(resource: &Resource, name: &str, kind: &str) -> Value {
    let mut details = json!({});
    if !name.is_empty() {
        details["name"] = json!(name);
    }
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    details["kind"] = json!(kind);
    details
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Mismatch => Self::new(409, "Conflict", "the object has been modified"),
            CommitError::Full => {
                Self::internal("the disk is full: nothing was written; free space below the data directory")
            }
            CommitError::Failed(why) => Self::internal(why),
        }
    }
}

/// The value of a `Warning` header; kubectl shows it.
pub(crate) fn warning(text: &str) -> Option<HeaderValue> {
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::from_str(&format!("299 - \"{text}\"")).ok()
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.to_status().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(hint) = self.hint.as_deref().and_then(warning) {
            headers.append(header::WARNING, hint);
        }
        let retry = self.details["retryAfterSeconds"].as_u64();
        if let Some(retry) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry));
        }
        response
    }
}
