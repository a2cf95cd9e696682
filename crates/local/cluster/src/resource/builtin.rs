use std::sync::OnceLock;

use k8s_openapi::api::{
    admissionregistration::v1 as admission, apps::v1 as apps, authentication::v1 as authentication,
    authorization::v1 as authorization, autoscaling::v2 as autoscaling, batch::v1 as batch,
    coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery, events::v1 as events,
    networking::v1 as networking, policy::v1 as policy, rbac::v1 as rbac, scheduling::v1 as scheduling,
    storage::v1 as storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::schemars::{JsonSchema, SchemaGenerator};
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};

use super::columns::builtin_columns;
use super::{Resource, Scale, Source, Traits};
use crate::storage::TableId;

trait Scoped {
    const NAMESPACED: bool;
}

impl Scoped for NamespaceResourceScope {
    const NAMESPACED: bool = true;
}

impl Scoped for ClusterResourceScope {
    const NAMESPACED: bool = false;
}

const PLAIN: Traits = Traits {
    has_status: false,
    has_generation: false,
    update_creates: false,
    is_review: false,
};
const STATUS: Traits = Traits {
    has_status: true,
    ..PLAIN
};
const WORKLOAD: Traits = Traits {
    has_status: true,
    has_generation: true,
    ..PLAIN
};
const GENERATION: Traits = Traits {
    has_generation: true,
    ..PLAIN
};
const CREATES: Traits = Traits {
    update_creates: true,
    ..PLAIN
};
const REVIEW: Traits = Traits {
    is_review: true,
    ..PLAIN
};

fn builtin<T>(cluster: &str, short_names: &[&str], categories: &[&str], traits: Traits) -> Resource
where
    T: k8s_openapi::Resource + JsonSchema,
    T::Scope: Scoped,
{
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (group, plural) = (T::GROUP, T::URL_PATH_SEGMENT);
    // The two event APIs are views of one stored thing.
    let is_event_view = group == "events.k8s.io";
    let table = TableId::new(cluster, if is_event_view { "" } else { group }, plural);
    let stored_api_version = if is_event_view { "v1" } else { T::API_VERSION };
    let scalable = matches!(
        (group, plural),
        ("apps", "deployments" | "statefulsets" | "replicasets")
    );
    Resource {
        group: group.to_owned(),
        version: T::VERSION.to_owned(),
        kind: T::KIND.to_owned(),
        list_kind: format!("{}List", T::KIND),
        plural: plural.to_owned(),
        singular: T::KIND.to_lowercase(),
        short_names: owned(short_names),
        categories: owned(categories),
        namespaced: T::Scope::NAMESPACED,
        traits,
        scale: scalable.then(|| Scale {
            specification: ".spec.replicas".to_owned(),
            status: ".status.replicas".to_owned(),
            selector: None,
        }),
        table,
        stored_api_version: stored_api_version.to_owned(),
        columns: builtin_columns(group, plural),
        source: Source::Builtin(SchemaGenerator::subschema_for::<T>),
        schema: OnceLock::new(),
    }
}

/// Every built-in kind, groups in the order of discovery.
pub(super) fn builtins(c: &str) -> Vec<Resource> {
    let mut all = core_kinds(c);
    all.extend(workload_kinds(c));
    all.extend(policy_kinds(c));
    all.extend(review_kinds(c));
    all
}

