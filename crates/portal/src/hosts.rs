//! The portal's way to the Git hosts: whom it reaches, and what it shows them.
//!
//! A host that shares Pave's people gets the credential that the person showed the portal, and decides about the person.
//! Every other host gets the integration's token, which nobody may borrow for changes.

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::http::{HeaderMap, HeaderValue, Method};
use pave_git::Credential;
use pave_hosts::{HostsError, Integrations, Provider};
use serde_json::Value;
use url::Url;

use crate::error::ApiError;

/// A JSON answer that the portal itself reads; longer ones are not what was asked for.
const LONGEST: usize = 16 * 1024 * 1024;

/// The hosts that the portal reaches.
pub(crate) struct Hosts {
    pub(crate) http: reqwest::Client,
    pub(crate) integrations: Integrations,
    /// Hosts (with port) that know the same people.
    pub(crate) shared: Vec<String>,
    /// Organizations that are there from the start, with their host.
    pub(crate) organizations: Vec<(String, String)>,
}

/// A place below a host's REST API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) organization: String,
    pub(crate) url: Url,
}

impl Hosts {
    /// The hosts that speak Azure DevOps' language, those of Pave's own people first.
    pub(crate) fn azure(&self) -> Vec<(String, Vec<String>)> {
        let mut hosts = self.integrations.azure_hosts();
        for (host, organization) in &self.organizations {
            let Some((_, known)) = hosts.iter_mut().find(|(name, _)| name == host) else {
                continue;
            };
            if !known.iter().any(|it| it.eq_ignore_ascii_case(organization)) {
                known.push(organization.clone());
            }
        }
        hosts.sort_by_key(|(host, _)| !self.shares(host));
        hosts
    }

    /// Whether a host knows the same people.
    pub(crate) fn shares(&self, host: &str) -> bool {
        self.shared.iter().any(|it| it == host)
    }

    /// Reads `host/organization/…/_apis/…` from a path, as it stands in the address.
    pub(crate) fn target(&self, path: &str, query: Option<&str>) -> Result<Target, ApiError> {
        let (host, rest) = path.split_once('/').unwrap_or((path, ""));
        let host = decode(host).to_lowercase();
        let unknown = || {
            ApiError::not_found(format!(
                "`{host}` is not a Git host that is set up under `integrations.azure`"
            ))
        };
        let mut url = Url::parse(&format!("https://{host}/")).map_err(|_| unknown())?;
        let plain = url.path() == "/" && url.username().is_empty() && url.password().is_none();
        if !plain || url.query().is_some() || self.integrations.provider(&url) != Some(Provider::Azure) {
            return Err(unknown());
        }
        url.set_path(rest);
        url.set_query(query);
        let mut segments = url.path_segments().into_iter().flatten();
        let organization = decode(segments.next().unwrap_or_default());
        if organization.is_empty() || !segments.any(|segment| segment.eq_ignore_ascii_case("_apis")) {
            return Err(ApiError::not_found(
                "only a host's REST API, `/{organization}/…/_apis/…`, is reached from here",
            ));
        }
        Ok(Target {
            host,
            organization,
            url,
        })
    }

