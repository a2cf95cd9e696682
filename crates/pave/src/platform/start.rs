use std::sync::Arc;
use std::time::{Duration, Instant};

use pave_auth::{Identities, Principal};
use pave_catalog::Catalog;
use pave_devops::Feed;
use pave_hosts::{HostReader, Integrations};
use pave_journal::Journal;
use pave_keys::Keys;
use pave_kube::Kinds;
use pave_local_azure::{Azure, ServicePrincipal};
use pave_local_cluster::Cluster;
use pave_local_forge::Forge;
use pave_portal::{Addresses, Gate};
use pave_runtime::{Tasks, clock};
use pave_scaffolder::Scaffolder;
use pave_tracer::devops::DevOpsHost;
use tokio::net::TcpListener;

use super::adapters::{CatalogOfTemplates, GitCredentials, HostApi, PersonCredentials, Sources};
use super::bootstrap::{self, Cloud};
use super::demo;
use super::instance::{Instance, Lock};
use super::people;
use super::place::Place;
use super::project;
use super::{kubeconfig, listen, pipelines, settled};
use crate::configuration::Configuration;
use crate::settings::Settings;
use crate::summary::Summary;

/// Protocols that the TLS listeners offer.
const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];
/// Names under which everything is reached.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];
/// Namespace of the service accounts under which the platform's own parts act.
const SYSTEM: &str = "pave-system";
/// How long a start waits for the catalog.
const CATALOG_PATIENCE: Duration = Duration::from_secs(1);
/// Time between two clearings of expired tokens.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the parts have to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running platform.
pub(crate) struct Platform {
    place: Place,
    tasks: Tasks,
    cluster: Cluster,
    azure: Azure,
    identities: Identities,
    pub(crate) summary: Summary,
    /// From the start of the process until everything was ready.
    pub(crate) ready_after: Duration,
    _lock: Lock,
}

/// The four listeners, taken before anything else so that a taken port stops the start early.
struct Listeners {
    portal: TcpListener,
    cluster: TcpListener,
    forge: TcpListener,
    azure: TcpListener,
}

impl Listeners {
    async fn bind(settings: &Settings) -> anyhow::Result<Self> {
        let ports = settings.ports;
        Ok(Self {
            portal: listen::bind("portal", ports.portal).await?,
            cluster: listen::bind("cluster", ports.cluster).await?,
            forge: listen::bind("forge", ports.forge).await?,
            azure: listen::bind("azure", ports.azure).await?,
        })
    }
}

/// The local cloud of a data directory.
async fn open_azure(
    place: &Place,
    settings: &Settings,
    keys: &Keys,
    identities: &Identities,
    cluster: &Cluster,
) -> anyhow::Result<Azure> {
    let secret = people::kept_secret(&place.cloud_secret())?;
    let url = format!("https://127.0.0.1:{}", settings.ports.azure);
    let mut options = pave_local_azure::Options::new(
        place.azure(),
        keys.clone(),
        &url,
        settings.tenant,
        settings.subscription,
    );
    let object_id = uuid::Uuid::new_v5(&settings.tenant, settings.client_id.as_bytes());
    options.service_principals = vec![ServicePrincipal::new(
        settings.client_id,
        object_id,
        "pave",
        &secret,
    )];
    options.identities = Some(identities.clone());
    // A managed Kubernetes is a cluster beside the platform's own, below its address.
    options.control_planes =
        Some(cluster.control_planes(&format!("https://127.0.0.1:{}", settings.ports.cluster)));
    Ok(Azure::open(options).await?)
}

