//! The `integrations` section of Backstage's configuration.

use std::fmt;

use pave_git::Credential;
use serde_json::Value;
use url::Url;

use crate::location::host_of;
use crate::{HostsError, RepositoryLocation, azure, github};

/// Whose language a host speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Azure DevOps, in the cloud, on premises, or the embedded forge.
    Azure,
    /// GitHub, in the cloud or on premises.
    Github,
}

/// One configured host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) provider: Provider,
    pub(crate) name: String,
    credentials: Vec<HostCredential>,
    pub(crate) api: Option<String>,
    pub(crate) raw: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct HostCredential {
    organizations: Vec<String>,
    proof: Proof,
}

#[derive(Clone, PartialEq, Eq)]
enum Proof {
    Token(String),
    /// A service principal or managed identity, which has to be turned into a token by Entra ID first.
    Identity,
}

impl fmt::Debug for HostCredential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HostCredential")
            .field("organizations", &self.organizations)
            .finish_non_exhaustive()
    }
}

/// The hosts that are known, and what is shown to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrations {
    hosts: Vec<Host>,
}

impl Integrations {
    /// Reads the value of the key `integrations`; `null` gives the defaults, `dev.azure.com` and `github.com`
    /// without credentials.
    pub fn from_config(integrations: &Value) -> Result<Self, HostsError> {
        let mut hosts = Vec::new();
        for (index, entry) in entries(integrations, "azure")?.iter().enumerate() {
            hosts.push(azure_host(entry, &format!("integrations.azure[{index}]"))?);
        }
        for (index, entry) in entries(integrations, "github")?.iter().enumerate() {
            hosts.push(github_host(entry, &format!("integrations.github[{index}]"))?);
        }
        for (provider, name) in [
            (Provider::Azure, "dev.azure.com"),
            (Provider::Github, "github.com"),
        ] {
            if !hosts.iter().any(|host| host.name == name) {
                hosts.push(Host::anonymous(provider, name));
            }
        }
        Ok(Self { hosts })
    }

    /// The integration of a URL's host, which must match with its port.
    #[must_use]
    pub fn provider(&self, url: &Url) -> Option<Provider> {
        self.host(url).map(|host| host.provider)
    }

    /// What repository, path and version a URL names.
    pub fn repository_of(&self, url: &str) -> Result<RepositoryLocation, HostsError> {
        let parsed = parse_url(url)?;
        match self.provider(&parsed) {
            Some(Provider::Azure) => azure::parse(&parsed),
            Some(Provider::Github) => github::parse(&parsed),
            None => Err(HostsError::NoIntegration { url: url.to_owned() }),
        }
    }

    /// The same by Backstage's name for a place in a catalog or template.
    pub fn parse_location(&self, url: &str) -> Result<RepositoryLocation, HostsError> {
        self.repository_of(url)
    }

    /// Goes on from `base` to `relative`; an absolute URL is returned as it is.
    ///
    /// # Examples
    /// ```
    /// let integrations = pave_hosts::Integrations::from_config(&serde_json::Value::Null).unwrap();
    /// let base = "https://dev.azure.com/o/p/_git/r?path=/a/b.yaml";
    /// let there = integrations.resolve(base, "./c.yaml").unwrap();
    /// assert_eq!(there, "https://dev.azure.com/o/p/_git/r?path=%2Fa%2Fc.yaml");
    /// ```
    pub fn resolve(&self, base: &str, relative: &str) -> Result<String, HostsError> {
        if Url::parse(relative).is_ok() {
            return Ok(relative.to_owned());
        }
        let base_url = parse_url(base)?;
        let resolved = match self.provider(&base_url) {
            Some(Provider::Azure) => azure::resolve(&base_url, relative)?,
            Some(Provider::Github) => github::resolve(&base_url, relative)?,
            None => base_url.join(relative).map_err(|reason| HostsError::NotAUrl {
                url: relative.to_owned(),
                reason: reason.to_string(),
            })?,
        };
        Ok(resolved.into())
    }

