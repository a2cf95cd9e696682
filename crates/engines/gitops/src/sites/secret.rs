use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use super::PATIENCE;

/// What a cluster Secret of Argo CD says.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ClusterSecret {
    pub(super) name: String,
    pub(super) server: String,
    /// The only project that may use it; empty for all.
    pub(super) project: String,
    config: Value,
}

impl ClusterSecret {
    pub(super) fn read(secret: &Value) -> Result<Self, String> {
        let text = |name: &str| {
            let data = secret["data"][name].as_str().unwrap_or_default();
            let bytes = STANDARD
                .decode(data)
                .map_err(|_| format!("`{name}` is not base64"))?;
            String::from_utf8(bytes).map_err(|_| format!("`{name}` is not text"))
        };
        let server = text("server")?;
        if server.is_empty() {
            return Err("`server` is missing".to_owned());
        }
        let config = text("config")?;
        let config = if config.trim().is_empty() {
            json!({})
        } else {
            serde_json::from_str(&config).map_err(|error| format!("`config` is not JSON: {error}"))?
        };
        let name = text("name")?;
        Ok(Self {
            name: if name.is_empty() { server.clone() } else { name },
            server,
            project: text("project")?,
            config,
        })
    }

    /// A client's configuration. No file of this machine is named by it, whatever the Secret says.
    pub(super) async fn config(&self) -> Result<Config, String> {
        if !self.config["awsAuthConfig"].is_null() {
            return Err(
                "`awsAuthConfig` is not supported; use `bearerToken` or `execProviderConfig`".to_owned(),
            );
        }
        let kubeconfig: Kubeconfig = serde_json::from_value(self.kubeconfig())
            .map_err(|error| format!("`config` is not as expected: {error}"))?;
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|error| format!("`config` cannot be used: {error}"))?;
        config.connect_timeout = Some(PATIENCE);
        Ok(config)
    }

    /// The same in the words of a kubeconfig. `caData` and its like are base64 of PEM in both.
    fn kubeconfig(&self) -> Value {
        let tls = &self.config["tlsClientConfig"];
        let exec = &self.config["execProviderConfig"];
        let mut cluster = json!({ "server": self.server });
        set(&mut cluster, "certificate-authority-data", &tls["caData"]);
        set(&mut cluster, "tls-server-name", &tls["serverName"]);
        set(&mut cluster, "insecure-skip-tls-verify", &tls["insecure"]);
        set(&mut cluster, "proxy-url", &self.config["proxyUrl"]);
        let mut user = json!({});
        set(&mut user, "token", &self.config["bearerToken"]);
        set(&mut user, "username", &self.config["username"]);
        set(&mut user, "password", &self.config["password"]);
        set(&mut user, "client-certificate-data", &tls["certData"]);
        set(&mut user, "client-key-data", &tls["keyData"]);
        if exec["command"].is_string() {
            let environment = exec["env"].as_object().into_iter().flatten();
            let environment: Vec<Value> = environment
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect();
            user["exec"] = json!({
                "apiVersion": exec["apiVersion"].as_str().unwrap_or("client.authentication.k8s.io/v1"),
                "command": exec["command"], "args": exec["args"], "env": environment,
                "interactiveMode": "Never",
            });
        }
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "destination",
            "clusters": [{ "name": "destination", "cluster": cluster }],
            "users": [{ "name": "destination", "user": user }],
            "contexts": [{ "name": "destination", "context": { "cluster": "destination", "user": "destination" } }],
        })
    }
}

fn set(target: &mut Value, name: &str, value: &Value) {
    let empty = value.is_null() || value == "" || *value == false;
    if !empty {
        target[name] = value.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(fields: &[(&str, &str)]) -> Value {
        let mut data = json!({});
        for (name, value) in fields {
            data[*name] = json!(STANDARD.encode(value));
        }
        json!({ "data": data })
    }

    #[test]
    fn secrets_are_read_as_upstream_does() {
        let read = ClusterSecret::read(&secret(&[
            ("name", "orders"),
            ("server", "https://h"),
            (
                "config",
                r#"{"bearerToken":"t","tlsClientConfig":{"insecure":false,"caData":"QQ=="}}"#,
            ),
        ]))
        .ok()
        .unwrap();
        let kubeconfig = read.kubeconfig();
        assert_eq!(kubeconfig["users"][0]["user"], json!({ "token": "t" }));
        let cluster = &kubeconfig["clusters"][0]["cluster"];
        assert_eq!(
            *cluster,
            json!({ "server": "https://h", "certificate-authority-data": "QQ==" })
        );
        for (fields, words) in [
            (&[("name", "a")][..], "`server` is missing"),
            (&[("server", "https://h"), ("config", "no")], "not JSON"),
        ] {
            let error = ClusterSecret::read(&secret(fields)).err().unwrap();
            assert!(error.contains(words), "{error}");
        }
    }
}
