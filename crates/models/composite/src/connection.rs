//! Connection details: what of a composed resource is published in the composite resource's secret.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::gofmt::sprintf;
use crate::path::FieldPath;

/// Keys and values of a connection secret.
pub type Details = BTreeMap<String, Vec<u8>>;

/// One entry of `connectionDetails`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionDetail {
    /// Key in the secret of the composite resource.
    pub name: String,
    /// Where its value comes from.
    pub source: DetailSource,
}

/// Where a detail comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum DetailSource {
    /// A key of the composed resource's own connection secret.
    SecretKey(String),
    /// A field of the composed resource.
    Field(FieldPath),
    /// A constant.
    Value(String),
    /// Pave's extension: several values formatted into one, as a connection URI needs.
    Combine {
        /// Go format.
        format: String,
        /// Its arguments.
        variables: Vec<Variable>,
    },
}

/// An argument of a combined detail.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    source: VariableSource,
    encode: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum VariableSource {
    SecretKey(String),
    Field(FieldPath),
    CompositeField(FieldPath),
}

impl ConnectionDetail {
    /// Reads one entry. As in 1.x, a missing type follows from the field that is set, a missing name from the key.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let kind = match text("type") {
            Some(kind) => kind,
            None if text("fromConnectionSecretKey").is_some() => "FromConnectionSecretKey",
            None if text("fromFieldPath").is_some() => "FromFieldPath",
            None if text("value").is_some() => "FromValue",
            None => {
                return Err("connection detail has no `type`, and none follows from its fields".to_owned());
            }
        };
        let needed =
            |name: &str| text(name).ok_or_else(|| format!("connection detail {kind} has no `{name}`"));
        let source = match kind {
            "FromConnectionSecretKey" => {
                DetailSource::SecretKey(needed("fromConnectionSecretKey")?.to_owned())
            }
            "FromFieldPath" => DetailSource::Field(path(needed("fromFieldPath")?)?),
            "FromValue" => DetailSource::Value(needed("value")?.to_owned()),
            "FromCombine" => parse_combine(value)?,
            other => return Err(format!("connection detail type `{other}` is unknown")),
        };
        let name = match (text("name"), &source) {
            (Some(name), _) => name.to_owned(),
            (None, DetailSource::SecretKey(key)) => key.clone(),
            (None, _) => return Err(format!("connection detail {kind} has no `name`")),
        };
        Ok(Self { name, source })
    }

    /// Whether upstream does not know this type.
    #[must_use]
    pub fn is_extension(&self) -> bool {
        matches!(self.source, DetailSource::Combine { .. })
    }

    fn extract(&self, composite: &Value, object: &Value, secret: &Details) -> Option<Vec<u8>> {
        match &self.source {
            DetailSource::SecretKey(key) => secret.get(key).cloned(),
            DetailSource::Field(path) => path.get(object).ok().map(|it| printed(it).into_bytes()),
            DetailSource::Value(value) => Some(value.clone().into_bytes()),
            DetailSource::Combine { format, variables } => {
                let arguments = variables
                    .iter()
                    .map(|it| it.read(composite, object, secret).map(Value::String))
                    .collect::<Option<Vec<_>>>()?;
                Some(sprintf(format, &arguments).into_bytes())
            }
        }
    }
}

/// All details that can be had from an observed composed resource. Absent ones are left out, as upstream does.
#[must_use]
pub fn extract(details: &[ConnectionDetail], composite: &Value, object: &Value, secret: &Details) -> Details {
    details
        .iter()
        .filter_map(|it| {
            it.extract(composite, object, secret)
                .map(|value| (it.name.clone(), value))
        })
        .collect()
}

impl Variable {
    fn parse(value: &Value) -> Result<Self, String> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let source = if let Some(key) = text("fromConnectionSecretKey") {
            VariableSource::SecretKey(key.to_owned())
        } else if let Some(field) = text("fromFieldPath") {
            VariableSource::Field(path(field)?)
        } else if let Some(field) = text("fromCompositeFieldPath") {
            VariableSource::CompositeField(path(field)?)
        } else {
            return Err(
                "a variable needs fromConnectionSecretKey, fromFieldPath or fromCompositeFieldPath"
                    .to_owned(),
            );
        };
        match text("encode") {
            None | Some("none") => Ok(Self {
                source,
                encode: false,
            }),
            Some("uri") => Ok(Self { source, encode: true }),
            Some(other) => Err(format!("`encode: {other}` is unknown; known are none, uri")),
        }
    }

    fn read(&self, composite: &Value, object: &Value, secret: &Details) -> Option<String> {
        let text = match &self.source {
            VariableSource::SecretKey(key) => String::from_utf8(secret.get(key)?.clone()).ok()?,
            VariableSource::Field(path) => printed(path.get(object).ok()?),
            VariableSource::CompositeField(path) => printed(path.get(composite).ok()?),
        };
        Some(if self.encode { percent_encode(&text) } else { text })
    }
}

