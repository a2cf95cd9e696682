//! Where a repository is, and what proves who we are there.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::GitError;

/// What is shown to the remote. Never printed: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// User name and password, or any user name and a personal access token.
    Basic {
        /// The user name; hosts that take tokens ignore it.
        user: String,
        /// The password or token.
        password: String,
    },
    /// A bearer token.
    Bearer(String),
}

impl Credential {
    /// A personal access token, sent as Basic with an empty user as Azure DevOps and our forge take it.
    #[must_use]
    pub fn token(token: impl Into<String>) -> Self {
        Self::Basic {
            user: String::new(),
            password: token.into(),
        }
    }

    /// The value of the `Authorization` header.
    #[must_use]
    pub fn header(&self) -> String {
        match self {
            Self::Basic { user, password } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
            Self::Bearer(token) => format!("Bearer {token}"),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { .. } => formatter.write_str("Credential::Basic(hidden)"),
            Self::Bearer(_) => formatter.write_str("Credential::Bearer(hidden)"),
        }
    }
}

/// A remote repository.
#[derive(Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its URL. User information in it becomes the credential when none is given.
    pub url: Url,
    /// What to show it.
    pub credential: Option<Credential>,
    /// A PEM file with the only authority to trust; the system's when absent.
    pub authority: Option<PathBuf>,
}

impl Remote {
    /// A remote without credential, trusting the system's authorities.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            credential: None,
            authority: None,
        }
    }

    /// The URL without user information: safe to print and to pass as an argument.
    #[must_use]
    pub fn public_url(&self) -> Url {
        let mut url = self.url.clone();
        // Both fail only for URLs that cannot carry user information in the first place.
        url.set_password(None).ok();
        url.set_username("").ok();
        url
    }

    pub(crate) fn effective_credential(&self) -> Option<Credential> {
        self.credential.clone().or_else(|| {
            let password = self.url.password()?;
            Some(Credential::Basic {
                user: decode(self.url.username()),
                password: decode(password),
            })
        })
    }

    pub(crate) fn check(&self) -> Result<(), GitError> {
        if matches!(self.url.scheme(), "http" | "https" | "file") {
            Ok(())
        } else {
            Err(GitError::UnsupportedUrl {
                url: self.public_url().to_string(),
            })
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Remote")
            .field("url", &self.public_url().as_str())
            .field("credential", &self.credential)
            .field("authority", &self.authority)
            .finish()
    }
}

/// Percent-decodes user information of a URL.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten();
        let value = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(value) = value {
            decoded.push(value);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            decoded.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