    /// Where a person edits what a URL shows.
    pub fn edit_url(&self, url: &str) -> Result<String, HostsError> {
        let parsed = parse_url(url)?;
        match self.provider(&parsed) {
            Some(Provider::Github) => Ok(github::edit(&parsed).into()),
            _ => Ok(url.to_owned()),
        }
    }

    /// What to show the host of a repository.
    pub fn credential(&self, location: &RepositoryLocation) -> Result<Option<Credential>, HostsError> {
        let Some(host) = self.hosts.iter().find(|host| host.name == location.host) else {
            return Ok(None);
        };
        let for_organization = |credential: &&HostCredential| {
            credential
                .organizations
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&location.organization))
        };
        let chosen = host.credentials.iter().find(for_organization);
        let chosen = chosen.or_else(|| host.credentials.iter().find(|it| it.organizations.is_empty()));
        match (chosen.map(|it| &it.proof), host.provider) {
            (None, _) => Ok(None),
            (Some(Proof::Token(token)), Provider::Azure) => Ok(Some(Credential::token(token))),
            // GitHub takes a token as password of this user from Git and from REST alike.
            (Some(Proof::Token(token)), Provider::Github) => {
                Ok(Some(Credential::Basic { user: "x-access-token".to_owned(), password: token.clone() }))
            }
            (Some(Proof::Identity), _) => Err(HostsError::Configuration {
                field: format!("integrations.azure credentials of {}", host.name),
                message: "service principals and managed identities are not supported yet; use a personalAccessToken"
                    .to_owned(),
            }),
        }
    }

    /// The hosts that speak Azure DevOps' language and have a credential, with the organizations that the credentials
    /// name.
    #[must_use]
    pub fn azure_hosts(&self) -> Vec<(String, Vec<String>)> {
        let configured = |host: &&Host| host.provider == Provider::Azure && !host.credentials.is_empty();
        let organizations = |host: &Host| {
            let named = host
                .credentials
                .iter()
                .flat_map(|it| it.organizations.iter().cloned());
            (host.name.clone(), named.collect())
        };
        self.hosts.iter().filter(configured).map(organizations).collect()
    }

    pub(crate) fn host(&self, url: &Url) -> Option<&Host> {
        let name = host_of(url);
        let known = self.hosts.iter().find(|host| host.name == name);
        // `{organization}.visualstudio.com` is dev.azure.com by its old name.
        let legacy = || self.hosts.iter().find(|host| host.name == "dev.azure.com");
        known.or_else(|| {
            if name.ends_with(".visualstudio.com") {
                legacy()
            } else {
                None
            }
        })
    }
}

impl Host {
    fn anonymous(provider: Provider, name: &str) -> Self {
        Self {
            provider,
            name: name.to_owned(),
            credentials: Vec::new(),
            api: None,
            raw: None,
        }
    }
}

fn parse_url(url: &str) -> Result<Url, HostsError> {
    Url::parse(url).map_err(|reason| HostsError::NotAUrl {
        url: url.to_owned(),
        reason: reason.to_string(),
    })
}

fn entries<'a>(integrations: &'a Value, key: &str) -> Result<&'a [Value], HostsError> {
    match integrations.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(wrong(&format!("integrations.{key}"), "expected a list of hosts")),
    }
}

fn wrong(field: &str, message: impl Into<String>) -> HostsError {
    HostsError::Configuration {
        field: field.to_owned(),
        message: message.into(),
    }
}