fn core_kinds(c: &str) -> Vec<Resource> {
    vec![
        builtin::<core::ConfigMap>(c, &["cm"], &[], PLAIN),
        builtin::<core::Endpoints>(c, &["ep"], &[], CREATES),
        builtin::<core::Event>(c, &["ev"], &[], PLAIN),
        builtin::<core::LimitRange>(c, &["limits"], &[], PLAIN),
        builtin::<core::Namespace>(c, &["ns"], &[], STATUS),
        builtin::<core::Node>(c, &["no"], &[], STATUS),
        builtin::<core::PersistentVolumeClaim>(c, &["pvc"], &[], STATUS),
        builtin::<core::PersistentVolume>(c, &["pv"], &[], STATUS),
        builtin::<core::Pod>(c, &["po"], &["all"], WORKLOAD),
        builtin::<core::PodTemplate>(c, &[], &[], GENERATION),
        builtin::<core::ReplicationController>(c, &["rc"], &["all"], WORKLOAD),
        builtin::<core::ResourceQuota>(c, &["quota"], &[], STATUS),
        builtin::<core::Secret>(c, &[], &[], PLAIN),
        builtin::<core::ServiceAccount>(c, &["sa"], &[], PLAIN),
        builtin::<core::Service>(c, &["svc"], &["all"], STATUS),
    ]
}

fn workload_kinds(c: &str) -> Vec<Resource> {
    vec![
        builtin::<events::Event>(c, &["ev"], &[], PLAIN),
        builtin::<apps::ControllerRevision>(c, &[], &[], PLAIN),
        builtin::<apps::DaemonSet>(c, &["ds"], &["all"], WORKLOAD),
        builtin::<apps::Deployment>(c, &["deploy"], &["all"], WORKLOAD),
        builtin::<apps::ReplicaSet>(c, &["rs"], &["all"], WORKLOAD),
        builtin::<apps::StatefulSet>(c, &["sts"], &["all"], WORKLOAD),
        builtin::<autoscaling::HorizontalPodAutoscaler>(c, &["hpa"], &["all"], STATUS),
        builtin::<batch::CronJob>(c, &["cj"], &["all"], WORKLOAD),
        builtin::<batch::Job>(c, &[], &["all"], WORKLOAD),
        builtin::<networking::IngressClass>(c, &[], &[], GENERATION),
        builtin::<networking::Ingress>(c, &["ing"], &[], WORKLOAD),
        builtin::<networking::NetworkPolicy>(c, &["netpol"], &[], GENERATION),
        builtin::<policy::PodDisruptionBudget>(c, &["pdb"], &[], WORKLOAD),
    ]
}

fn policy_kinds(c: &str) -> Vec<Resource> {
    vec![
        builtin::<rbac::ClusterRoleBinding>(c, &[], &[], CREATES),
        builtin::<rbac::ClusterRole>(c, &[], &[], CREATES),
        builtin::<rbac::RoleBinding>(c, &[], &[], CREATES),
        builtin::<rbac::Role>(c, &[], &[], CREATES),
        builtin::<storage::StorageClass>(c, &["sc"], &[], PLAIN),
        builtin::<admission::MutatingWebhookConfiguration>(c, &[], &["api-extensions"], GENERATION),
        builtin::<admission::ValidatingWebhookConfiguration>(c, &[], &["api-extensions"], GENERATION),
        builtin::<apiextensions::CustomResourceDefinition>(
            c,
            &["crd", "crds"],
            &["api-extensions"],
            WORKLOAD,
        ),
        builtin::<scheduling::PriorityClass>(c, &["pc"], &[], PLAIN),
        builtin::<coordination::Lease>(c, &[], &[], CREATES),
        builtin::<discovery::EndpointSlice>(c, &[], &[], GENERATION),
    ]
}

fn review_kinds(c: &str) -> Vec<Resource> {
    vec![
        builtin::<authentication::SelfSubjectReview>(c, &[], &[], REVIEW),
        builtin::<authentication::TokenReview>(c, &[], &[], REVIEW),
        builtin::<authorization::LocalSubjectAccessReview>(c, &[], &[], REVIEW),
        builtin::<authorization::SelfSubjectAccessReview>(c, &[], &[], REVIEW),
        builtin::<authorization::SelfSubjectRulesReview>(c, &[], &[], REVIEW),
        builtin::<authorization::SubjectAccessReview>(c, &[], &[], REVIEW),
    ]
}