    /// What is shown to the host: the person's own token, or the integration's for reading.
    fn credential(
        &self,
        target: &Target,
        method: &Method,
        own: &str,
    ) -> Result<Option<Credential>, ApiError> {
        if self.shares(&target.host) {
            return Ok(Some(Credential::token(own)));
        }
        if !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Err(ApiError::not_allowed(format!(
                "Pave only reads from {}, with the integration's token, and changes nothing there in your name; do this at {}",
                target.host,
                page_of(&target.url)
            )));
        }
        let any = format!("https://{}/{}/-/_git/-", target.host, target.organization);
        let found = self.integrations.repository_of(&any);
        found
            .and_then(|location| self.integrations.credential(&location))
            .map_err(|error| configuration(&error))
    }

    /// Sends a request on; the answer is the host's own.
    pub(crate) async fn send(
        &self,
        target: &Target,
        method: Method,
        headers: HeaderMap,
        body: Option<Body>,
        own: &str,
    ) -> Result<reqwest::Response, ApiError> {
        let credential = self.credential(target, &method, own)?;
        let mut request = self.http.request(method, target.url.clone()).headers(headers);
        if let Some(credential) = credential {
            request = request.header(AUTHORIZATION, credential.header());
        }
        if let Some(body) = body {
            request = request.body(reqwest::Body::wrap_stream(body.into_data_stream()));
        }
        let answer = request.send().await.map_err(|error| {
            tracing::warn!(
                host = target.host,
                error = &error as &dyn std::error::Error,
                "host does not answer"
            );
            ApiError::upstream(format!("{} does not answer", target.host))
        })?;
        self.recognised(target, &answer)?;
        Ok(answer)
    }

    /// Refuses answers that mean a credential was not accepted: no page may take them for the end of its own sign-in.
    fn recognised(&self, target: &Target, answer: &reqwest::Response) -> Result<(), ApiError> {
        let elsewhere = answer.url().host_str() != target.url.host_str();
        // Azure DevOps answers a bad token with its sign-in page and status 203.
        let refused = elsewhere || matches!(answer.status().as_u16(), 203 | 401);
        if !refused {
            return Ok(());
        }
        Err(if self.shares(&target.host) {
            ApiError::unauthenticated("the sign-in has ended")
        } else {
            ApiError::upstream(format!(
                "{} does not accept the integration's token for organization {}: it is missing, wrong or expired; see Settings, Integrations",
                target.host, target.organization
            ))
        })
    }

    /// Reads JSON, or the text of a file, as the person.
    pub(crate) async fn read(
        &self,
        target: &Target,
        accept: &'static str,
        own: &str,
    ) -> Result<Vec<u8>, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let answer = self.send(target, Method::GET, headers, None, own).await?;
        let status = answer.status();
        let body = axum::body::to_bytes(Body::from_stream(answer.bytes_stream()), LONGEST)
            .await
            .map_err(|_| ApiError::upstream(format!("{} broke off its answer", target.host)))?;
        if status.is_success() {
            return Ok(body.to_vec());
        }
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        let words = told["message"].as_str().unwrap_or("it gave no reason");
        Err(match status.as_u16() {
            403 => ApiError::not_allowed(words),
            404 => ApiError::not_found(words),
            _ => ApiError::upstream(format!("{} answered {status}: {words}", target.host)),
        })
    }

    /// Reads JSON as the person.
    pub(crate) async fn json(&self, target: &Target, own: &str) -> Result<Value, ApiError> {
        let body = self.read(target, "application/json", own).await?;
        serde_json::from_slice(&body)
            .map_err(|_| ApiError::upstream(format!("{} answered something that is not JSON", target.host)))
    }
}

fn configuration(error: &HostsError) -> ApiError {
    ApiError::upstream(error.to_string())
}

/// The page at the host that shows what a REST URL is about.
fn page_of(url: &Url) -> Url {
    let segments: Vec<&str> = url.path_segments().into_iter().flatten().collect();
    let at = segments
        .iter()
        .position(|it| it.eq_ignore_ascii_case("_apis"))
        .unwrap_or(segments.len());
    let (project, api) = segments.split_at(at);
    let mut path = project.join("/");
    let folded: Vec<String> = api.iter().map(|it| it.to_lowercase()).collect();
    let folded: Vec<&str> = folded.iter().map(String::as_str).collect();
    match folded.as_slice() {
        [_, "git", "repositories", _, "pullrequests", number, ..] => {
            path = format!("{path}/_git/{}/pullrequest/{number}", api.get(3).unwrap_or(&""));
        }
        [_, "git", "repositories", _, ..] => path = format!("{path}/_git/{}", api.get(3).unwrap_or(&"")),
        [_, "build", "builds", number, ..] => path = format!("{path}/_build/results?buildId={number}"),
        [_, "build" | "pipelines", ..] => path = format!("{path}/_build"),
        _ => {}
    }
    let mut page = url.clone();
    page.set_query(None);
    match path.split_once('?') {
        Some((path, query)) => {
            page.set_path(path);
            page.set_query(Some(query));
        }
        None => page.set_path(&path),
    }
    page
}

