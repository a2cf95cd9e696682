use futures::{StreamExt, pin_mut};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use kube::runtime::watcher::Event;

/// Watches all objects of a kind until cancelled, through lost connections and kinds that come and go.
///
/// The handler gets plain JSON objects, one event after the other.
pub async fn watch<F, W>(client: kube::Client, resource: ApiResource, token: CancellationToken, handle: F)
where
    F: Fn(Event<Value>) -> W,
    W: Future<Output = ()>,
{
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    let events = watcher(api, watcher::Config::default()).default_backoff();
    pin_mut!(events);
    loop {
        let event = tokio::select! {
            () = token.cancelled() => return,
            event = events.next() => event,
        };
        match event {
            Some(Ok(event)) => handle(plain(event)).await,
            Some(Err(error)) => tracing::debug!(%error, kind = resource.kind, "watch interrupted"),
            None => return,
        }
    }
}

fn plain(event: Event<DynamicObject>) -> Event<Value> {
    let value = |object: DynamicObject| serde_json::to_value(object).unwrap_or_default();
    match event {
        Event::Apply(object) => Event::Apply(value(object)),
        Event::Delete(object) => Event::Delete(value(object)),
        Event::InitApply(object) => Event::InitApply(value(object)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}

/// An API resource by its four names.
#[must_use]
pub fn api_resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version,
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// The resource of `CustomResourceDefinition` itself.
#[must_use]
pub fn definitions() -> ApiResource {
    api_resource(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
    )
}

/// The kind that a CRD stores, with its categories.
#[must_use]
pub fn defined_kind(definition: &Value) -> Option<(ApiResource, Vec<String>)> {
    let spec = &definition["spec"];
    let version = spec["versions"]
        .as_array()?
        .iter()
        .find(|version| version["storage"] == true)?;
    let names = &spec["names"];
    let categories = names["categories"].as_array().into_iter().flatten();
    let resource = api_resource(
        spec["group"].as_str()?,
        version["name"].as_str()?,
        names["kind"].as_str()?,
        names["plural"].as_str()?,
    );
    Some((
        resource,
        categories
            .filter_map(|it| Some(it.as_str()?.to_owned()))
            .collect(),
    ))
}
