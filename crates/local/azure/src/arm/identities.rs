//! `Microsoft.ManagedIdentity/userAssignedIdentities` and whose tokens stand for them.

use axum::http::{Method, StatusCode};

use super::Arm;
use super::plain::{Place, render};
use super::reply::Reply;
use super::request::Call;
use crate::documents;
use crate::error::ArmError;
use crate::store::Resource;

/// The type of identities.
pub(crate) const IDENTITIES: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
/// The type of their federated credentials.
pub(crate) const CREDENTIALS: &str =
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";

impl Arm {
    /// Everything below `…/providers/Microsoft.ManagedIdentity` in a group.
    pub(crate) async fn identities(&self, call: &Call, types: &[&str]) -> Result<Reply, ArmError> {
        let key = call.server_key();
        match types {
            ["userassignedidentities"] => {
                self.list_plain(call, IDENTITIES, Some(call.group_key()), show)
                    .await
            }
            ["userassignedidentities", _] => self.identity(call).await,
            ["userassignedidentities", _, "federatedidentitycredentials"] => {
                self.list_plain(call, CREDENTIALS, Some(key), show).await
            }
            ["userassignedidentities", _, "federatedidentitycredentials", _] => self.credential(call).await,
            _ => Err(call.unknown_path()),
        }
    }

    pub(crate) async fn list_identities(&self, call: &Call) -> Result<Reply, ArmError> {
        self.list_plain(call, IDENTITIES, None, show).await
    }

    async fn identity(&self, call: &Call) -> Result<Reply, ArmError> {
        let key = call.server_key();
        match call.method {
            Method::GET => Ok(Reply::ok(show(&self.required(call, &key).await?))),
            Method::PUT | Method::PATCH => {
                let replace = call.method == Method::PUT;
                if !replace {
                    self.required(call, &key).await?;
                }
                let (name, request) = (call.part(7).to_owned(), call.object()?.clone());
                let tenant = self.options.tenant;
                let kept = self.keep(
                    call,
                    Place::in_group(call, IDENTITIES),
                    move |existing| documents::identity(&name, existing, &request, replace, tenant),
                    |_, _| Ok(Ok(())),
                );
                Ok(made(&kept.await?))
            }
            Method::DELETE => self.drop_plain(key).await,
            _ => Err(call.method_not_allowed()),
        }
    }

    async fn credential(&self, call: &Call) -> Result<Reply, ArmError> {
        match call.method {
            Method::GET => Ok(Reply::ok(show(&self.required(call, &call.key(0)).await?))),
            Method::PUT => self.put_credential(call).await,
            Method::DELETE => self.drop_plain(call.key(0)).await,
            _ => Err(call.method_not_allowed()),
        }
    }

    async fn put_credential(&self, call: &Call) -> Result<Reply, ArmError> {
        let name = call.part(9).to_owned();
        let body = documents::federated_credential(&name, call.object()?)?;
        let place = Place {
            key: call.key(0),
            parent: call.server_key(),
            below: format!("federatedIdentityCredentials/{name}"),
        };
        let (key, parent, wanted) = (place.key.clone(), place.parent.clone(), body.clone());
        let kept = self.keep(
            call,
            place,
            |_| Ok(body),
            move |transaction, _| {
                let kind = CREDENTIALS.to_lowercase();
                let same = |other: &Resource| {
                    let theirs = |name: &str| other.property(name) == wanted["properties"][name];
                    other.id != key && theirs("issuer") && theirs("subject")
                };
                let others = Resource::children(transaction, &parent, Some(&kind))?;
                Ok(match others.iter().find(|other| same(other)) {
                    None => Ok(()),
                    Some(other) => {
                        let message = format!(
                            "Issuer and subject combination already exists for this Managed Identity, in '{}'.",
                            other.name()
                        );
                        Err(ArmError::conflict("Conflict", message))
                    }
                })
            },
        );
        Ok(made(&kept.await?))
    }
}

fn made((resource, created): &(Resource, bool)) -> Reply {
    let status = if *created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Reply::new(status, show(resource))
}

fn show(resource: &Resource) -> serde_json::Value {
    let mut document = render(resource);
    if let Some(properties) = document["properties"].as_object_mut() {
        // Identities have no provisioning state in Azure.
        properties.shift_remove("provisioningState");
    }
    document
}
