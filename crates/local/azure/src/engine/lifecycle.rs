//! Servers and groups as a whole: created, changed, started and stopped, deleted.

use std::sync::Arc;
use std::time::Duration;

use super::server::blocking;
use super::{Engine, Failure, text};
use crate::postgresql::address;
use crate::postgresql::binaries::{Binaries, INSTALL};
use crate::postgresql::process::{Postmaster, end_orphans};
use crate::store::{Operation, OperationKind, Outcome, Resource, Server, ServerState};

/// How often we look whether PostgreSQL was installed meanwhile.
const INSTALL_POLL: Duration = Duration::from_secs(1);

impl Engine {
    pub(super) async fn create_server(self: &Arc<Self>, operation: &Operation) -> Result<(), Failure> {
        let server = self.required_server(operation).await?;
        let wanted = text(&operation.request, "version").parse().ok();
        let binaries = self.wait_for_binaries(operation, wanted).await?;
        let server = self.ensure_address(server).await?;
        self.fault("create:address")?;
        self.make_data(&server, &binaries).await?;
        self.fault("create:data")?;
        self.ensure_running(&server).await?;
        self.fault("create:running")?;
        let password = self.password(operation)?;
        if !server.login.is_empty() {
            let session = self.session(&server).await?;
            session
                .ensure_administrator(&server.login, &server.name, password.as_deref())
                .await?;
        }
        self.fault("create:administrator")?;
        let (id, operation) = (server.id.clone(), operation.id.clone());
        self.store
            .write(move |transaction| {
                Server::set_created(transaction, &id)?;
                Server::set_version(transaction, &id, &binaries.version)?;
                Server::set_state(transaction, &id, ServerState::Ready, "")?;
                Resource::set_state(transaction, &id, "Succeeded", true)?;
                Operation::finish(transaction, &operation, &Outcome::Succeeded)
            })
            .await?;
        self.prepare_spare();
        Ok(())
    }

    async fn required_server(&self, operation: &Operation) -> Result<Server, Failure> {
        let gone = || Failure::refused("ResourceNotFound", format!("`{}` is gone", operation.lane));
        self.server(&operation.lane).await?.ok_or_else(gone)
    }

    /// The installed PostgreSQL; while there is none, the operation and the resource say so and wait.
    async fn wait_for_binaries(
        &self,
        operation: &Operation,
        major: Option<u32>,
    ) -> Result<Binaries, Failure> {
        let mut told = false;
        loop {
            let search = Arc::clone(&self.search);
            if let Some(binaries) = blocking(move || Ok(search.find(major))).await? {
                if told {
                    self.note_waiting(&operation.id, "").await?;
                    self.note_state(&operation.lane, ServerState::Provisioning, "")
                        .await?;
                }
                return Ok(binaries);
            }
            if !told {
                told = true;
                let reason = format!("PostgreSQL is not installed on this machine; {INSTALL}");
                self.note_waiting(&operation.id, &reason).await?;
                self.note_state(&operation.lane, ServerState::Provisioning, &reason)
                    .await?;
            }
            tokio::time::sleep(INSTALL_POLL).await;
        }
    }

