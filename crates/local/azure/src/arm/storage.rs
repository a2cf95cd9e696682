//! `Microsoft.Storage/storageAccounts` and their blob containers. Blobs themselves are in [`crate::blob`].

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use pave_azure::names;
use pave_runtime::clock;
use rand::RngCore as _;
use serde_json::{Value, json};

use super::Arm;
use super::plain::{Place, render};
use super::reply::Reply;
use super::request::Call;
use crate::blob::{storage_suffix, sweep};
use crate::documents;
use crate::error::ArmError;
use crate::store::{Resource, find_secret, put_secret};

/// The type of storage accounts.
pub(crate) const ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";
/// The type of blob containers.
pub(crate) const CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
/// The keys that every account has.
pub(crate) const KEYS: [&str; 2] = ["key1", "key2"];

impl Arm {
    /// Everything below `…/providers/Microsoft.Storage` in a group.
    pub(crate) async fn storage(&self, call: &Call, types: &[&str]) -> Result<Reply, ArmError> {
        let account = call.server_key();
        match types {
            ["storageaccounts"] => self.list_accounts(call, Some(call.group_key())).await,
            ["storageaccounts", _] => self.account(call).await,
            ["storageaccounts", _, "listkeys"] => self.list_keys(call).await,
            ["storageaccounts", _, "regeneratekey"] => self.regenerate_key(call).await,
            [
                "storageaccounts",
                _,
                service @ ("blobservices" | "fileservices"),
                "default",
            ] => self.storage_service(call, service).await,
            ["storageaccounts", _, "blobservices", "default", "containers"] => {
                self.list_plain(call, CONTAINERS, Some(account), render_container)
                    .await
            }
            ["storageaccounts", _, "blobservices", "default", "containers", _] => self.container(call).await,
            _ => Err(call.unknown_path()),
        }
    }

    pub(crate) async fn list_accounts(&self, call: &Call, group: Option<String>) -> Result<Reply, ArmError> {
        let suffix = self.storage_suffix();
        self.list_plain(call, ACCOUNTS, group, |account| render_account(account, &suffix))
            .await
    }

    /// The end of the host names of all accounts' endpoints, as the metadata document says it.
    fn storage_suffix(&self) -> String {
        storage_suffix(&self.options)
    }

    async fn account(&self, call: &Call) -> Result<Reply, ArmError> {
        let suffix = self.storage_suffix();
        match call.method {
            Method::GET => {
                let account = self.required(call, &call.server_key()).await?;
                Ok(Reply::ok(render_account(&account, &suffix)))
            }
            Method::PUT => {
                let (account, created) = self.put_account(call, true).await?;
                let operation = self.finished(call, &account).await?;
                if created {
                    return Ok(self.accepted(call, &operation));
                }
                Ok(self.told(
                    call,
                    &operation,
                    StatusCode::OK,
                    render_account(&account, &suffix),
                ))
            }
            Method::PATCH => {
                self.required(call, &call.server_key()).await?;
                let (account, _) = self.put_account(call, false).await?;
                Ok(Reply::ok(render_account(&account, &suffix)))
            }
            Method::DELETE => self.drop_with_blobs(call.server_key()).await,
            _ => Err(call.method_not_allowed()),
        }
    }

    async fn put_account(&self, call: &Call, replace: bool) -> Result<(Resource, bool), ArmError> {
        let place = Place::in_group(call, ACCOUNTS);
        let (name, request) = (call.part(7).to_owned(), call.object()?.clone());
        let (key, wanted) = (place.key.clone(), name.to_lowercase());
        let secrets = self.new_keys()?;
        self.keep(
            call,
            place,
            move |existing| match existing {
                None => documents::create_account(&name, &request, &clock::rfc3339()),
                Some(existing) => documents::update_account(&existing.body, &request, replace),
            },
            move |transaction, created| {
                if !created {
                    return Ok(Ok(()));
                }
                let taken = Resource::of_kind(transaction, &ACCOUNTS.to_lowercase())?
                    .iter()
                    .any(|other| other.name().eq_ignore_ascii_case(&wanted));
                if taken {
                    let message = format!("The storage account named {wanted} is already taken.");
                    return Ok(Err(ArmError::conflict("StorageAccountAlreadyTaken", message)));
                }
                for (name, sealed) in KEYS.iter().zip(&secrets) {
                    put_secret(transaction, &key, name, sealed)?;
                }
                Ok(Ok(()))
            },
        )
        .await
    }

    /// Removes an account or a container, and what was in it.
    async fn drop_with_blobs(&self, key: String) -> Result<Reply, ArmError> {
        let reply = self.drop_plain(key).await?;
        sweep(&self.engine.store, &self.options.data).await?;
        Ok(reply)
    }

    /// Two keys of an account, sealed.
    fn new_keys(&self) -> Result<[Vec<u8>; 2], ArmError> {
        let key = || {
            let mut bytes = [0_u8; 64];
            rand::rng().fill_bytes(&mut bytes);
            let sealed = self.options.keys.sealer().seal(&bytes);
            sealed.map_err(|error| ArmError::internal(&error))
        };
        Ok([key()?, key()?])
    }

