//! Repository addresses as templates write them: `host?owner=…&repo=…`.

use serde::{Deserialize, Serialize};

/// The parts of a `repoUrl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryUrl {
    /// Host, with port.
    pub host: String,
    /// GitHub's owner.
    pub owner: Option<String>,
    /// Azure DevOps' organization.
    pub organization: Option<String>,
    /// Bitbucket's workspace.
    pub workspace: Option<String>,
    /// Project, where the host has projects.
    pub project: Option<String>,
    /// Repository.
    pub repository: Option<String>,
}

impl RepositoryUrl {
    /// Parses `host?owner=&repo=` and `host?organization=&project=&repo=`.
    ///
    /// The error says what is missing, in upstream's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (host, query) = rest.split_once('?').unwrap_or((rest, ""));
        let host = host.trim_end_matches('/');
        let valid = |char: char| char.is_ascii_alphanumeric() || ".-_[]".contains(char);
        let (name, port) = host.rsplit_once(':').map_or((host, "0"), |parts| parts);
        if name.is_empty() || !name.chars().all(valid) || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!(
                "Invalid repo URL passed to publisher, got {text}, not a valid URL"
            ));
        }
        let mut parsed = Self {
            host: host.to_owned(),
            ..Self::default()
        };
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = Some(decode(value)).filter(|value| !value.is_empty());
            match key {
                "owner" => parsed.owner = value,
                "organization" => parsed.organization = value,
                "workspace" => parsed.workspace = value,
                "project" => parsed.project = value,
                "repo" => parsed.repository = value,
                _ => {}
            }
        }
        if parsed.repository.is_none() {
            return Err(format!(
                "Invalid repo URL passed to publisher: {text}, missing repo"
            ));
        }
        Ok(parsed)
    }

    /// The clone URL on an Azure DevOps host, if organization and repository are named.
    ///
    /// Old values carry the organization as `owner`; without a project it has the repository's name.
    #[must_use]
    pub fn azure_remote(&self) -> Option<String> {
        let organization = self.organization.as_deref().or(self.owner.as_deref())?;
        let repository = self.repository.as_deref()?;
        let project = self.project.as_deref().unwrap_or(repository);
        let [organization, project, repository] = [organization, project, repository].map(encode);
        Some(format!(
            "https://{}/{organization}/{project}/_git/{repository}",
            self.host
        ))
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let azure =
            RepositoryUrl::parse("dev.azure.com?organization=acme&project=my%20team&repo=infra").unwrap();
        assert_eq!(azure.project.as_deref(), Some("my team"));
        assert_eq!(
            azure.azure_remote().as_deref(),
            Some("https://dev.azure.com/acme/my%20team/_git/infra")
        );
        let local =
            RepositoryUrl::parse("127.0.0.1:7443?organization=pave&project=platform&repo=configs").unwrap();
        assert_eq!(
            local.azure_remote().as_deref(),
            Some("https://127.0.0.1:7443/pave/platform/_git/configs")
        );
        assert!(RepositoryUrl::parse("github.com:my-org/platform-configs").is_err());
        assert!(RepositoryUrl::parse("github.com?owner=a").is_err());
    }
}