impl Platform {
    /// Starts everything below a data directory; returns when all of it answers.
    pub(crate) async fn start(
        place: Place,
        lock: Lock,
        mut settings: Settings,
        configuration: &Configuration,
        begun: Instant,
    ) -> anyhow::Result<Self> {
        let demo = configuration.demo();
        let tasks = Tasks::new();
        let listeners = Listeners::bind(&settings).await?;
        let keys = Keys::open(&place.keys())?;
        let identities = Identities::open(&place.identities(), keys.clone())?;
        prune_tokens(identities.clone(), &tasks);
        let first_start = !place.kubeconfig().exists();
        let administrator = people::make_known(&identities, demo || settings.demo).await?;
        people::administrator_token(&identities, &place.token()).await?;
        people::kept_secret(&place.cloud_secret())?;
        settings.demo |= demo;
        settings.write(place.root())?;
        let summary = Summary::read(&place, &settings)?;

        let options = pave_local_cluster::Options {
            data: place.cluster(),
            keys: keys.clone(),
            identities: identities.clone(),
        };
        let cluster = Cluster::open(options).await?;
        let tls = keys.server_config(&NAMES, &PROTOCOLS)?;
        listen::serve(
            "cluster",
            listeners.cluster,
            Some(Arc::clone(&tls)),
            cluster.router(),
            &tasks,
        );
        let azure = open_azure(&place, &settings, &keys, &identities, &cluster).await?;
        listen::serve(
            "azure",
            listeners.azure,
            Some(Arc::clone(&tls)),
            azure.router(),
            &tasks,
        );

        let kinds = Kinds::new(cluster.client(&bootstrap::principal()));
        bootstrap::apply(&kinds, &bootstrap::foundation(&cloud(&summary))).await?;
        let feed = Feed::default();
        let forge = open_forge(&place, &keys, &identities, &cluster, &summary, &feed, &tasks).await?;
        forge.show_pages_at(summary.portal_url.parse()?);
        pipelines::open(&pipelines::Parts {
            place: &place,
            keys: &keys,
            identities: &identities,
            cluster: &cluster,
            forge: &forge,
            feed: &feed,
            tasks: &tasks,
        })
        .await?;
        listen::serve("forge", listeners.forge, Some(tls), forge.router(), &tasks);

        let world = World {
            place: &place,
            keys: &keys,
            identities: &identities,
            cluster: &cluster,
            summary: &summary,
            configuration,
            feed: &feed,
            forge_url: forge.base_url(),
            tasks: &tasks,
        };
        // Before the engines, so that what they look for first is there; a second time it finds its own commit.
        if settings.demo {
            world.seed(&forge, &administrator).await?;
        }
        let (portal, catalog) = world.engines(settings.demo).await?;
        listen::serve("portal", listeners.portal, None, portal, &tasks);
        if settings.demo {
            world.subscribe(&forge).await?;
            if !settings.pipelines {
                world.set_up_project().await?;
                settings.pipelines = true;
                settings.write(place.root())?;
            }
        }
        if settings.demo {
            bootstrap::apply(
                &kinds,
                &bootstrap::gitops(&demo::repository_url(&summary.forge_url)),
            )
            .await?;
            if first_start {
                settled::wait(&kinds, &catalog).await;
            }
        }
        // Later starts have the same in the cluster; the catalog is read again. One that cannot be read comes later.
        drop(tokio::time::timeout(CATALOG_PATIENCE, catalog.read_once()).await);
        let config = kubeconfig::of(&summary.cluster_url, keys.ca_pem(), &summary.portal_token);
        write_private(&place, &pave_yaml::to_string(&config))?;
        let ready_after = begun.elapsed();
        let instance = Instance {
            process: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: clock::rfc3339(),
            ready_after: u64::try_from(ready_after.as_millis()).unwrap_or(u64::MAX),
        };
        instance.write(&place)?;
        Ok(Self {
            place,
            tasks,
            cluster,
            azure,
            identities,
            summary,
            ready_after,
            _lock: lock,
        })
    }

    /// A link that signs the administrator in, once.
    pub(crate) async fn sign_in_link(&self) -> anyhow::Result<String> {
        let code = self.identities.issue_sign_in(&people::administrator()).await?;
        Ok(self.summary.sign_in_link(&code))
    }

    /// Ends everything but the databases, which go on as they would in a cloud.
    pub(crate) async fn stop(self) {
        self.tasks.shutdown(PATIENCE).await;
        self.azure.shutdown().await;
        self.cluster.shutdown().await;
        Instance::clear(&self.place);
    }

    /// Databases that run now.
    pub(crate) async fn databases(&self) -> usize {
        self.azure.status().await.map_or(0, |servers| {
            servers.iter().filter(|server| server.process.is_some()).count()
        })
    }

    /// Where the data directories of PostgreSQL are.
    pub(crate) fn database_directory(&self) -> String {
        self.azure.database_directory().display().to_string()
    }
}

/// Forgets expired tokens now and once a day.
fn prune_tokens(identities: Identities, tasks: &Tasks) {
    let token = tasks.token();
    tasks.spawn("expired tokens", async move {
        let mut daily = tokio::time::interval(DAY);
        loop {
            tokio::select! {
                () = token.cancelled() => return,
                _ = daily.tick() => {}
            }
            match identities.prune().await {
                Ok(removed) => tracing::debug!(removed, "expired tokens forgotten"),
                Err(error) => tracing::warn!(%error, "expired tokens cannot be forgotten"),
            }
        }
    });
}

fn cloud(summary: &Summary) -> Cloud<'_> {
    Cloud {
        url: &summary.azure_url,
        tenant: &summary.tenant,
        subscription: &summary.subscription,
        client_id: &summary.client_id,
        client_secret: &summary.client_secret,
    }
}