    /// Gives the server an address of its own, for good.
    async fn ensure_address(&self, mut server: Server) -> Result<Server, Failure> {
        if server.address.is_some() {
            return Ok(server);
        }
        let seed = u16::from_str_radix(self.installation.get(..4).unwrap_or("1"), 16).unwrap_or(1);
        loop {
            let servers = self.store.read(Server::all).await?;
            let taken: Vec<String> = servers.into_iter().filter_map(|other| other.address).collect();
            let port = server.port;
            let address = blocking(move || Ok(address::choose(port, seed, &taken)?))
                .await?
                .to_string();
            let (id, wanted) = (server.id.clone(), address.clone());
            let written = self
                .store
                .write(move |transaction| Server::set_address(transaction, &id, &wanted))
                .await;
            match written {
                Ok(()) => {
                    server.address = Some(address);
                    return Ok(server);
                }
                // Another lane was faster with the same address.
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn make_data(&self, server: &Server, binaries: &Binaries) -> Result<(), Failure> {
        let cluster = self
            .cluster(server)
            .ok_or_else(|| Failure::Lost("the server has no address yet".into()))?;
        let (templates, binaries) = (Arc::clone(&self.templates), binaries.clone());
        blocking(move || {
            cluster.make_directories()?;
            Ok(templates.take(&binaries, &cluster.data())?)
        })
        .await
    }

    /// Takes back a creation that failed: nothing of it stays.
    pub(super) async fn undo_creation(
        self: &Arc<Self>,
        operation: &Operation,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        if let Some(server) = self.server(&operation.lane).await? {
            self.remove_data(&server).await?;
        }
        let (lane, id) = (operation.lane.clone(), operation.id.clone());
        let gone = Outcome::Failed {
            code: "ParentResourceNotFound".into(),
            message: "the server that this belongs to could not be created".into(),
        };
        self.store
            .write(move |transaction| {
                Operation::finish(transaction, &id, &outcome)?;
                while let Some(other) = Operation::next(transaction, &lane)? {
                    let outcome = if other.kind.is_deletion() {
                        &Outcome::Succeeded
                    } else {
                        &gone
                    };
                    Operation::finish(transaction, &other.id, outcome)?;
                }
                Server::remove(transaction, &lane)?;
                Resource::remove(transaction, &lane)
            })
            .await?;
        Ok(())
    }

    pub(super) async fn update_server(self: &Arc<Self>, operation: &Operation) -> Result<(), Failure> {
        let server = self.required_server(operation).await?;
        self.ensure_running(&server).await?;
        if let Some(password) = self.password(operation)? {
            let session = self.session(&server).await?;
            session
                .ensure_administrator(&server.login, &server.name, Some(&password))
                .await?;
        }
        self.fault("update:password")?;
        self.apply_access(&server).await?;
        self.finish_server(operation, ServerState::Ready).await
    }

    pub(super) async fn switch_server(self: &Arc<Self>, operation: &Operation) -> Result<(), Failure> {
        let server = self.required_server(operation).await?;
        let cluster = self
            .cluster(&server)
            .ok_or_else(|| Failure::Lost("the server has no address yet".into()))?;
        let stops = operation.kind != OperationKind::StartServer;
        // A restart that was interrupted may stop the server twice, which does no harm.
        if let (true, Some(postmaster)) = (stops, Postmaster::find(&cluster.data())) {
            postmaster.stop().await;
        }
        self.fault("switch:stopped")?;
        if operation.kind == OperationKind::StopServer {
            return self.finish_server(operation, ServerState::Stopped).await;
        }
        self.ensure_running(&server).await?;
        self.finish_server(operation, ServerState::Ready).await
    }

    async fn finish_server(&self, operation: &Operation, state: ServerState) -> Result<(), Failure> {
        let (lane, id) = (operation.lane.clone(), operation.id.clone());
        self.store
            .write(move |transaction| {
                Server::set_state(transaction, &lane, state, "")?;
                Resource::set_state(transaction, &lane, "Succeeded", true)?;
                Operation::finish(transaction, &id, &Outcome::Succeeded)
            })
            .await?;
        Ok(())
    }

    pub(super) async fn delete_server(self: &Arc<Self>, operation: &Operation) -> Result<(), Failure> {
        if let Some(server) = self.server(&operation.lane).await? {
            self.remove_data(&server).await?;
        }
        self.fault("delete:removed")?;
        let deletion = operation.clone();
        self.store
            .write(move |transaction| {
                Operation::cancel_before(transaction, &deletion)?;
                Server::remove(transaction, &deletion.lane)?;
                Resource::remove(transaction, &deletion.lane)?;
                Operation::finish(transaction, &deletion.id, &Outcome::Succeeded)
            })
            .await?;
        Ok(())
    }

    async fn remove_data(self: &Arc<Self>, server: &Server) -> Result<(), Failure> {
        // Without an address nothing was made yet.
        let Some(cluster) = self.cluster(server) else {
            return Ok(());
        };
        let data = cluster.data();
        if let Some(postmaster) = Postmaster::find(&data) {
            postmaster.stop_now().await;
        }
        self.fault("delete:stopped")?;
        blocking(move || {
            end_orphans(&data);
            Ok(cluster.remove()?)
        })
        .await
    }

    /// Waits until all that lies in the group is gone, then removes it. The deletions were asked for with it.
    pub(super) async fn delete_group(&self, operation: &Operation) -> Result<(), Failure> {
        let mut changes = self.changes();
        loop {
            let (group, id) = (operation.resource.clone(), operation.id.clone());
            let done = self
                .store
                .write(move |transaction| {
                    if !Resource::children(transaction, &group, None)?.is_empty() {
                        return Ok(false);
                    }
                    Resource::remove(transaction, &group)?;
                    Operation::finish(transaction, &id, &Outcome::Succeeded)?;
                    Ok(true)
                })
                .await?;
            if done {
                return Ok(());
            }
            if changes.changed().await.is_err() {
                return Err(Failure::Interrupted);
            }
        }
    }
}

fn is_conflict(error: &pave_store::StoreError) -> bool {
    matches!(error, pave_store::StoreError::Statement(error)
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation))
}
