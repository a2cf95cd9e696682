//! Joins the engines: what each is given, and the demo on top.

use std::path::PathBuf;
use std::sync::Arc;

use pave_auth::{Identities, Principal};
use pave_catalog::{Address, Catalog};
use pave_devops::Feed;
use pave_hosts::{HostReader, Integrations, LocalFiles};
use pave_journal::Journal;
use pave_keys::Keys;
use pave_kube::Kinds;
use pave_local_cluster::Cluster;
use pave_local_forge::Forge;
use pave_portal::{Addresses, Gate};
use pave_runtime::Tasks;
use pave_scaffolder::Scaffolder;
use pave_tracer::devops::DevOpsHost;

use super::adapters::{CatalogOfTemplates, GitCredentials, HostApi, PersonCredentials, Sources};
use super::bootstrap::{self, cloud};
use super::place::Place;
use super::{demo, people, project};
use crate::configuration::Configuration;
use crate::settings::Settings;
use crate::summary::Summary;

/// Namespace of the service accounts under which the platform's own parts act.
const SYSTEM: &str = "pave-system";

/// What the engines are joined from.
pub(super) struct World<'a> {
    pub(super) place: &'a Place,
    pub(super) keys: &'a Keys,
    pub(super) identities: &'a Identities,
    pub(super) cluster: &'a Cluster,
    pub(super) summary: &'a Summary,
    pub(super) configuration: &'a Configuration,
    pub(super) feed: &'a Feed,
    pub(super) forge_url: &'a url::Url,
    pub(super) tasks: &'a Tasks,
}

impl World<'_> {
    /// A client that acts as one of the platform's own service accounts.
    fn client(&self, name: &str) -> kube::Client {
        self.cluster.client(&Principal::service_account(SYSTEM, name))
    }

    /// Starts the engines and opens the portal above them.
    pub(super) async fn engines(&self, demo: bool) -> anyhow::Result<(axum::Router, Catalog)> {
        let http = self.keys.http_client()?;
        let reader_token = people::reader_token(self.identities, &self.place.reader_token()).await?;
        let forge_host = self.summary.forge_url.trim_start_matches("https://").to_owned();
        let integrations =
            Integrations::from_config(&self.configuration.integrations_with(&forge_host, &reader_token))?;
        let authority = self.keys.ca_path().to_owned();
        let for_git = pave_hosts::git_authorities(Some(&authority), &self.place.mirrors())?;
        let reader = HostReader::new(
            integrations.clone(),
            http.clone(),
            self.place.mirrors(),
            for_git.clone(),
        );
        let files = self.files();
        let sources = Arc::new(Sources::new(reader, integrations.clone(), files.clone()));
        let journal = Journal::open(&self.place.journal())?;

        let gitops = self
            .controllers(&integrations, http.clone(), for_git, &journal)
            .await;
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
                files,
                locations: self.locations(demo_location),
            },
            rules,
            self.tasks,
        )
        .await?;
        self.show_cloud(&catalog, &http, &journal)?;
        let cluster = self.cluster.clone();
        let client_for: pave_portal::ClientFor =
            Arc::new(move |principal: &Principal| cluster.client(principal));
        let gate = Arc::new(Gate {
            kinds: Kinds::new(self.client("portal")),
            client_for: Arc::clone(&client_for),
            authorizer: self.cluster.authorizer(),
            governed_hosts: self.governed_hosts(&forge_host),
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

    /// Shows what stands in the configured cloud as Resource entities.
    fn show_cloud(&self, catalog: &Catalog, http: &reqwest::Client, journal: &Journal) -> anyhow::Result<()> {
        let cloud = cloud(self.summary);
        let credential = pave_arm::Credential::ClientSecret {
            tenant: cloud.tenant.to_owned(),
            client_id: cloud.client_id.to_owned(),
            client_secret: cloud.client_secret.to_owned(),
        };
        let environment = pave_arm::Environment::new(cloud.url, cloud.url)?;
        let subscription = pave_catalog::azure::Subscription {
            is_public: environment == pave_arm::Environment::public()?,
            client: pave_arm::ArmClient::new(http.clone(), environment, credential),
            id: cloud.subscription.to_owned(),
            journal: journal.clone(),
            feed: self.feed.clone(),
            portal: self.configuration.links_base(&self.summary.portal_url),
            period: pave_catalog::azure::PERIOD,
        };
        pave_catalog::azure::watch(catalog.clone(), subscription, self.tasks);
        Ok(())
    }

    /// Starts what watches the cluster: providers, composition, GitOps, tracer.
    async fn controllers(
        &self,
        integrations: &Integrations,
        http: reqwest::Client,
        authorities: Option<PathBuf>,
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
            credentials: Arc::new(GitCredentials::new(integrations.clone(), authorities)),
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

    /// Hosts whose pushes our own roles decide about: the forge, by whatever name.
    fn governed_hosts(&self, forge_host: &str) -> Vec<String> {
        let with_port = |url: &url::Url| {
            let port = url.port_or_known_default().unwrap_or_default();
            format!("{}:{port}", url.host_str().unwrap_or_default())
        };
        let further = self.configuration.further.iter().map(|it| with_port(&it.url));
        std::iter::once(forge_host.to_owned()).chain(further).collect()
    }

    /// Where the catalog begins: the demo's root file, and what the configuration names.
    fn locations(&self, demo: Option<String>) -> Vec<Address> {
        demo.into_iter()
            .map(Address::url)
            .chain(self.configuration.locations().iter().cloned())
            .collect()
    }

    /// Files of this machine, without what holds secrets: the configuration itself, and the data with its keys.
    fn files(&self) -> LocalFiles {
        let mut withheld: Vec<PathBuf> = self.configuration.files.iter().map(PathBuf::from).collect();
        withheld.push(self.place.root().to_owned());
        LocalFiles::new(withheld)
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

    /// Shows the demo: the webhook, the second project, and the Application that brings the platform's own things.
    pub(super) async fn show(
        &self,
        forge: &Forge,
        settings: &mut Settings,
        kinds: &Kinds,
    ) -> anyhow::Result<()> {
        self.subscribe(forge).await?;
        if !settings.pipelines {
            self.set_up_project().await?;
            settings.pipelines = true;
            settings.write(self.place.root())?;
        }
        let repository = demo::repository_url(&self.summary.forge_url);
        bootstrap::apply(kinds, &bootstrap::gitops(&repository)).await
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
    pub(super) async fn seed(&self, forge: &Forge, administrator: &Principal) -> anyhow::Result<()> {
        let host = self.summary.forge_url.trim_start_matches("https://");
        for demo::Repository { project, name, files } in demo::repositories(host) {
            let known = forge.repository(demo::ORGANIZATION, project, name).await?;
            let repository = match known {
                Some(repository) => repository,
                None => forge.create_repository(demo::ORGANIZATION, project, name).await?,
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
