//! The clusters that Applications write to: the one the engine runs in, and those that cluster Secrets describe.
//!
//! A cluster Secret is read as upstream does (label `argocd.argoproj.io/secret-type: cluster`; `name`, `server` and a
//! `config` with token or certificates), and becomes an ordinary client: whatever answers there, the engine does not know.

mod secret;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::Config;
use pave_kube::Kinds;
use pave_manifest::application::{Destination, IN_CLUSTER};
use pave_manifest::project::{Project, ServiceAccount};
use pave_runtime::Tasks;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::engine::ClientFor;
use crate::live::{Change, Live};
use secret::ClusterSecret;

/// How long a cluster may take to answer when it is asked whether it does.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the first list of cluster Secrets is waited for.
const FIRST_LIST: Duration = Duration::from_secs(20);

/// Why a destination cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DestinationError {
    /// Nothing describes it.
    #[error("{0}")]
    Unknown(String),
    /// It is described, and that is of no use, or cannot be read now.
    #[error("{0}")]
    Unusable(String),
}

/// How objects are written at a site.
enum Access {
    /// Through clients that act as service accounts.
    Home(ClientFor),
    /// With the credential of a cluster Secret.
    Remote(Box<Config>),
}

/// A cluster that Applications write to.
pub(crate) struct Site {
    /// URL, as Applications and projects write it.
    pub(crate) server: String,
    /// Name, as Applications and projects write it.
    pub(crate) name: String,
    /// Its kinds, asked with the engine's own credential.
    pub(crate) kinds: Kinds,
    /// What lives there.
    pub(crate) live: Arc<Live>,
    access: Access,
    /// Ends its watches.
    tasks: Tasks,
}

impl fmt::Debug for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.name, self.server)
    }
}

impl Site {
    /// Whether a project permits a namespace of it.
    pub(crate) fn is_permitted(&self, project: &Project, namespace: &str) -> bool {
        project.permits_destination(&self.server, &self.name, namespace)
    }

    /// The kinds as a service account of the cluster sees them; as the engine itself if there is none.
    pub(crate) fn kinds_as(&self, account: Option<&ServiceAccount>) -> Result<Kinds, String> {
        let Some(ServiceAccount { namespace, name }) = account else {
            return Ok(self.kinds.clone());
        };
        let client = match &self.access {
            Access::Home(client_for) => client_for(namespace, name),
            Access::Remote(config) => {
                let mut config = Config::clone(config);
                config.auth_info.impersonate = Some(format!("system:serviceaccount:{namespace}:{name}"));
                let groups = vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{namespace}"),
                    "system:authenticated".to_owned(),
                ];
                config.auth_info.impersonate_groups = Some(groups);
                kube::Client::try_from(config).map_err(|error| self.blame(&error.to_string()))?
            }
        };
        Ok(self.kinds.with_client(client))
    }

    /// Asks whether it answers; if not, says what it does instead. The own cluster needs no asking.
    pub(crate) async fn check(&self) -> Result<(), String> {
        if matches!(self.access, Access::Home(_)) {
            return Ok(());
        }
        // A version would be told to anybody: this needs the credential too.
        let asked = self.kinds.client().list_core_api_resources("v1");
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(kube::Error::Api(status))) => {
                Err(match status.code {
                    401 => self
                        .blame("it does not accept the credential of its cluster Secret (401 Unauthorized)"),
                    403 => self
                        .blame("the credential of its cluster Secret may not read the API (403 Forbidden)"),
                    404 => self
                        .blame("there is no Kubernetes API at its address (404); it may have been deleted"),
                    code => self.blame(&format!(
                        "it answers {code} {}: {}",
                        status.reason, status.message
                    )),
                })
            }
            Ok(Err(error)) => Err(self.blame(&pave_diagnostic::with_causes(&error))),
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                Err(self.blame(&format!("it has not answered within {seconds} seconds")))
            }
        }
    }

    fn blame(&self, why: &str) -> String {
        format!(
            "the destination cluster `{}` ({}) cannot be used: {why}",
            self.name, self.server
        )
    }

    fn end(self: &Arc<Self>) {
        let tasks = self.tasks.clone();
        tasks.token().cancel();
    }
}

