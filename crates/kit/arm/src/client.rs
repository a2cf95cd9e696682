use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{ArmError, Refusal};
use crate::operation::{Operation, Progress, retry_after};
use crate::token::TokenCache;
use crate::{Credential, Environment};

/// Answers are waited for this long: ARM itself gives up after a minute.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Time between two attempts to reach a Resource Manager that does not answer.
const PAUSE: Duration = Duration::from_millis(250);

/// Speaks ARM as one principal. Clones share the access token.
#[derive(Clone)]
pub struct ArmClient {
    http: reqwest::Client,
    environment: Arc<Environment>,
    tokens: Arc<TokenCache>,
    correlation: Option<Uuid>,
    patience: Duration,
}

impl fmt::Debug for ArmClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ArmClient");
        shown
            .field("environment", &self.environment)
            .field("correlation", &self.correlation);
        shown.finish_non_exhaustive()
    }
}

/// What ARM said to a request that it accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// HTTP status, 200 to 204.
    pub status: u16,
    /// The document sent along; null if none.
    pub body: Value,
    /// The operation to follow, if the work goes on.
    pub operation: Option<Operation>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl ArmClient {
    /// A client that has no token yet; the first request fetches it.
    #[must_use]
    pub fn new(http: reqwest::Client, environment: Environment, credential: Credential) -> Self {
        let tokens = Arc::new(TokenCache::new(credential));
        Self {
            http,
            environment: Arc::new(environment),
            tokens,
            correlation: None,
            patience: Duration::ZERO,
        }
    }

    /// The same client, which asks again for that long where nothing answers: a Resource Manager that restarts goes on
    /// with what it had accepted. Only for requests that may be sent twice, as all of a resource's own are.
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        Self {
            patience,
            ..self.clone()
        }
    }

    /// The same client, whose requests carry `x-ms-correlation-request-id`: the road id as UUID.
    #[must_use]
    pub fn correlated(&self, correlation: Option<Uuid>) -> Self {
        Self {
            correlation,
            ..self.clone()
        }
    }

    /// The token that requests are sent with: who this principal is stands in its claims only.
    pub async fn access_token(&self) -> Result<String, ArmError> {
        self.tokens.get(&self.http, &self.environment).await
    }

    /// Reads a resource; none if it, or what it would stand in, does not exist.
    pub async fn get(&self, path: &str, api_version: &str) -> Result<Option<Value>, ArmError> {
        let answer = self
            .send(Method::GET, &versioned(path, api_version), None)
            .await?;
        match answer.status {
            404 => Ok(None),
            _ => self.accept(path, answer).map(|accepted| Some(accepted.body)),
        }
    }

    /// Reads a list, all its pages.
    pub async fn list(&self, path: &str, api_version: &str) -> Result<Vec<Value>, ArmError> {
        let mut items = Vec::new();
        let mut next = Some(versioned(path, api_version));
        while let Some(target) = next {
            let answer = self.send(Method::GET, &target, None).await?;
            let mut body = self.accept(path, answer)?.body;
            // Path and query only: the next page is asked of the same Resource Manager, never of another host.
            next = body["nextLink"].as_str().and_then(path_and_query);
            if let Value::Array(page) = body["value"].take() {
                items.extend(page);
            }
        }
        Ok(items)
    }

    /// Creates or replaces a resource.
    pub async fn put(&self, path: &str, api_version: &str, body: &Value) -> Result<Accepted, ArmError> {
        self.change(Method::PUT, path, api_version, Some(body)).await
    }

    /// Changes parts of a resource.
    pub async fn patch(&self, path: &str, api_version: &str, body: &Value) -> Result<Accepted, ArmError> {
        self.change(Method::PATCH, path, api_version, Some(body)).await
    }

    /// Calls an action of a resource.
    pub async fn post(&self, path: &str, api_version: &str, body: &Value) -> Result<Accepted, ArmError> {
        self.change(Method::POST, path, api_version, Some(body)).await
    }

    /// Deletes a resource; none if it was not there.
    pub async fn delete(&self, path: &str, api_version: &str) -> Result<Option<Accepted>, ArmError> {
        match self.change(Method::DELETE, path, api_version, None).await {
            Ok(accepted) => Ok(Some(accepted)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks once how an operation stands. Keeps no state: dropping the future loses nothing.
    pub async fn poll(&self, operation: &Operation) -> Result<Progress, ArmError> {
        let answer = self.send(Method::GET, &operation.path_and_query, None).await?;
        if matches!(answer.status, 401 | 403 | 429 | 500..) {
            // The question was refused, which says nothing about the operation.
            return Err(refusal(&answer));
        }
        let retry_after = retry_after(&answer.headers);
        Ok(operation.read(answer.status, answer.body, retry_after))
    }

    async fn change(
        &self,
        method: Method,
        path: &str,
        api_version: &str,
        body: Option<&Value>,
    ) -> Result<Accepted, ArmError> {
        let answer = self.send(method, &versioned(path, api_version), body).await?;
        self.accept(path, answer)
    }

    fn accept(&self, path: &str, answer: Answer) -> Result<Accepted, ArmError> {
        match answer.status {
            200..=204 => {
                let operation = Operation::from_headers(&answer.headers);
                Ok(Accepted {
                    status: answer.status,
                    body: answer.body,
                    operation,
                })
            }
            400.. => Err(refusal(&answer)),
            status => Err(ArmError::Unreadable {
                url: self.url(path),
                status,
                reason: "the status means nothing here".to_owned(),
            }),
        }
    }

    /// Sends, and again as long as nothing answers and there is patience.
    async fn send(&self, method: Method, target: &str, body: Option<&Value>) -> Result<Answer, ArmError> {
        let began = Instant::now();
        loop {
            match self.send_once(method.clone(), target, body).await {
                Err(ArmError::Transport { .. }) if began.elapsed() < self.patience => {
                    tokio::time::sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    /// Sends with a token; once more with a fresh one if ARM does not take the first.
    async fn send_once(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ArmError> {
        let token = self.tokens.get(&self.http, &self.environment).await?;
        let answer = self.send_with(&token, method.clone(), target, body).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.tokens.forget(&token).await;
        let fresh = self.tokens.get(&self.http, &self.environment).await?;
        self.send_with(&fresh, method, target, body).await
    }

    async fn send_with(
        &self,
        token: &str,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ArmError> {
        let url = self.url(target);
        let mut request = self
            .http
            .request(method, &url)
            .bearer_auth(token)
            .timeout(TIMEOUT);
        if let Some(correlation) = self.correlation {
            request = request.header("x-ms-correlation-request-id", correlation.to_string());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|source| transport(&url, source))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.map_err(|source| transport(&url, source))?;
        let body = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            // Refusals by a proxy and empty answers carry no JSON; their status says enough.
            Err(_) if bytes.is_empty() || status >= 400 => Value::Null,
            Err(error) => {
                let url = without_query(&url);
                return Err(ArmError::Unreadable {
                    url,
                    status,
                    reason: error.to_string(),
                });
            }
        };
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    fn url(&self, target: &str) -> String {
        let base = self.environment.resource_manager.as_str().trim_end_matches('/');
        format!("{base}/{}", target.trim_start_matches('/'))
    }
}

fn path_and_query(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    let query = url.query().unwrap_or_default();
    Some(format!("{}?{query}", url.path()))
}

fn versioned(path: &str, api_version: &str) -> String {
    format!("{path}?api-version={api_version}")
}

fn refusal(answer: &Answer) -> ArmError {
    let retry_after = retry_after(&answer.headers);
    ArmError::Refused(Box::new(Refusal::read(answer.status, &answer.body, retry_after)))
}

/// Wraps a failure to get through; the query stays out of it.
pub(crate) fn transport(url: &str, source: reqwest::Error) -> ArmError {
    ArmError::Transport {
        url: without_query(url),
        source: source.without_url(),
    }
}

fn without_query(url: &str) -> String {
    url.split('?').next().unwrap_or(url).to_owned()
}
