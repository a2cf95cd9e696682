use http::{HeaderMap, header};

use super::failure::Failure;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Yaml,
}

/// What is made of the objects in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    /// A table; the version of `meta.k8s.io` asked for.
    Table(String),
    /// Metadata only.
    Partial(String),
    /// Discovery in one document; its version.
    Discovery(String),
}

/// The outcome of content negotiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    pub(crate) encoding: Encoding,
    pub(crate) form: Form,
}

/// Walks the `Accept` header in order and takes the first entry that can be served.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Accept, Failure> {
    let whole = Accept {
        encoding: Encoding::Json,
        form: Form::Whole,
    };
    let Some(accept) = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
    else {
        return Ok(whole);
    };
    if accept.trim().is_empty() {
        return Ok(whole);
    }
    accept.split(',').find_map(entry).ok_or_else(|| {
        let message = "only the following media types are accepted: application/json, application/yaml, \
                       application/vnd.kubernetes.protobuf";
        Failure::new(406, "NotAcceptable", message)
    })
}

fn entry(entry: &str) -> Option<Accept> {
    let mut parts = entry.split(';').map(str::trim);
    let encoding = match parts.next()? {
        "application/json" | "*/*" | "application/*" => Encoding::Json,
        "application/yaml" => Encoding::Yaml,
        _ => return None,
    };
    let (mut transform, mut group, mut version) = ("", "", "");
    for part in parts {
        match part.split_once('=') {
            Some(("as", value)) => transform = value,
            Some(("g", value)) => group = value,
            Some(("v", value)) => version = value,
            _ => {}
        }
    }
    let form = match (transform, group, version) {
        ("", _, _) => Form::Whole,
        ("Table", "meta.k8s.io", "v1" | "v1beta1") => Form::Table(version.to_owned()),
        ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io", "v1" | "v1beta1") => {
            Form::Partial(version.to_owned())
        }
        ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2" | "v2beta1") => {
            Form::Discovery(version.to_owned())
        }
        _ => return None,
    };
    Some(Accept { encoding, form })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_that_can_be_served_wins() {
        let check = |header_value: &str, expected: Option<(Encoding, Form)>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, header_value.parse().unwrap());
            let accept = negotiate(&headers)
                .ok()
                .map(|accept| (accept.encoding, accept.form));
            assert_eq!(accept, expected, "{header_value}");
        };
        let json = |form| Some((Encoding::Json, form));
        check(
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
            json(Form::Table("v1".into())),
        );
        check("application/vnd.kubernetes.protobuf, */*", json(Form::Whole));
        check(
            "application/json;as=Table;v=v9;g=meta.k8s.io,application/json",
            json(Form::Whole),
        );
        check(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer",
            json(Form::Discovery("v2".into())),
        );
        check("application/yaml", Some((Encoding::Yaml, Form::Whole)));
        check("text/html", None);
    }
}
