use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// Why a request to ARM did not bring what was asked. No variant carries a credential.
#[derive(Debug, thiserror::Error)]
pub enum ArmError {
    /// ARM answered, and said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The authority gave no token.
    #[error("cannot get an access token from {authority}: {reason}")]
    Token {
        /// Where the token was asked for.
        authority: String,
        /// The authority's own words.
        reason: String,
    },
    /// Nothing answered.
    #[error("cannot reach {url}")]
    Transport {
        /// Address without its query.
        url: String,
        /// What failed below.
        #[source]
        source: reqwest::Error,
    },
    /// Something answered that does not speak ARM.
    #[error("{url} answered {status} with a body that is not what ARM sends: {reason}")]
    Unreadable {
        /// Address without its query.
        url: String,
        /// HTTP status.
        status: u16,
        /// What was wrong with it.
        reason: String,
    },
    /// A configured address is none.
    #[error("`{text}` is not an absolute http or https address")]
    Address {
        /// What was configured.
        text: String,
    },
}

/// A refusal in ARM's own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status; that of the operation's poll when a long-running operation failed.
    pub status: u16,
    /// ARM's code, such as `ResourceGroupNotFound`.
    pub code: String,
    /// ARM's message.
    pub message: String,
    /// Further findings.
    pub details: Vec<RefusalDetail>,
    /// How long ARM asks to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

/// One of the further findings in a [`Refusal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalDetail {
    /// ARM's code.
    pub code: String,
    /// ARM's message.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)?;
        for detail in &self.details {
            write!(formatter, "; {}: {}", detail.code, detail.message)?;
        }
        Ok(())
    }
}

impl Refusal {
    /// Reads `{error:{code,message,details}}`, also without the outer `error`.
    pub(crate) fn read(status: u16, body: &Value, retry_after: Option<Duration>) -> Self {
        let error = body
            .get("error")
            .filter(|error| error.is_object())
            .unwrap_or(body);
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let mut code = text(error, "code");
        if code.is_empty() {
            code = format!("HTTP {status}");
        }
        let mut message = text(error, "message");
        if message.is_empty() {
            "no message was given".clone_into(&mut message);
        }
        let details = error
            .get("details")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let details = details
            .map(|detail| RefusalDetail {
                code: text(detail, "code"),
                message: text(detail, "message"),
            })
            .collect();
        Self {
            status,
            code,
            message,
            details,
            retry_after,
        }
    }
}

impl ArmError {
    /// HTTP status of a refusal.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Unreadable { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// ARM's code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(&refusal.code),
            _ => None,
        }
    }

    /// Whether the thing, or what it would stand in, does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// How long ARM asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}
