use std::collections::BTreeMap;

use serde_json::Value;

use super::{Kind, parameter};

impl Kind {
    /// What goes into the connection secret, as far as it is known yet.
    ///
    /// Upbound's provider writes the user name as `login@server` for flexible servers too, and each sensitive
    /// value a second time as `attribute.<name>`; compositions rely on both.
    #[must_use]
    pub fn connection_details(
        &self,
        observed: &Value,
        external_name: &str,
        parameters: &Value,
        password: Option<&str>,
    ) -> BTreeMap<String, String> {
        let mut details = BTreeMap::new();
        if !self.has_password {
            return details;
        }
        let mut add = |key: &str, value: &str| drop(details.insert(key.to_owned(), value.to_owned()));
        if let Some(endpoint) = observed["properties"]["fullyQualifiedDomainName"].as_str() {
            add("endpoint", endpoint);
            add("port", "5432");
        }
        let login = observed["properties"]["administratorLogin"].as_str();
        let login = login.or_else(|| parameter(parameters, "administratorLogin").and_then(Value::as_str));
        if let Some(login) = login {
            add("username", &format!("{login}@{external_name}"));
        }
        if let Some(password) = password {
            add("password", password);
            add("attribute.administrator_password", password);
        }
        details
    }
}
