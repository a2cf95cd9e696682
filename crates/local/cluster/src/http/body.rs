use http::{HeaderMap, header};
use serde_json::Value;

use super::failure::Failure;
use super::protobuf;

/// The largest request body.
pub(crate) const LIMIT: usize = 3 * 1024 * 1024;

/// A decoded body, and the fields that stood twice in it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<String>,
}

/// The media type of a request without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Decodes an object in any of the accepted encodings.
pub(crate) fn decode(headers: &HeaderMap, body: &[u8]) -> Result<Decoded, Failure> {
    match media_type(headers).as_str() {
        "" | "application/json" => json(body),
        "application/yaml" => yaml(body),
        "application/vnd.kubernetes.protobuf" => {
            let value = protobuf::decode(body).map_err(Failure::bad_request)?;
            Ok(Decoded {
                value,
                duplicates: Vec::new(),
            })
        }
        other => Err(unsupported(
            other,
            "application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// 415 naming what would have been accepted.
pub(crate) fn unsupported(found: &str, accepted: &str) -> Failure {
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {accepted} (got {found})"
    );
    Failure::new(415, "UnsupportedMediaType", message)
}

/// Reads JSON, noting duplicate fields.
pub(crate) fn json(body: &[u8]) -> Result<Decoded, Failure> {
    let (value, duplicates) =
        pave_schema::duplicate::parse_json_reporting_duplicates(body).map_err(|error| {
            Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
        })?;
    Ok(Decoded { value, duplicates })
}

/// Reads the first document of a YAML stream; JSON is YAML too.
pub(crate) fn yaml(body: &[u8]) -> Result<Decoded, Failure> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        return json(body);
    }
    let text = std::str::from_utf8(body).map_err(|_| Failure::bad_request("the body is not UTF-8"))?;
    let (documents, diagnostics) = pave_yaml::parse("body", text, pave_yaml::Dialect::Kubernetes);
    let Some(document) = documents.first() else {
        let why = diagnostics
            .first()
            .map(|diagnostic| diagnostic.message.clone())
            .unwrap_or_default();
        return Err(Failure::bad_request(format!("yaml: {why}")));
    };
    let duplicates = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.code == "PV0102")
        .filter_map(|diagnostic| diagnostic.labels.first().map(|label| label.path.clone()))
        .collect();
    Ok(Decoded {
        value: document.to_value(),
        duplicates,
    })
}