    async fn list_keys(&self, call: &Call) -> Result<Reply, ArmError> {
        if call.method != Method::POST {
            return Err(call.method_not_allowed());
        }
        let account = self.required(call, &call.server_key()).await?;
        let (id, made) = (account.id.clone(), account.stamp.created_at.clone());
        let sealed = self
            .engine
            .store
            .read(move |connection| {
                let found = KEYS.map(|name| find_secret(connection, &id, name));
                found.into_iter().collect::<rusqlite::Result<Vec<_>>>()
            })
            .await?;
        let mut keys = Vec::new();
        for (name, sealed) in KEYS.iter().zip(sealed) {
            let opened = self
                .options
                .keys
                .sealer()
                .open_sealed(&sealed.unwrap_or_default())
                .map_err(|error| ArmError::internal(&error))?;
            let value = base64::engine::general_purpose::STANDARD.encode(opened);
            keys.push(
                json!({ "keyName": name, "value": value, "permissions": "FULL", "creationTime": made }),
            );
        }
        Ok(Reply::ok(json!({ "keys": keys })))
    }

    async fn regenerate_key(&self, call: &Call) -> Result<Reply, ArmError> {
        let asked = call.body["keyName"].as_str().unwrap_or_default().to_lowercase();
        let Some(name) = KEYS.iter().find(|name| **name == asked) else {
            let message = "The key name must be 'key1' or 'key2'.";
            return Err(ArmError::bad_request("InvalidKeyName", message));
        };
        let account = self.required(call, &call.server_key()).await?;
        let [sealed, _] = self.new_keys()?;
        self.engine
            .store
            .write(move |transaction| put_secret(transaction, &account.id, name, &sealed))
            .await?;
        self.list_keys(call).await
    }

    /// The settings of a service of an account; kept, without effect here.
    async fn storage_service(&self, call: &Call, service: &str) -> Result<Reply, ArmError> {
        let account = self.required(call, &call.server_key()).await?;
        let field = if service == "blobservices" {
            "blobServices"
        } else {
            "fileServices"
        };
        let defaults = json!({ "cors": { "corsRules": [] }, "deleteRetentionPolicy": { "enabled": false } });
        let found = match call.method {
            Method::GET => self.find(call.key(0)).await?,
            Method::PUT => {
                let body = documents::writable(call.object()?);
                let place = Place {
                    key: call.key(0),
                    parent: call.server_key(),
                    below: format!("{field}/default"),
                };
                let kept = self.keep(call, place, |_| Ok(body), |_, _| Ok(Ok(())));
                Some(kept.await?.0)
            }
            _ => return Err(call.method_not_allowed()),
        };
        let mut properties = found.map_or(Value::Null, |found| found.body["properties"].clone());
        if properties.is_null() {
            properties = json!({});
        }
        documents::fill(&mut properties, &defaults);
        Ok(Reply::ok(json!({
            "id": format!("{}/{field}/default", account.canonical),
            "name": "default",
            "type": format!("{ACCOUNTS}/{field}"),
            "sku": account.body["sku"],
            "properties": properties,
        })))
    }

    async fn container(&self, call: &Call) -> Result<Reply, ArmError> {
        match call.method {
            Method::GET => {
                let container = self.required(call, &call.key(0)).await?;
                Ok(Reply::ok(render_container(&container)))
            }
            Method::PUT | Method::PATCH => {
                let name = call.part(11).to_owned();
                names::check_container(&name)
                    .map_err(|error| ArmError::name("InvalidResourceName", "containerName", &error))?;
                let request = if call.body.is_null() {
                    json!({})
                } else {
                    call.object()?.clone()
                };
                let place = Place {
                    key: call.key(0),
                    parent: call.server_key(),
                    below: format!("blobServices/default/containers/{name}"),
                };
                let (container, created) = self
                    .keep(
                        call,
                        place,
                        move |existing| Ok(documents::container(existing, &request, &clock::rfc3339())),
                        |_, _| Ok(Ok(())),
                    )
                    .await?;
                let status = if created {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                Ok(Reply::new(status, render_container(&container)))
            }
            Method::DELETE => self.drop_with_blobs(call.key(0)).await,
            _ => Err(call.method_not_allowed()),
        }
    }

    /// `POST …/Microsoft.Storage/checkNameAvailability`.
    pub(crate) async fn check_account_name(&self, call: &Call) -> Result<Reply, ArmError> {
        if call.method != Method::POST {
            return Err(call.method_not_allowed());
        }
        let name = call.object()?["name"].as_str().unwrap_or_default().to_owned();
        if let Err(error) = names::check_storage_account(&name) {
            return Ok(Reply::ok(
                json!({ "nameAvailable": false, "reason": "AccountNameInvalid", "message": error.message }),
            ));
        }
        let accounts = self
            .engine
            .store
            .read(|connection| Resource::of_kind(connection, &ACCOUNTS.to_lowercase()))
            .await?;
        if accounts.iter().any(|other| other.name() == name) {
            let message = format!("The storage account named {name} is already taken.");
            return Ok(Reply::ok(
                json!({ "nameAvailable": false, "reason": "AlreadyExists", "message": message }),
            ));
        }
        Ok(Reply::ok(json!({ "nameAvailable": true })))
    }
}

fn render_account(account: &Resource, suffix: &str) -> Value {
    documents::render_account(account, suffix)
}

fn render_container(container: &Resource) -> Value {
    let mut document = render(container);
    if let Some(properties) = document["properties"].as_object_mut() {
        properties.shift_remove("provisioningState");
    }
    document
}