/// Percent-decodes a segment of a path.
pub(crate) fn decode(text: &str) -> String {
    // As a form value, but what has a meaning only in forms keeps to itself.
    let text = text.replace('+', "%2B").replace('&', "%26");
    url::form_urlencoded::parse(format!("={text}").as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hosts() -> Hosts {
        pave_keys::install_crypto();
        let config = json!({ "azure": [
            { "host": "127.0.0.1:7444", "credentials": [{ "personalAccessToken": "reader" }] },
            { "host": "dev.azure.com", "credentials": [{ "personalAccessToken": "cloud", "organizations": ["contoso"] }] },
        ] });
        Hosts {
            http: reqwest::Client::new(),
            integrations: Integrations::from_config(&config).unwrap(),
            shared: vec!["127.0.0.1:7444".into()],
            organizations: vec![("127.0.0.1:7444".into(), "pave".into())],
        }
    }

    #[test]
    fn only_rest_apis_of_known_hosts_are_reached() {
        let hosts = hosts();
        let check = |path: &str, expected: Option<&str>| {
            let found = hosts
                .target(path, Some("api-version=7.1"))
                .ok()
                .map(|it| it.url.to_string());
            assert_eq!(found.as_deref(), expected, "{path}");
        };
        check(
            "127.0.0.1:7444/pave/my%20project/_apis/git/repositories",
            Some("https://127.0.0.1:7444/pave/my%20project/_apis/git/repositories?api-version=7.1"),
        );
        check(
            "127.0.0.1%3A7444/pave/_apis/projects",
            Some("https://127.0.0.1:7444/pave/_apis/projects?api-version=7.1"),
        );
        check("github.com/pave/_apis/projects", None);
        check("169.254.169.254/pave/_apis/projects", None);
        check("127.0.0.1:7444/pave/project/_git/repo", None);
        check("127.0.0.1:7444/_apis/projects", None);
        check("dev.azure.com%2Fx/pave/_apis/projects", None);
        check("evil%40dev.azure.com/pave/_apis/projects", None);
        check("dev.azure.com%3Fx/pave/_apis/projects", None);
        check("", None);
    }

    #[test]
    fn the_integrations_token_only_reads() {
        let hosts = hosts();
        let there = hosts
            .target(
                "dev.azure.com/contoso/p/_apis/git/repositories/r/pullRequests/7/threads",
                None,
            )
            .unwrap();
        assert_eq!(
            hosts.credential(&there, &Method::GET, "own").unwrap(),
            Some(Credential::token("cloud"))
        );
        let refusal = format!(
            "{:?}",
            hosts.credential(&there, &Method::POST, "own").unwrap_err()
        );
        assert!(
            refusal.contains("https://dev.azure.com/contoso/p/_git/r/pullrequest/7"),
            "{refusal}"
        );
        let here = hosts
            .target("127.0.0.1:7444/pave/p/_apis/git/repositories/r/pushes", None)
            .unwrap();
        assert_eq!(
            hosts.credential(&here, &Method::POST, "own").unwrap(),
            Some(Credential::token("own"))
        );
    }

    #[test]
    fn own_people_come_first() {
        assert_eq!(
            hosts().azure(),
            [
                ("127.0.0.1:7444".to_owned(), vec!["pave".to_owned()]),
                ("dev.azure.com".to_owned(), vec!["contoso".to_owned()])
            ]
        );
    }
}
