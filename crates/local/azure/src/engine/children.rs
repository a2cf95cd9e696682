//! What lies in a server: databases, firewall rules, parameters, administrators.

use std::sync::Arc;

use super::{Engine, Failure};
use crate::store::{Operation, OperationKind, Outcome, Resource, Server};

impl Engine {
    pub(super) async fn change_child(self: &Arc<Self>, operation: &Operation) -> Result<(), Failure> {
        let Some(server) = self.server(&operation.lane).await? else {
            return Err(Failure::refused(
                "ParentResourceNotFound",
                "the server that this belongs to is gone",
            ));
        };
        self.ensure_running(&server).await?;
        let resource = operation.resource.clone();
        let found = self
            .store
            .read(move |connection| Resource::find(connection, &resource))
            .await?;
        let Some(child) = found else {
            // Deleted by a deletion that was interrupted after its last effect.
            return self.finish_child(operation, None).await;
        };
        match operation.kind {
            OperationKind::PutDatabase => self.put_database(operation, &server, &child).await,
            OperationKind::DeleteDatabase => self.delete_database(operation, &server, &child).await,
            OperationKind::PutFirewallRule => self.put_firewall_rule(operation, &server).await,
            OperationKind::DeleteFirewallRule => self.delete_firewall_rule(operation, &server, &child).await,
            OperationKind::PutConfiguration => self.put_configuration(operation, &server, &child).await,
            kind => self.finish_child(operation, Some(!kind.is_deletion())).await,
        }
    }

    async fn put_database(
        &self,
        operation: &Operation,
        server: &Server,
        child: &Resource,
    ) -> Result<(), Failure> {
        let session = self.session(server).await?;
        session
            .ensure_database(
                child.name(),
                child.property("charset"),
                child.property("collation"),
            )
            .await?;
        self.fault("database:created")?;
        self.finish_child(operation, Some(true)).await
    }

    async fn delete_database(
        &self,
        operation: &Operation,
        server: &Server,
        child: &Resource,
    ) -> Result<(), Failure> {
        self.session(server).await?.drop_database(child.name()).await?;
        self.fault("database:dropped")?;
        self.finish_child(operation, Some(false)).await
    }

    async fn put_firewall_rule(&self, operation: &Operation, server: &Server) -> Result<(), Failure> {
        let resource = operation.resource.clone();
        // The rule has to be in force before anybody is told that it exists, and the file is made from the rules.
        self.store
            .write(move |transaction| Resource::set_state(transaction, &resource, "Updating", true))
            .await?;
        self.apply_access(server).await?;
        self.fault("firewall:applied")?;
        self.finish_child(operation, Some(true)).await
    }

    async fn delete_firewall_rule(
        &self,
        operation: &Operation,
        server: &Server,
        child: &Resource,
    ) -> Result<(), Failure> {
        let id = child.id.clone();
        self.store
            .write(move |transaction| Resource::set_state(transaction, &id, "Deleting", false))
            .await?;
        self.apply_access(server).await?;
        self.fault("firewall:applied")?;
        self.finish_child(operation, Some(false)).await
    }

    async fn put_configuration(
        &self,
        operation: &Operation,
        server: &Server,
        child: &Resource,
    ) -> Result<(), Failure> {
        let resets = child.property("source") == "system-default";
        if crate::documents::is_service_parameter(child.name()) {
            self.apply_access(server).await?;
        } else {
            let value = (!resets).then(|| child.property("value"));
            self.session(server)
                .await?
                .set_parameter(child.name(), value)
                .await?;
        }
        self.fault("configuration:applied")?;
        self.finish_child(operation, Some(!resets)).await
    }

    /// Ends a child's operation: it exists from now on, or is gone.
    async fn finish_child(&self, operation: &Operation, exists: Option<bool>) -> Result<(), Failure> {
        let operation = operation.clone();
        self.store
            .write(move |transaction| {
                match exists {
                    Some(true) => Resource::set_state(transaction, &operation.resource, "Succeeded", true)?,
                    Some(false) => Resource::remove(transaction, &operation.resource)?,
                    None => {}
                }
                Operation::finish(transaction, &operation.id, &Outcome::Succeeded)
            })
            .await?;
        Ok(())
    }

    /// Takes back a change that failed: a child that never existed is gone again, anything else is marked.
    pub(super) async fn undo_change(&self, operation: &Operation, outcome: Outcome) -> Result<(), Failure> {
        let operation = operation.clone();
        let undo = self.store.write(move |transaction| {
            if let Some(mut found) = Resource::find(transaction, &operation.resource)? {
                let previous = &operation.request["previous"];
                if !previous.is_null() {
                    found.body = previous.clone();
                    found.put(transaction)?;
                }
                if found.visible {
                    let state = if previous.is_null() { "Failed" } else { "Succeeded" };
                    Resource::set_state(transaction, &found.id, state, true)?;
                } else {
                    Resource::remove(transaction, &found.id)?;
                }
            }
            Operation::finish(transaction, &operation.id, &outcome)
        });
        Ok(undo.await?)
    }
}
