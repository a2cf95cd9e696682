use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ArmError, Refusal};

/// A long-running operation under way: all that is needed to ask for it again, also after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Address to poll, path and query only: it is asked of the configured Resource Manager, never of another host.
    pub path_and_query: String,
    /// What its answers mean.
    pub polling: Polling,
    /// What ARM asked to wait before the first poll; zero means at once.
    pub retry_after: Option<Duration>,
}

/// The two ways in which ARM reports progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Polling {
    /// `Azure-AsyncOperation`: a document with a `status`.
    AsyncOperation,
    /// `Location`: 202 while running, then the result.
    Location,
}

/// What one poll found.
#[derive(Debug)]
pub enum Progress {
    /// Not done.
    Running {
        /// What ARM asks to wait before the next poll.
        retry_after: Option<Duration>,
        /// What the operation waits for, where it says so; empty else.
        waits_for: String,
    },
    /// ARM knows no such operation: not yet, or no longer. The resource itself says how things stand.
    Unknown,
    /// Done; for [`Polling::Location`] with the result, which may be null.
    Succeeded(Value),
    /// Ended without what was asked.
    Failed(ArmError),
}

impl Operation {
    /// Reads the headers of an accepting answer; `Azure-AsyncOperation` wins over `Location`.
    pub(crate) fn from_headers(headers: &reqwest::header::HeaderMap) -> Option<Self> {
        let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (address, polling) = match (of("azure-asyncoperation"), of("location")) {
            (Some(address), _) => (address, Polling::AsyncOperation),
            (None, Some(address)) => (address, Polling::Location),
            (None, None) => return None,
        };
        let url = url::Url::parse(address).ok()?;
        let path_and_query = url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        );
        Some(Self {
            path_and_query,
            polling,
            retry_after: retry_after(headers),
        })
    }

    /// What an answer to a poll means.
    pub(crate) fn read(&self, status: u16, body: Value, retry_after: Option<Duration>) -> Progress {
        if status == 404 {
            return Progress::Unknown;
        }
        if matches!(status, 202 | 408) {
            return Progress::Running {
                retry_after,
                waits_for: String::new(),
            };
        }
        if status >= 400 {
            return Progress::Failed(ArmError::Refused(Box::new(Refusal::read(
                status,
                &body,
                retry_after,
            ))));
        }
        if self.polling == Polling::Location {
            return Progress::Succeeded(body);
        }
        // As azurerm: an empty 200 is success, and a resource instead of an operation tells by its provisioning state.
        let state = body["status"]
            .as_str()
            .or_else(|| body["properties"]["provisioningState"].as_str());
        match state {
            None | Some("Succeeded") => Progress::Succeeded(body),
            Some(state @ ("Failed" | "Canceled" | "Cancelled")) => {
                let mut refusal = Refusal::read(status, &body, None);
                if body.get("error").is_none_or(Value::is_null) {
                    refusal.code = format!("Operation{state}");
                    refusal.message = format!("the operation ended as {state} without a reason");
                }
                Progress::Failed(ArmError::Refused(Box::new(refusal)))
            }
            Some(_) => {
                let waits_for = body["properties"]["message"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                Progress::Running {
                    retry_after,
                    waits_for,
                }
            }
        }
    }
}

/// `Retry-After` in whole seconds; zero is meant.
pub(crate) fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}
