//! Containers, and what is asked of an account as a whole.

use axum::http::{Method, StatusCode};
use pave_azure::names;
use pave_runtime::clock;
use serde_json::json;

use super::answer::{Answer, http_date};
use super::error::BlobError;
use super::read::check_container;
use super::{Asked, files, list};
use crate::arm::{Arm, check_parent};
use crate::documents;
use crate::store::{Resource, Stamp};

/// What every service says about itself; nothing of it is done here.
const SERVICE: &str = "<StorageServiceProperties><Logging><Version>1.0</Version><Delete>false</Delete>\
    <Read>false</Read><Write>false</Write><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></Logging>\
    <HourMetrics><Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy><Enabled>false</Enabled>\
    </RetentionPolicy></HourMetrics><MinuteMetrics><Version>1.0</Version><Enabled>false</Enabled>\
    <RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></MinuteMetrics><Cors/>";

/// What is asked of the account itself.
pub(super) async fn of_account(arm: &Arm, asked: &Asked) -> Result<Answer, BlobError> {
    let reads = asked.method == Method::GET || asked.method == Method::HEAD;
    match (asked.option("restype"), asked.option("comp")) {
        ("service", "properties") if reads => Ok(service("blob")),
        ("account", "properties") if reads => {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            Ok(Answer::new(StatusCode::OK)
                .with("x-ms-sku-name", text(&asked.account.body["sku"]["name"]))
                .with("x-ms-account-kind", text(&asked.account.body["kind"]))
                .with("x-ms-is-hns-enabled", "false"))
        }
        (_, "list") if reads => list::containers(arm, asked).await,
        _ => Err(asked.unsupported()),
    }
}

/// The other services of an account hold nothing here, and say so.
pub(super) fn other_service(asked: &Asked, service_name: &str) -> Result<Answer, BlobError> {
    let reads = asked.method == Method::GET || asked.method == Method::HEAD;
    let known = matches!(service_name, "queue" | "table" | "file");
    match (asked.option("restype"), asked.option("comp")) {
        ("service", "properties") if reads && known => Ok(service(service_name)),
        ("share", _) if reads && service_name == "file" => {
            let message = "The specified share does not exist.";
            Err(BlobError::not_found("ShareNotFound", message))
        }
        _ => Err(BlobError::not_here(&format!("{service_name} service"))),
    }
}

fn service(name: &str) -> Answer {
    let more = match name {
        "blob" => {
            "<DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy><StaticWebsite><Enabled>false</Enabled></StaticWebsite>"
        }
        _ => "",
    };
    let document = format!("{SERVICE}{more}</StorageServiceProperties>");
    Answer::xml(StatusCode::OK, &document)
}

/// Create Container.
pub(super) async fn create(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    if asked.option("restype") != "container" {
        return Err(asked.unsupported());
    }
    names::check_container(&asked.container).map_err(|error| {
        let message = format!("{} (help: {})", error.message, error.help);
        BlobError::new(StatusCode::BAD_REQUEST, "InvalidResourceName", message)
    })?;
    if asked.header("x-ms-blob-public-access").is_some() {
        let message = "Public access is not permitted on this storage account.";
        return Err(BlobError::conflict("PublicAccessNotPermitted", message));
    }
    let (name, kind) = asked.signer.stamp();
    let written = arm.engine.store.write(move |transaction| {
        let account = match check_parent(transaction, &asked.account.id)? {
            Ok(account) => account,
            Err(error) => return Ok(Err(BlobError::from(error))),
        };
        let key = asked.container_key();
        if Resource::find(transaction, &key)?.is_some() {
            let message = "The specified container already exists.";
            return Ok(Err(BlobError::conflict("ContainerAlreadyExists", message)));
        }
        let now = clock::rfc3339();
        let container = Resource {
            id: key,
            canonical: format!(
                "{}/blobServices/default/containers/{}",
                account.canonical, asked.container
            ),
            kind: crate::arm::CONTAINERS.to_lowercase(),
            parent: account.id,
            state: "Succeeded".to_owned(),
            visible: true,
            body: documents::container(None, &json!({}), &now),
            stamp: Stamp {
                created_by: name.clone(),
                created_by_type: kind.to_owned(),
                created_at: now.clone(),
                last_modified_by: name,
                last_modified_by_type: kind.to_owned(),
                last_modified_at: now,
            },
        };
        container.put(transaction)?;
        Ok(Ok(shown(&container, StatusCode::CREATED)))
    });
    written.await?
}

/// Get Container Properties, and its metadata, which it has none of.
pub(super) async fn show(arm: &Arm, asked: &Asked) -> Result<Answer, BlobError> {
    let key = asked.container_key();
    let found = arm
        .engine
        .store
        .read(move |connection| check_container(connection, &key))
        .await?;
    let answer = shown(&found?, StatusCode::OK);
    Ok(answer
        .with("x-ms-lease-status", "unlocked")
        .with("x-ms-lease-state", "available")
        .with("x-ms-has-immutability-policy", "false")
        .with("x-ms-has-legal-hold", "false"))
}

/// Delete Container, with everything in it.
pub(super) async fn delete(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    let key = asked.container_key();
    let written = arm.engine.store.write(move |transaction| {
        if let Err(error) = check_container(transaction, &key)? {
            return Ok(Err(error));
        }
        Resource::remove(transaction, &key)?;
        Ok(Ok(Answer::new(StatusCode::ACCEPTED)))
    });
    let answer = written.await?;
    files::sweep(&arm.engine.store, &arm.options.data).await?;
    answer
}

fn shown(container: &Resource, status: StatusCode) -> Answer {
    let at = modified(container);
    Answer::new(status)
        .with("etag", etag(container))
        .with("last-modified", http_date(at))
}

/// When a container was last changed, in milliseconds.
pub(super) fn modified(container: &Resource) -> i64 {
    let at = container.stamp.last_modified_at.parse::<jiff::Timestamp>();
    at.map(jiff::Timestamp::as_millisecond).unwrap_or_default()
}

/// The version of a container.
pub(super) fn etag(container: &Resource) -> String {
    format!("\"0x{:016X}\"", modified(container))
}