fn text(entry: &Value, key: &str) -> Option<String> {
    entry
        .get(key)
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn host_name(entry: &Value, field: &str, default: &str) -> Result<String, HostsError> {
    let name = text(entry, "host")
        .unwrap_or_else(|| default.to_owned())
        .to_lowercase();
    if name.contains('/') || name.contains('@') {
        return Err(wrong(
            field,
            format!("`{name}` is not a host; write it without scheme and path, e.g. `{default}`"),
        ));
    }
    // Ports that a scheme implies do not appear in URLs either.
    Ok(name.strip_suffix(":443").unwrap_or(&name).to_owned())
}

fn azure_host(entry: &Value, field: &str) -> Result<Host, HostsError> {
    let name = host_name(entry, field, "dev.azure.com")?;
    for old in ["token", "credential"] {
        if entry.get(old).is_some() {
            let message =
                format!("`{old}` is no longer supported, use `credentials: [{{ personalAccessToken: … }}]`");
            return Err(wrong(&format!("{field}.{old}"), message));
        }
    }
    let list = match entry.get("credentials") {
        None | Some(Value::Null) => [].as_slice(),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong(&format!("{field}.credentials"), "expected a list")),
    };
    let mut credentials = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        credentials.push(azure_credential(
            entry,
            &name,
            &format!("{field}.credentials[{index}]"),
        )?);
    }
    check_organizations(&credentials, &format!("{field}.credentials"))?;
    Ok(Host {
        credentials,
        ..Host::anonymous(Provider::Azure, &name)
    })
}

fn azure_credential(entry: &Value, host: &str, field: &str) -> Result<HostCredential, HostsError> {
    let has = |key: &str| text(entry, key).is_some();
    let shape = (
        has("personalAccessToken"),
        has("clientId"),
        has("clientSecret"),
        has("tenantId"),
        has("managedIdentityClientId"),
    );
    let proof = match shape {
        (true, false, false, false, false) => {
            Proof::Token(text(entry, "personalAccessToken").unwrap_or_default())
        }
        (false, true, true, true, false)
        | (false, true, false, false, false)
        | (false, true, false, true, true) => Proof::Identity,
        _ => {
            let message = "give exactly one of: personalAccessToken; clientId, clientSecret and tenantId; clientId; clientId, managedIdentityClientId and tenantId";
            return Err(wrong(field, message));
        }
    };
    if matches!(proof, Proof::Identity) && host != "dev.azure.com" {
        return Err(wrong(
            field,
            format!("only a personalAccessToken can be used with {host}"),
        ));
    }
    let organizations = entry
        .get("organizations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let organizations = organizations
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    Ok(HostCredential { organizations, proof })
}

fn check_organizations(credentials: &[HostCredential], field: &str) -> Result<(), HostsError> {
    if credentials
        .iter()
        .filter(|it| it.organizations.is_empty())
        .count()
        > 1
    {
        return Err(wrong(
            field,
            "at most one credential may be without `organizations`",
        ));
    }
    let mut seen = Vec::new();
    for name in credentials.iter().flat_map(|it| &it.organizations) {
        if seen.contains(&name.to_lowercase()) {
            return Err(wrong(
                field,
                format!("organization `{name}` has more than one credential"),
            ));
        }
        seen.push(name.to_lowercase());
    }
    Ok(())
}

fn github_host(entry: &Value, field: &str) -> Result<Host, HostsError> {
    let name = host_name(entry, field, "github.com")?;
    let credentials = text(entry, "token").map(|token| HostCredential {
        organizations: Vec::new(),
        proof: Proof::Token(token),
    });
    let (api, raw) = (text(entry, "apiBaseUrl"), text(entry, "rawBaseUrl"));
    if name != "github.com" && api.is_none() && raw.is_none() {
        return Err(wrong(field, format!("`{name}` needs apiBaseUrl or rawBaseUrl")));
    }
    let trimmed = |url: Option<String>| url.map(|url| url.trim_end_matches('/').to_owned());
    Ok(Host {
        credentials: credentials.into_iter().collect(),
        api: trimmed(api),
        raw: trimmed(raw),
        ..Host::anonymous(Provider::Github, &name)
    })
}
