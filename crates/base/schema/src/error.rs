//! What is wrong with one field, in the words of Kubernetes.

use std::fmt;

use serde_json::Value;

/// Why a field is refused; the names are those of `Status.details.causes[].reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldErrorReason {
    /// A value is missing.
    Required,
    /// The value breaks a rule.
    Invalid,
    /// The value is not one of an enumeration.
    NotSupported,
    /// The value stands twice where it may stand once.
    Duplicate,
    /// The field may not be set here.
    Forbidden,
    /// The text is too long.
    TooLong,
    /// There are too many items.
    TooMany,
    /// The value has the wrong type.
    TypeInvalid,
}

impl FieldErrorReason {
    /// The machine-readable cause, such as `FieldValueRequired`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Duplicate => "Duplicate value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
        }
    }

    fn shows_value(self) -> bool {
        !matches!(self, Self::Required | Self::Forbidden | Self::TooLong)
    }
}

/// One field that was refused, displayed as Kubernetes prints it.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// Where, as `spec.list[0].name`; empty for the object as a whole.
    pub path: String,
    /// Which rule was broken.
    pub reason: FieldErrorReason,
    /// What exactly is wrong; may be empty.
    pub detail: String,
    /// The offending value, when it is worth showing.
    pub value: Option<Value>,
}

impl FieldError {
    /// An error without a value.
    pub fn new(path: impl Into<String>, reason: FieldErrorReason, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            reason,
            detail: detail.into(),
            value: None,
        }
    }

    /// The same error showing `value`.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<Value>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// `path: Required value`.
    pub fn required(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(path, FieldErrorReason::Required, detail)
    }

    /// `path: Forbidden: detail`.
    pub fn forbidden(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(path, FieldErrorReason::Forbidden, detail)
    }

    /// `path: Invalid value: value: detail`.
    pub fn invalid(path: impl Into<String>, value: impl Into<Value>, detail: impl Into<String>) -> Self {
        Self::new(path, FieldErrorReason::Invalid, detail).with_value(value)
    }

    /// `path: Unsupported value: value: supported values: …`.
    pub fn not_supported(path: impl Into<String>, value: impl Into<Value>, supported: &[Value]) -> Self {
        let listed: Vec<String> = supported.iter().map(show).collect();
        Self::new(
            path,
            FieldErrorReason::NotSupported,
            format!("supported values: {}", listed.join(", ")),
        )
        .with_value(value)
    }

    /// The text without the path, as `Status.details.causes[].message` carries it.
    #[must_use]
    pub fn body(&self) -> String {
        let mut text = self.reason.words().to_owned();
        if let Some(value) = self.value.as_ref().filter(|_| self.reason.shows_value()) {
            text.push_str(": ");
            text.push_str(&show(value));
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "<nil>" } else { &self.path };
        write!(formatter, "{path}: {}", self.body())
    }
}

impl std::error::Error for FieldError {}

/// A value as error texts print it: null in quotes as Kubernetes does, everything else as JSON.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "\"null\"".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &FieldError, expected: &str) {
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn reads_like_kubernetes() {
        check(&FieldError::required("spec.x", ""), "spec.x: Required value");
        check(
            &FieldError::not_supported("spec.size", "x", &["a".into(), "b".into()]),
            r#"spec.size: Unsupported value: "x": supported values: "a", "b""#,
        );
        check(
            &FieldError::invalid("", 0, "must be specified"),
            "<nil>: Invalid value: 0: must be specified",
        );
        check(
            &FieldError::forbidden("spec", "not here"),
            "spec: Forbidden: not here",
        );
        check(
            &FieldError::new("a", FieldErrorReason::TooLong, "may not be more than 3 bytes")
                .with_value("abcd"),
            "a: Too long: may not be more than 3 bytes",
        );
        check(
            &FieldError::invalid("a", Value::Null, "no"),
            r#"a: Invalid value: "null": no"#,
        );
    }
}
