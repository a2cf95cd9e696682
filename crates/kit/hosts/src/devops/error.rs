use http::StatusCode;
use serde_json::Value;

/// Why a host did not do what it was asked, in words for the person whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DevOpsError {
    /// Nothing was shown to the host, and it wants something.
    #[error(
        "{host} wants a token and none is configured; add `credentials: [{{ personalAccessToken: … }}]` to its entry under `integrations.azure`"
    )]
    NoToken {
        /// Host.
        host: String,
    },
    /// The token is not known there.
    #[error(
        "{host} does not accept the token{}; it is mistyped, revoked, expired, or of another organization",
        detail_of(detail)
    )]
    WrongToken {
        /// Host.
        host: String,
        /// What the host said.
        detail: String,
    },
    /// The token was good once.
    #[error("the token for {host} has expired; make a new one and put it in the place of the old one")]
    ExpiredToken {
        /// Host.
        host: String,
    },
    /// HTTP 203 or a page of HTML: a page where a person would sign in.
    #[error(
        "{host} answered with its sign-in page instead of data ({status}): the token is wrong or expired"
    )]
    SignInPage {
        /// Host.
        host: String,
        /// Status.
        status: u16,
    },
    /// The token is good, but not for this.
    #[error("{message}")]
    Forbidden {
        /// What the host said.
        message: String,
        /// `typeKey` of the answer.
        type_key: String,
    },
    /// There is no such thing, or it is hidden from us.
    #[error("{}", if message.is_empty() { "there is no such organization, project or repository, or the token may not see it" } else { message })]
    NotFound {
        /// What the host said; may be empty.
        message: String,
        /// `typeKey` of the answer.
        type_key: String,
    },
    /// It is there already, or has changed meanwhile.
    #[error("{message}")]
    Conflict {
        /// What the host said.
        message: String,
        /// `typeKey` of the answer.
        type_key: String,
    },
    /// The host asks to come again later.
    #[error("{host} has had too many requests; it asks to wait{}", after.as_deref().map(|after| format!(" {after} s")).unwrap_or_default())]
    Throttled {
        /// Host.
        host: String,
        /// Seconds, if it said so.
        after: Option<String>,
    },
    /// Any other refusal.
    #[error("{host} answered {status}: {message}")]
    Refused {
        /// Host.
        host: String,
        /// Status.
        status: u16,
        /// What the host said.
        message: String,
        /// `typeKey` of the answer.
        type_key: String,
    },
    /// No connection.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Host.
        host: String,
        /// Why.
        reason: String,
    },
    /// There is a server, but its certificate does not convince.
    #[error(
        "{host} cannot be trusted: {reason}; its certificate must come from an authority that this machine knows, and carry its name"
    )]
    Untrusted {
        /// Host.
        host: String,
        /// Why.
        reason: String,
    },
    /// Something else answers there.
    #[error("{host} answers, but not as an Azure DevOps host: {found}")]
    NotAzureDevOps {
        /// Host.
        host: String,
        /// What answered.
        found: String,
    },
}

fn detail_of(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    }
}