fn parse_combine(value: &Value) -> Result<DetailSource, String> {
    let body = value.get("combine").unwrap_or(value);
    match body.get("strategy").and_then(Value::as_str) {
        Some("string") | None => {}
        Some(other) => return Err(format!("`strategy: {other}` is unknown; known is string")),
    }
    let format = body
        .pointer("/string/fmt")
        .and_then(Value::as_str)
        .ok_or("`string.fmt` is missing")?;
    let variables = body
        .get("variables")
        .and_then(Value::as_array)
        .ok_or("`variables` is missing")?;
    let variables = variables
        .iter()
        .map(Variable::parse)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(DetailSource::Combine {
        format: format.to_owned(),
        variables,
    })
}

fn path(text: &str) -> Result<FieldPath, String> {
    FieldPath::parse(text).map_err(|error| error.to_string())
}

/// A string as it is, anything else as JSON.
fn printed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Percent-encodes all but the unreserved characters of RFC 3986, so that the text may stand anywhere in a URI.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&crate::hash::hex(&[byte]).to_uppercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(detail: &Value, expected: Result<Option<(&str, &str)>, &str>) {
        let composite = json!({"spec": {"dbName": "my orders"}});
        let object = json!({"status": {"fqdn": "s.example.com", "port": 5432}});
        let secret: Details = [
            ("username".to_owned(), b"alice@srv".to_vec()),
            ("password".to_owned(), b"p/w:%\xc3\xbc".to_vec()),
        ]
        .into();
        let result = ConnectionDetail::parse(detail).map(|it| {
            let details = extract(std::slice::from_ref(&it), &composite, &object, &secret);
            details
                .into_iter()
                .next()
                .map(|(key, value)| (key, String::from_utf8(value).unwrap()))
        });
        match (result, expected) {
            (Ok(found), Ok(expected)) => {
                let found = found.as_ref().map(|(key, value)| (key.as_str(), value.as_str()));
                assert_eq!(found, expected, "{detail}");
            }
            (Err(error), Err(part)) => assert!(error.contains(part), "{detail}: {error}"),
            (found, expected) => panic!("{detail}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn details_come_from_secret_field_and_value() {
        check(
            &json!({"fromConnectionSecretKey": "username"}),
            Ok(Some(("username", "alice@srv"))),
        );
        check(
            &json!({"name": "user", "fromConnectionSecretKey": "username"}),
            Ok(Some(("user", "alice@srv"))),
        );
        check(
            &json!({"name": "x", "type": "FromConnectionSecretKey", "fromConnectionSecretKey": "no"}),
            Ok(None),
        );
        check(
            &json!({"name": "port", "fromFieldPath": "status.port"}),
            Ok(Some(("port", "5432"))),
        );
        check(
            &json!({"name": "host", "type": "FromFieldPath", "fromFieldPath": "status.fqdn"}),
            Ok(Some(("host", "s.example.com"))),
        );
        check(
            &json!({"name": "a", "type": "FromFieldPath", "fromFieldPath": "status.no"}),
            Ok(None),
        );
        check(&json!({"name": "k", "value": "v"}), Ok(Some(("k", "v"))));
        check(&json!({"fromFieldPath": "status.port"}), Err("has no `name`"));
        check(&json!({"name": "k"}), Err("has no `type`"));
        check(&json!({"name": "k", "type": "FromMars"}), Err("unknown"));
    }

    #[test]
    fn a_uri_is_combined_and_encoded() {
        let uri = json!({"name": "uri", "type": "FromCombine", "strategy": "string",
            "string": {"fmt": "postgresql://%s:%s@%s:%s/%s?sslmode=require"},
            "variables": [
                {"fromConnectionSecretKey": "username", "encode": "uri"},
                {"fromConnectionSecretKey": "password", "encode": "uri"},
                {"fromFieldPath": "status.fqdn"}, {"fromFieldPath": "status.port"},
                {"fromCompositeFieldPath": "spec.dbName", "encode": "uri"}]});
        let expected =
            "postgresql://alice%40srv:p%2Fw%3A%25%C3%BC@s.example.com:5432/my%20orders?sslmode=require";
        check(&uri, Ok(Some(("uri", expected))));
        let mut missing = uri.clone();
        missing["variables"][0]["fromConnectionSecretKey"] = json!("nobody");
        check(&missing, Ok(None));
        let mut bad = uri;
        bad["variables"][0]["encode"] = json!("rot13");
        check(&bad, Err("unknown"));
    }
}