/// A cluster Secret, and the site made of it once an Application named it.
struct Described {
    secret: ClusterSecret,
    site: Option<Arc<Site>>,
}

/// All of them.
pub(crate) struct Sites {
    home: Arc<Site>,
    described: Mutex<BTreeMap<String, Result<Described, String>>>,
    listed: watch::Sender<bool>,
    changes: mpsc::UnboundedSender<Change>,
}

impl Sites {
    /// Only the own cluster so far. Changes in the others come out of the receiver.
    pub(crate) fn new(
        kinds: Kinds,
        live: Arc<Live>,
        client_for: ClientFor,
        tasks: Tasks,
    ) -> (Self, mpsc::UnboundedReceiver<Change>) {
        let (changes, receiver) = mpsc::unbounded_channel();
        let home = Arc::new(Site {
            server: IN_CLUSTER.to_owned(),
            name: "in-cluster".to_owned(),
            kinds,
            live,
            access: Access::Home(client_for),
            tasks,
        });
        let sites = Self {
            home,
            described: Mutex::default(),
            listed: watch::Sender::new(false),
            changes,
        };
        (sites, receiver)
    }

    /// The cluster the engine runs in.
    pub(crate) fn home(&self) -> &Arc<Site> {
        &self.home
    }

    fn described(&self) -> MutexGuard<'_, BTreeMap<String, Result<Described, String>>> {
        self.described.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a cluster Secret, new or changed; nothing if it is gone.
    pub(crate) fn set_secret(&self, name: &str, secret: Option<&Value>) {
        let mut described = self.described();
        let Some(secret) = secret else {
            if let Some(Ok(Described { site: Some(site), .. })) = described.remove(name) {
                site.end();
            }
            return;
        };
        let read = ClusterSecret::read(secret);
        // What is still true keeps its watches.
        if let (Ok(read), Some(Ok(known))) = (&read, described.get(name))
            && *read == known.secret
        {
            return;
        }
        let entry = read.map(|secret| Described { secret, site: None });
        if let Some(Ok(Described { site: Some(site), .. })) = described.insert(name.to_owned(), entry) {
            site.end();
        }
    }

    /// Every cluster Secret is known from now on.
    pub(crate) fn set_listed(&self) {
        self.listed.send_replace(true);
    }

    /// The cluster that a destination names.
    pub(crate) async fn find(
        &self,
        destination: &Destination,
        project: &str,
    ) -> Result<Arc<Site>, DestinationError> {
        if destination.is_in_cluster() {
            return Ok(Arc::clone(&self.home));
        }
        let mut listed = self.listed.subscribe();
        let waited = async { listed.wait_for(|listed| *listed).await.is_ok() };
        if !tokio::time::timeout(FIRST_LIST, waited).await.unwrap_or(false) {
            let message = "the cluster Secrets cannot be read yet".to_owned();
            return Err(DestinationError::Unusable(message));
        }
        let (name, secret) = match self.choose(destination, project)? {
            Chosen::Ready(site) => return Ok(site),
            Chosen::Secret(name, secret) => (name, secret),
        };
        let config = secret.config().await.map_err(|why| {
            let message = format!("cluster Secret `{name}` of cluster `{}`: {why}", secret.name);
            DestinationError::Unusable(message)
        })?;
        self.open(&name, &secret, config)
            .map_err(DestinationError::Unusable)
    }