async fn open_forge(
    place: &Place,
    keys: &Keys,
    identities: &Identities,
    cluster: &Cluster,
    summary: &Summary,
    feed: &Feed,
    tasks: &Tasks,
) -> anyhow::Result<Forge> {
    let options = pave_local_forge::Options {
        data: place.forge(),
        identities: identities.clone(),
        authorizer: cluster.authorizer(),
        base_url: summary.forge_url.parse()?,
        keys: keys.clone(),
        tasks: tasks.clone(),
        feed: feed.clone(),
    };
    Ok(Forge::open(options).await?)
}

/// What the engines are joined from.
struct World<'a> {
    place: &'a Place,
    keys: &'a Keys,
    identities: &'a Identities,
    cluster: &'a Cluster,
    summary: &'a Summary,
    configuration: &'a Configuration,
    feed: &'a Feed,
    forge_url: &'a url::Url,
    tasks: &'a Tasks,
}

impl World<'_> {
    /// A client that acts as one of the platform's own service accounts.
    fn client(&self, name: &str) -> kube::Client {
        self.cluster.client(&Principal::service_account(SYSTEM, name))
    }

    /// Starts the engines and opens the portal above them.
    async fn engines(&self, demo: bool) -> anyhow::Result<(axum::Router, Catalog)> {
        let http = self.keys.http_client()?;
        let reader_token = people::reader_token(self.identities, &self.place.reader_token()).await?;
        let forge_host = self.summary.forge_url.trim_start_matches("https://").to_owned();
        let integrations =
            Integrations::from_config(&self.configuration.integrations_with(&forge_host, &reader_token))?;
        let authority = self.keys.ca_path().to_owned();
        let reader = HostReader::new(
            integrations.clone(),
            http.clone(),
            self.place.mirrors(),
            Some(authority.clone()),
        );
        let sources = Arc::new(Sources::new(reader, integrations.clone()));
        let journal = Journal::open(&self.place.journal())?;

        let gitops = self.controllers(&integrations, http.clone(), &journal).await;
        let demo_location = demo.then(|| self.catalog_location());
        let rules = self
            .configuration
            .rules(demo_location.as_deref())
            .map_err(anyhow::Error::msg)?;
        let catalog = Catalog::open_with(
            pave_catalog::Options {
                database: self.place.catalog(),
                reader: Arc::clone(&sources) as Arc<dyn pave_catalog::SourceReader>,
                allowed: Vec::new(),
                locations: self.locations(demo_location),
            },
            rules,
            self.tasks,
        )
        .await?;
        let cluster = self.cluster.clone();
        let client_for: pave_portal::ClientFor =
            Arc::new(move |principal: &Principal| cluster.client(principal));
        let gate = Arc::new(Gate {
            kinds: Kinds::new(self.client("portal")),
            client_for: Arc::clone(&client_for),
            authorizer: self.cluster.authorizer(),
            governed_hosts: vec![forge_host.clone()],
        });
        let scaffolder = Scaffolder::open(
            pave_scaffolder::Context {
                data: self.place.scaffolder(),
                workspaces: self.place.scaffolder().join("workspaces"),
                reader: Arc::clone(&sources) as Arc<dyn pave_scaffolder::SourceReader>,
                credentials: Arc::new(PersonCredentials::new(
                    self.identities.clone(),
                    integrations.clone(),
                    forge_host.clone(),
                )),
                catalog: Arc::new(CatalogOfTemplates(catalog.clone())),
                gate: Arc::clone(&gate) as Arc<dyn pave_scaffolder::PublishGate>,
                journal: journal.clone(),
                sealer: self.keys.sealer(),
                authority: Some(authority),
                actions: Vec::new(),
                defaults: pave_scaffolder::Defaults::default(),
                interrupt: None,
            },
            self.tasks.clone(),
        )
        .await?;
        let context = pave_portal::Context {
            database: self.place.portal_database(),
            client: self.client("portal"),
            client_for,
            authorizer: self.cluster.authorizer(),
            identities: self.identities.clone(),
            journal,
            catalog: catalog.clone(),
            scaffolder,
            gitops,
            gate,
            sources,
            webhook: self.webhook()?,
            addresses: self.addresses(),
            configuration: self.configuration.shown(&forge_host),
            feed: self.feed.clone(),
            organizations: vec![(forge_host.clone(), demo::ORGANIZATION.to_owned())],
            shared_hosts: vec![forge_host],
            http,
            integrations,
        };
        Ok((pave_portal::open(context, self.tasks)?, catalog))
    }

    /// Starts what watches the cluster: providers, composition, GitOps, tracer.
    async fn controllers(
        &self,
        integrations: &Integrations,
        http: reqwest::Client,
        journal: &Journal,
    ) -> pave_gitops::GitopsHandle {
        let providers = pave_providers::Context {
            client: self.client("providers"),
            http: http.clone(),
        };
        let composition = pave_composition::Context {
            client: self.client("composition"),
        };
        let cluster = self.cluster.clone();
        let gitops = pave_gitops::Context {
            client: self.client("gitops"),
            checkouts: self.place.checkouts(),
            credentials: Arc::new(GitCredentials::new(
                integrations.clone(),
                self.keys.ca_path().to_owned(),
            )),
            control_namespace: "argocd".into(),
            client_for: Arc::new(move |namespace: &str, name: &str| {
                cluster.client(&Principal::service_account(namespace, name))
            }),
        };
        pave_providers::run(providers, self.tasks.clone()).await;
        pave_composition::run(composition, self.tasks.clone()).await;
        let gitops = pave_gitops::run(gitops, self.tasks.clone()).await;
        let tracer = pave_tracer::Context {
            client: self.client("tracer"),
            journal: journal.clone(),
            hosts: self.source_hosts(http),
        };
        pave_tracer::run(tracer, self.tasks);
        gitops
    }

    fn addresses(&self) -> Addresses {
        Addresses {
            portal: self.summary.portal_url.clone(),
            cluster: self.summary.cluster_url.clone(),
            forge: self.summary.forge_url.clone(),
            azure: self.summary.azure_url.clone(),
            data: self.summary.data.clone(),
            kubeconfig: self.summary.kubeconfig.clone(),
        }
    }

    /// Where the catalog begins: the demo's root file, and what the configuration names.
    fn locations(&self, demo: Option<String>) -> Vec<String> {
        demo.into_iter().chain(self.configuration.locations.iter().cloned()).collect()
    }

    /// Where the catalog begins: the demo's root file.
    fn catalog_location(&self) -> String {
        format!(
            "{}?path=/catalog-info.yaml&version=GBmain",
            demo::repository_url(&self.summary.forge_url)
        )
    }

    /// User name and password of the webhook.
    fn webhook(&self) -> anyhow::Result<(String, String)> {
        Ok((
            "pave".to_owned(),
            people::kept_secret(&self.place.webhook_secret())?,
        ))
    }

    /// Lets the forge knock at the portal's webhook after each push.
    async fn subscribe(&self, forge: &Forge) -> anyhow::Result<()> {
        let url = format!("{}/api/webhook", self.summary.portal_url).parse()?;
        let (user, password) = self.webhook()?;
        forge
            .ensure_subscription(demo::ORGANIZATION, &url, Some((&user, &password)))
            .await?;
        Ok(())
    }

    /// The forge, as the tracer reads it: over its REST API, with an account of its own.
    fn source_hosts(&self, http: reqwest::Client) -> Vec<DevOpsHost> {
        let base = self.forge_url.clone();
        let api = HostApi {
            http,
            base: base.clone(),
            identities: self.identities.clone(),
            account: (SYSTEM, "tracer"),
        };
        vec![DevOpsHost {
            base,
            feed: self.feed.clone(),
            reader: Arc::new(api),
        }]
    }

    /// Sets up the demo's second project: connection, pipelines, branch policies.
    async fn set_up_project(&self) -> anyhow::Result<()> {
        let project = project::Project {
            http: &self.keys.http_client()?,
            forge: &self.summary.forge_url,
            token: &self.summary.portal_token,
            cloud: cloud(self.summary),
        };
        project.set_up().await
    }

    /// Makes the demo's repositories, each with its first commit, as the administrator.
    async fn seed(&self, forge: &Forge, administrator: &Principal) -> anyhow::Result<()> {
        let host = self.summary.forge_url.trim_start_matches("https://");
        for demo::Repository { project, name, files } in demo::repositories(host) {
            let known = forge.repository(demo::ORGANIZATION, project, name).await?;
            let repository = match known {
                Some(repository) => repository,
                None => {
                    forge
                        .create_repository(demo::ORGANIZATION, project, name)
                        .await?
                }
            };
            let changes: Vec<_> = files
                .into_iter()
                .map(|(path, content)| pave_git::Change::write(path, content))
                .collect();
            forge
                .seed(&repository, &changes, "Set up the platform", administrator)
                .await?;
        }
        Ok(())
    }
}

/// The kubeconfig holds a token, so only its owner may read it.
fn write_private(place: &Place, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt;
    let temporary = place.kubeconfig().with_extension("new");
    drop(std::fs::remove_file(&temporary));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&temporary, place.kubeconfig())?;
    Ok(())
}
