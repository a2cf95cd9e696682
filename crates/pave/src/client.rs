//! The command line as a client of a running platform: the same REST API that the pages use.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::failure::Failure;
use crate::platform::instance::Instance;
use crate::platform::place::Place;
use crate::settings::Settings;
use crate::summary::Summary;

/// Talks to the portal as the person who runs the platform.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    /// The platform of the data directory if one is named, else that of `PAVE_URL` and `PAVE_TOKEN`, else the one that
    /// runs on the default directory.
    pub(crate) fn connect(place: &Place) -> Result<Self, Failure> {
        let given = (std::env::var("PAVE_URL"), std::env::var("PAVE_TOKEN"));
        let (base, token) = match given {
            (Ok(url), Ok(token)) if !place.is_named() => (url, token),
            _ => of_directory(place)?,
        };
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(anyhow::Error::from)?;
        Ok(Self { http, base, token })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::DELETE, path, None).await
    }

    /// A stream of server-sent events.
    pub(crate) async fn stream(&self, path: &str) -> Result<reqwest::Response, Failure> {
        let response = self.request(Method::GET, path, None).await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(refusal(response).await)
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let response = self.request(method, path, body).await?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        Ok(response.json().await.map_err(anyhow::Error::from)?)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<reqwest::Response, Failure> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| {
            Failure::user(format!(
                "the platform at {} does not answer: {}",
                self.base,
                pave_diagnostic::innermost(&error)
            ))
            .hint("see `pave status`")
        })
    }
}

/// Address and token of the platform that runs on a data directory.
fn of_directory(place: &Place) -> Result<(String, String), Failure> {
    if Instance::running(place)?.is_none() {
        return Err(
            Failure::user(format!("no platform runs on `{}`", place.root().display()))
                .hint("start it with `pave up`, or name another directory with `--data`"),
        );
    }
    let settings = Settings::read(place.root())?
        .ok_or_else(|| Failure::user("the platform is still starting").hint("try again in a moment"))?;
    let summary = Summary::read(place, &settings)?;
    Ok((summary.portal_url, summary.portal_token))
}

/// What the portal said, in its own words.
async fn refusal(response: reqwest::Response) -> Failure {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    let errors = body["errors"].as_array().into_iter().flatten();
    let told = |error: &Value| {
        let message = in_words(error)?;
        let field = error["property"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches("instance")
            .trim_start_matches('.');
        Some(if field.is_empty() {
            message
        } else {
            format!("{field} {message}")
        })
    };
    let words: Vec<String> = errors.filter_map(told).collect();
    let message = body["error"]["message"].as_str().map(ToOwned::to_owned);
    let message = message.unwrap_or_else(|| {
        if words.is_empty() {
            status.to_string()
        } else {
            words.join("; ")
        }
    });
    if status.is_server_error() && status != StatusCode::INSUFFICIENT_STORAGE {
        Failure::ours(message)
    } else {
        Failure::user(message)
    }
}

/// What is wrong with a value, for somebody who does not read regular expressions: the author's words, else what the
/// field says of itself.
fn in_words(error: &Value) -> Option<String> {
    let message = error["message"].as_str()?.to_owned();
    let schema = &error["schema"];
    let name = error["name"].as_str().unwrap_or_default();
    let said = |value: &Value| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
    };
    let author = said(&schema["errorMessage"]).or_else(|| said(&schema["errorMessage"][name]));
    if author.is_some() || name != "pattern" {
        return author.or(Some(message));
    }
    let help = said(&schema["ui:help"]).or_else(|| said(&schema["description"]));
    let example = said(&schema["examples"][0]).or_else(|| said(&schema["ui:placeholder"]));
    let mut words = "is not of the form that is expected".to_owned();
    if let Some(help) = help {
        words = format!("{words}: {}", help.trim_end_matches('.'));
    }
    if let Some(example) = example {
        words = format!("{words}, for example `{example}`");
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_is_told_in_words() {
        let check = |schema: Value, expected: &str| {
            let error = json!({ "name": "pattern", "message": "does not match pattern \"^[a-z]+$\"", "schema": schema });
            assert_eq!(in_words(&error).as_deref(), Some(expected));
        };
        check(json!({}), "is not of the form that is expected");
        check(
            json!({ "ui:help": "Lower-case letters.", "description": "Name", "examples": ["orders"] }),
            "is not of the form that is expected: Lower-case letters, for example `orders`",
        );
        check(
            json!({ "errorMessage": { "pattern": "write it small" } }),
            "write it small",
        );
        let other = json!({ "name": "required", "message": "requires property \"a\"", "schema": {} });
        assert_eq!(in_words(&other).as_deref(), Some("requires property \"a\""));
    }
}