    fn choose(&self, destination: &Destination, project: &str) -> Result<Chosen, DestinationError> {
        let described = self.described();
        let wanted = if destination.server.is_empty() {
            &destination.name
        } else {
            &destination.server
        };
        let fits = |secret: &ClusterSecret| {
            if destination.server.is_empty() {
                secret.name == destination.name
            } else {
                same_server(&secret.server, &destination.server)
            }
        };
        let mut found = described.iter().filter_map(|(name, entry)| {
            let entry = entry.as_ref().ok()?;
            fits(&entry.secret).then_some((name, entry))
        });
        let Some((name, entry)) = found.next() else {
            return Err(DestinationError::Unknown(unknown(wanted, &described)));
        };
        if let Some((other, _)) = found.next()
            && destination.server.is_empty()
        {
            let message = format!(
                "there are several clusters named `{wanted}`: cluster Secrets `{name}` and `{other}`"
            );
            return Err(DestinationError::Unusable(message));
        }
        let only = &entry.secret.project;
        if !only.is_empty() && only != project {
            let message = format!(
                "cluster `{wanted}` is for project `{only}` only, as its cluster Secret `{name}` says"
            );
            return Err(DestinationError::Unusable(message));
        }
        Ok(match &entry.site {
            Some(site) => Chosen::Ready(Arc::clone(site)),
            None => Chosen::Secret(name.clone(), entry.secret.clone()),
        })
    }

    /// Begins to work with a cluster, unless somebody else has meanwhile.
    fn open(&self, name: &str, secret: &ClusterSecret, config: Config) -> Result<Arc<Site>, String> {
        let client = kube::Client::try_from(config.clone()).map_err(|error| {
            format!(
                "no client could be made for cluster `{}`: {}",
                secret.name,
                pave_diagnostic::with_causes(&error)
            )
        })?;
        let mut described = self.described();
        let entry = match described.get_mut(name) {
            Some(Ok(entry)) if entry.secret == *secret => entry,
            _ => return Err(format!("cluster Secret `{name}` has just changed")),
        };
        if let Some(site) = &entry.site {
            return Ok(Arc::clone(site));
        }
        let tasks = Tasks::new();
        let token = self.home.tasks.token();
        let kinds = Kinds::new(client);
        let (live, mut changes) = Live::new(kinds.clone(), tasks.clone());
        let forward = self.changes.clone();
        let own = tasks.token();
        self.home.tasks.spawn("gitops destination", async move {
            loop {
                let change = tokio::select! {
                    () = token.cancelled() => break,
                    () = own.cancelled() => return,
                    change = changes.recv() => change,
                };
                // The receiver ends with the engine.
                let Some(change) = change else { return };
                drop(forward.send(change));
            }
            own.cancel();
        });
        let site = Arc::new(Site {
            server: secret.server.clone(),
            name: secret.name.clone(),
            kinds,
            live,
            access: Access::Remote(Box::new(config)),
            tasks,
        });
        entry.site = Some(Arc::clone(&site));
        Ok(site)
    }
}

enum Chosen {
    Ready(Arc<Site>),
    Secret(String, ClusterSecret),
}

fn same_server(left: &str, right: &str) -> bool {
    left.trim_end_matches('/')
        .eq_ignore_ascii_case(right.trim_end_matches('/'))
}

fn unknown(wanted: &str, described: &BTreeMap<String, Result<Described, String>>) -> String {
    let mut known = vec!["`in-cluster`".to_owned()];
    let mut broken = Vec::new();
    for (name, entry) in described {
        match entry {
            Ok(entry) => known.push(format!("`{}`", entry.secret.name)),
            Err(why) => broken.push(format!("; cluster Secret `{name}` cannot be read: {why}")),
        }
    }
    format!(
        "there are no clusters with this name or URL: {wanted}; known are {}{}",
        known.join(", "),
        broken.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_the_same_up_to_a_slash() {
        assert!(same_server("https://h/clusters/a/", "https://H/clusters/a"));
        assert!(!same_server("https://h/clusters/a", "https://h/clusters/b"));
    }
}
