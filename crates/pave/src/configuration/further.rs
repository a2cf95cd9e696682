//! Further addresses of the forge (`pave.forge.alsoAt`), such as `https://dev.azure.com` on a machine of one's own.

use std::net::{Ipv4Addr, SocketAddr};

use pave_config::Config;
use pave_diagnostic::{Diagnostic, Diagnostics};
use serde_json::{Value, json};
use url::{Host, Url};

use super::at;

/// Where it is written.
const KEY: &str = "pave.forge.alsoAt";

/// An address by which clients ask for the forge, beside its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FurtherAddress {
    /// What URLs in answers begin with for whoever asks by this name: scheme, name, port.
    pub(crate) url: Url,
    /// Where to listen for it; none where somebody else takes the requests and hands them on.
    pub(crate) listen: Option<SocketAddr>,
}

impl FurtherAddress {
    /// The name that the certificate has to hold.
    pub(crate) fn name(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Name and port as they stand in URLs: without the port that everybody assumes.
    pub(crate) fn authority(&self) -> String {
        self.url.port().map_or_else(
            || self.name().to_owned(),
            |port| format!("{}:{port}", self.name()),
        )
    }
}

/// What the flag `--forge-at` says, as the configuration would say it.
pub(super) fn of_flags(urls: &[String]) -> Value {
    urls.iter().map(|url| json!({ "url": url })).collect()
}

/// Reads the list; what is wrong with an entry is an error at its place.
pub(super) fn read(config: &Config, diagnostics: &mut Diagnostics) -> Vec<FurtherAddress> {
    let mut known: Vec<FurtherAddress> = Vec::new();
    let entries = config.get(KEY).unwrap_or_default();
    for (index, entry) in entries.as_array().into_iter().flatten().enumerate() {
        match address(entry) {
            Ok(address) if known.iter().any(|it| it.url == address.url) => {}
            Ok(address) => known.push(address),
            Err((field, message, help)) => {
                let path = format!("{KEY}[{index}].{field}");
                let finding = Diagnostic::error("PV2406", format!("`{path}` {message}")).with_help(help);
                diagnostics.push(at(config, finding, &path));
            }
        }
    }
    known
}

/// A field, what is wrong with it, and what to write.
type Wrong = (&'static str, &'static str, &'static str);

fn address(entry: &Value) -> Result<FurtherAddress, Wrong> {
    let wrong = |message| {
        (
            "url",
            message,
            "write scheme and name only, as in `https://dev.azure.com`",
        )
    };
    let text = entry["url"].as_str().ok_or_else(|| wrong("is missing"))?;
    let url = Url::parse(text).map_err(|_| wrong("is not a URL"))?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if url.scheme() != "https" || !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("is not an `https` URL without path"));
    }
    if !matches!(url.host(), Some(Host::Domain(_) | Host::Ipv4(_))) {
        return Err(wrong("names no host"));
    }
    let port = url.port().unwrap_or(443);
    let listen = match &entry["listen"] {
        Value::Null => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        Value::Bool(false) => None,
        other => Some(listener(other.as_str().unwrap_or_default())?),
    };
    Ok(FurtherAddress { url, listen })
}

/// The forge is for this machine: others come through a proxy, which decides who may.
fn listener(text: &str) -> Result<SocketAddr, Wrong> {
    let help = "write an address and a port as in `127.0.0.1:443`, or `false` where a proxy hands requests on to the forge's own port";
    let address: SocketAddr = text
        .parse()
        .map_err(|_| ("listen", "is not an address with a port", help))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(("listen", "is not an address of this machine alone", help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_name_and_a_listener() {
        let check = |entry: Value, expected: Result<(&str, Option<&str>), (&str, &str)>| {
            let found = address(&entry)
                .map(|it| (it.authority(), it.listen.map(|it| it.to_string())))
                .map_err(|(field, message, _)| (field, message));
            let expected = expected.map(|(name, listen)| (name.to_owned(), listen.map(ToOwned::to_owned)));
            assert_eq!(found, expected, "{entry}");
        };
        let at = |url: &str| json!({ "url": url });
        check(
            at("https://dev.azure.com"),
            Ok(("dev.azure.com", Some("127.0.0.1:443"))),
        );
        check(
            at("https://DEV.azure.com:7444/"),
            Ok(("dev.azure.com:7444", Some("127.0.0.1:7444"))),
        );
        check(
            json!({ "url": "https://dev.azure.com", "listen": "127.0.0.2:8443" }),
            Ok(("dev.azure.com", Some("127.0.0.2:8443"))),
        );
        check(
            json!({ "url": "https://git.example.com", "listen": false }),
            Ok(("git.example.com", None)),
        );
        let path = Err(("url", "is not an `https` URL without path"));
        check(at("https://dev.azure.com/pave"), path);
        check(at("http://dev.azure.com"), path);
        check(at("https://alice@dev.azure.com"), path);
        check(at("dev.azure.com"), Err(("url", "is not a URL")));
        check(json!({}), Err(("url", "is missing")));
        check(
            json!({ "url": "https://dev.azure.com", "listen": "0.0.0.0:443" }),
            Err(("listen", "is not an address of this machine alone")),
        );
        check(
            json!({ "url": "https://dev.azure.com", "listen": 443 }),
            Err(("listen", "is not an address with a port")),
        );
    }
}