impl DevOpsError {
    /// The name of the error in Backstage's APIs.
    #[must_use]
    pub fn backstage_name(&self) -> &'static str {
        match self {
            Self::NoToken { .. }
            | Self::WrongToken { .. }
            | Self::ExpiredToken { .. }
            | Self::SignInPage { .. } => "AuthenticationError",
            Self::Forbidden { .. } => "NotAllowedError",
            Self::NotFound { .. } => "NotFoundError",
            Self::Conflict { .. } => "ConflictError",
            Self::Throttled { .. } | Self::Unreachable { .. } => "ServiceUnavailableError",
            Self::Refused { status: 400, .. } => "InputError",
            _ => "Error",
        }
    }

    /// One word for what is wrong, for pages that show a sign beside the sentence.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoToken { .. } => "no-token",
            Self::WrongToken { .. } | Self::SignInPage { .. } => "wrong-token",
            Self::ExpiredToken { .. } => "expired-token",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not-found",
            Self::Conflict { .. } => "conflict",
            Self::Throttled { .. } => "throttled",
            Self::Refused { .. } => "refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Untrusted { .. } => "untrusted",
            Self::NotAzureDevOps { .. } => "not-azure-devops",
        }
    }

    pub(super) fn from_transport(host: &str, source: reqwest::Error) -> Self {
        let host = host.to_owned();
        let is_timeout = source.is_timeout();
        let source = source.without_url();
        let mut causes = Vec::new();
        let mut next: Option<&dyn std::error::Error> = Some(&source);
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        let deepest = causes.last().cloned().unwrap_or_default();
        let all = causes.join(": ").to_lowercase();
        if all.contains("certificate") {
            let reason = if all.contains("unknownissuer") || all.contains("unknown issuer") {
                "its certificate is of an unknown authority".to_owned()
            } else {
                deepest
            };
            return Self::Untrusted { host, reason };
        }
        if all.contains("corrupt message") || all.contains("invalidcontenttype") {
            return Self::NotAzureDevOps {
                host,
                found: "it does not speak TLS".to_owned(),
            };
        }
        let reason = if is_timeout {
            "it did not answer in time".to_owned()
        } else {
            deepest
        };
        Self::Unreachable { host, reason }
    }
}

/// An answer that is not what was asked for.
pub(super) struct Answer {
    pub(super) host: String,
    /// The host that answered after redirects.
    pub(super) landed: String,
    pub(super) status: StatusCode,
    pub(super) text: String,
    pub(super) json: Value,
    pub(super) has_token: bool,
    pub(super) retry_after: Option<String>,
}

impl Answer {
    pub(super) fn into_error(self) -> DevOpsError {
        let message = self.message();
        let type_key = self.json["typeKey"].as_str().unwrap_or_default().to_owned();
        let Self { host, status, .. } = self;
        // The cloud says so in a page as well as in JSON. A host that cannot tell lists it among other reasons.
        let text = self.text.to_lowercase();
        let expired = self.has_token && text.contains("expired") && !text.contains("revoked");
        match status {
            StatusCode::UNAUTHORIZED if !self.has_token => DevOpsError::NoToken { host },
            StatusCode::UNAUTHORIZED | StatusCode::NON_AUTHORITATIVE_INFORMATION if expired => {
                DevOpsError::ExpiredToken { host }
            }
            StatusCode::UNAUTHORIZED => DevOpsError::WrongToken {
                host,
                detail: message,
            },
            StatusCode::NON_AUTHORITATIVE_INFORMATION if self.has_token => DevOpsError::SignInPage {
                host,
                status: status.as_u16(),
            },
            StatusCode::NON_AUTHORITATIVE_INFORMATION => DevOpsError::NoToken { host },
            StatusCode::FORBIDDEN => DevOpsError::Forbidden {
                message: or_status(message, status),
                type_key,
            },
            StatusCode::NOT_FOUND => DevOpsError::NotFound { message, type_key },
            StatusCode::CONFLICT => DevOpsError::Conflict {
                message: or_status(message, status),
                type_key,
            },
            StatusCode::TOO_MANY_REQUESTS => DevOpsError::Throttled {
                host,
                after: self.retry_after,
            },
            // Sent on to another host, which shows a page.
            status if status.is_success() && self.landed != host => DevOpsError::SignInPage {
                host,
                status: status.as_u16(),
            },
            status if status.is_success() => DevOpsError::NotAzureDevOps {
                host,
                found: "its answer is not JSON".to_owned(),
            },
            status => DevOpsError::Refused {
                host,
                status: status.as_u16(),
                message: or_status(message, status),
                type_key,
            },
        }
    }

    fn message(&self) -> String {
        let said = self.json["message"].as_str().unwrap_or_default();
        said.to_owned()
    }
}

fn or_status(message: String, status: StatusCode) -> String {
    if message.is_empty() {
        status.canonical_reason().unwrap_or("no reason given").to_owned()
    } else {
        message
    }
}
