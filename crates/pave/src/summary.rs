//! Where everything is: what `pave up` ends with, what `pave env` exports, what the command line itself uses.

use std::fs;

use serde_json::{Value, json};

use crate::platform::{demo, place::Place};
use crate::settings::Settings;

/// Addresses and credentials of a running platform.
pub(crate) struct Summary {
    pub(crate) portal_url: String,
    pub(crate) portal_token: String,
    pub(crate) cluster_url: String,
    pub(crate) kubeconfig: String,
    pub(crate) forge_url: String,
    pub(crate) azure_url: String,
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) subscription: String,
    pub(crate) data: String,
    pub(crate) authority: String,
}

impl Summary {
    /// Reads it from the data directory of a platform that has been started before.
    pub(crate) fn read(place: &Place, settings: &Settings) -> anyhow::Result<Self> {
        let secret = |path: std::path::PathBuf| {
            fs::read_to_string(&path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| anyhow::anyhow!("cannot read `{}`: {error}", path.display()))
        };
        let url = |scheme: &str, port: u16| format!("{scheme}://127.0.0.1:{port}");
        let ports = settings.ports;
        Ok(Self {
            portal_url: url("http", ports.portal),
            portal_token: secret(place.token())?,
            cluster_url: url("https", ports.cluster),
            kubeconfig: place.kubeconfig().display().to_string(),
            forge_url: url("https", ports.forge),
            azure_url: url("https", ports.azure),
            tenant: settings.tenant.to_string(),
            client_id: settings.client_id.to_string(),
            client_secret: secret(place.cloud_secret())?,
            subscription: settings.subscription.to_string(),
            data: place.root().display().to_string(),
            authority: place.keys().join("authority.crt").display().to_string(),
        })
    }

    /// The address that takes a one-time sign-in code.
    pub(crate) fn sign_in_link(&self, code: &str) -> String {
        Self::sign_in_link_at(&self.portal_url, code)
    }

    /// The same below another address of the portal.
    pub(crate) fn sign_in_link_at(base: &str, code: &str) -> String {
        format!("{base}/sign-in?code={code}")
    }

    /// The object that `pave up --output json` prints.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "portal": { "url": self.portal_url, "token": self.portal_token },
            "cluster": { "url": self.cluster_url },
            "kubeconfig": self.kubeconfig,
            "forge": {
                "url": self.forge_url,
                "organization": demo::ORGANIZATION,
                "project": demo::PROJECT,
                "repository": demo::repository_url(&self.forge_url),
                "token": self.portal_token,
            },
            "azure": {
                "url": self.azure_url,
                "tenant": self.tenant,
                "clientId": self.client_id,
                "clientSecret": self.client_secret,
                "subscription": self.subscription,
            },
            "authority": self.authority,
            "data": self.data,
        })
    }

    /// The environment that other programs need to find and trust this platform.
    pub(crate) fn exports(&self) -> Vec<(&'static str, String)> {
        let authority = || self.authority.clone();
        let host = self.azure_url.trim_start_matches("https://").to_owned();
        vec![
            ("KUBECONFIG", self.kubeconfig.clone()),
            ("PAVE_URL", self.portal_url.clone()),
            ("PAVE_TOKEN", self.portal_token.clone()),
            ("GIT_SSL_CAINFO", authority()),
            ("SSL_CERT_FILE", authority()),
            ("REQUESTS_CA_BUNDLE", authority()),
            ("NODE_EXTRA_CA_CERTS", authority()),
            ("ARM_METADATA_HOSTNAME", host),
            ("ARM_TENANT_ID", self.tenant.clone()),
            ("ARM_SUBSCRIPTION_ID", self.subscription.clone()),
            ("ARM_CLIENT_ID", self.client_id.clone()),
            ("ARM_CLIENT_SECRET", self.client_secret.clone()),
            ("AZURE_AUTHORITY_HOST", self.azure_url.clone()),
            ("AZURE_TENANT_ID", self.tenant.clone()),
            ("AZURE_CLIENT_ID", self.client_id.clone()),
            ("AZURE_CLIENT_SECRET", self.client_secret.clone()),
        ]
    }
}
