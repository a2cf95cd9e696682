//! Field numbers of the messages that clients send, as Kubernetes' `generated.proto` files number them.

/// What a field holds.
pub(super) enum Kind {
    String,
    Bool,
    Integer,
    Time,
    MicroTime,
    IntOrString,
    /// A message that holds JSON.
    Json,
    StringMap,
    BytesMap,
    Message(&'static Message),
}

/// One field.
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
}

pub(super) type Message = [Field];

const fn one(number: u64, name: &'static str, kind: Kind) -> Field {
    Field {
        number,
        name,
        kind,
        repeated: false,
    }
}

const fn many(number: u64, name: &'static str, kind: Kind) -> Field {
    Field {
        number,
        name,
        kind,
        repeated: true,
    }
}

const fn text(number: u64, name: &'static str) -> Field {
    one(number, name, Kind::String)
}

const fn texts(number: u64, name: &'static str) -> Field {
    many(number, name, Kind::String)
}

const fn part(number: u64, name: &'static str, message: &'static Message) -> Field {
    one(number, name, Kind::Message(message))
}

const fn parts(number: u64, name: &'static str, message: &'static Message) -> Field {
    many(number, name, Kind::Message(message))
}

const fn metadata() -> Field {
    part(1, "metadata", OBJECT_META)
}

static OBJECT_META: &Message = &[
    text(1, "name"),
    text(2, "generateName"),
    text(3, "namespace"),
    text(4, "selfLink"),
    text(5, "uid"),
    text(6, "resourceVersion"),
    one(7, "generation", Kind::Integer),
    one(8, "creationTimestamp", Kind::Time),
    one(9, "deletionTimestamp", Kind::Time),
    one(10, "deletionGracePeriodSeconds", Kind::Integer),
    one(11, "labels", Kind::StringMap),
    one(12, "annotations", Kind::StringMap),
    parts(13, "ownerReferences", OWNER_REFERENCE),
    texts(14, "finalizers"),
    parts(17, "managedFields", MANAGED_FIELDS),
];

static OWNER_REFERENCE: &Message = &[
    text(1, "kind"),
    text(3, "name"),
    text(4, "uid"),
    text(5, "apiVersion"),
    one(6, "controller", Kind::Bool),
    one(7, "blockOwnerDeletion", Kind::Bool),
];

static MANAGED_FIELDS: &Message = &[
    text(1, "manager"),
    text(2, "operation"),
    text(3, "apiVersion"),
    one(4, "time", Kind::Time),
    text(6, "fieldsType"),
    one(7, "fieldsV1", Kind::Json),
    text(8, "subresource"),
];

static CONFIG_MAP: &Message = &[
    metadata(),
    one(2, "data", Kind::StringMap),
    one(3, "binaryData", Kind::BytesMap),
    one(4, "immutable", Kind::Bool),
];

static SECRET: &Message = &[
    metadata(),
    one(2, "data", Kind::BytesMap),
    text(3, "type"),
    one(4, "stringData", Kind::StringMap),
    one(5, "immutable", Kind::Bool),
];

static NAMESPACE: &Message = &[
    metadata(),
    part(2, "spec", &[texts(1, "finalizers")]),
    part(3, "status", &[text(1, "phase")]),
];

static OBJECT_REFERENCE: &Message = &[
    text(1, "kind"),
    text(2, "namespace"),
    text(3, "name"),
    text(4, "uid"),
    text(5, "apiVersion"),
    text(6, "resourceVersion"),
    text(7, "fieldPath"),
];

static SERVICE_ACCOUNT: &Message = &[
    metadata(),
    parts(2, "secrets", OBJECT_REFERENCE),
    parts(3, "imagePullSecrets", &[text(1, "name")]),
    one(4, "automountServiceAccountToken", Kind::Bool),
];

static EVENT: &Message = &[
    metadata(),
    part(2, "involvedObject", OBJECT_REFERENCE),
    text(3, "reason"),
    text(4, "message"),
    part(5, "source", &[text(1, "component"), text(2, "host")]),
    one(6, "firstTimestamp", Kind::Time),
    one(7, "lastTimestamp", Kind::Time),
    one(8, "count", Kind::Integer),
    text(9, "type"),
    one(10, "eventTime", Kind::MicroTime),
    part(
        11,
        "series",
        &[
            one(1, "count", Kind::Integer),
            one(2, "lastObservedTime", Kind::MicroTime),
        ],
    ),
    text(12, "action"),
    part(13, "related", OBJECT_REFERENCE),
    text(14, "reportingComponent"),
    text(15, "reportingInstance"),
];

static EVENT_VIEW: &Message = &[
    metadata(),
    one(2, "eventTime", Kind::MicroTime),
    part(
        3,
        "series",
        &[
            one(1, "count", Kind::Integer),
            one(2, "lastObservedTime", Kind::MicroTime),
        ],
    ),
    text(4, "reportingController"),
    text(5, "reportingInstance"),
    text(6, "action"),
    text(7, "reason"),
    part(8, "regarding", OBJECT_REFERENCE),
    part(9, "related", OBJECT_REFERENCE),
    text(10, "note"),
    text(11, "type"),
];

static POLICY_RULE: &Message = &[
    texts(1, "verbs"),
    texts(2, "apiGroups"),
    texts(3, "resources"),
    texts(4, "resourceNames"),
    texts(5, "nonResourceURLs"),
];

static LABEL_SELECTOR: &Message = &[
    one(1, "matchLabels", Kind::StringMap),
    parts(
        2,
        "matchExpressions",
        &[text(1, "key"), text(2, "operator"), texts(3, "values")],
    ),
];

static ROLE: &Message = &[
    metadata(),
    parts(2, "rules", POLICY_RULE),
    part(
        3,
        "aggregationRule",
        &[parts(1, "clusterRoleSelectors", LABEL_SELECTOR)],
    ),
];

static BINDING: &Message = &[
    metadata(),
    parts(
        2,
        "subjects",
        &[
            text(1, "kind"),
            text(2, "apiGroup"),
            text(3, "name"),
            text(4, "namespace"),
        ],
    ),
    part(
        3,
        "roleRef",
        &[text(1, "apiGroup"), text(2, "kind"), text(3, "name")],
    ),
];

static LEASE: &Message = &[
    metadata(),
    part(
        2,
        "spec",
        &[
            text(1, "holderIdentity"),
            one(2, "leaseDurationSeconds", Kind::Integer),
            one(3, "acquireTime", Kind::MicroTime),
            one(4, "renewTime", Kind::MicroTime),
            one(5, "leaseTransitions", Kind::Integer),
            text(6, "strategy"),
            text(7, "preferredHolder"),
        ],
    ),
];

static RESOURCE_ATTRIBUTES: &Message = &[
    text(1, "namespace"),
    text(2, "verb"),
    text(3, "group"),
    text(4, "version"),
    text(5, "resource"),
    text(6, "subresource"),
    text(7, "name"),
];

static ACCESS_REVIEW: &Message = &[
    metadata(),
    part(
        2,
        "spec",
        &[
            part(1, "resourceAttributes", RESOURCE_ATTRIBUTES),
            part(2, "nonResourceAttributes", &[text(1, "path"), text(2, "verb")]),
            text(3, "user"),
            texts(4, "groups"),
            text(6, "uid"),
        ],
    ),
];

static RULES_REVIEW: &Message = &[metadata(), part(2, "spec", &[text(1, "namespace")])];

static SELF_REVIEW: &Message = &[metadata()];

static TOKEN_REVIEW: &Message = &[
    metadata(),
    part(2, "spec", &[text(1, "token"), texts(2, "audiences")]),
];

static TOKEN_REQUEST: &Message = &[
    metadata(),
    part(
        2,
        "spec",
        &[
            texts(1, "audiences"),
            part(
                3,
                "boundObjectRef",
                &[
                    text(1, "kind"),
                    text(2, "apiVersion"),
                    text(3, "name"),
                    text(4, "uid"),
                ],
            ),
            one(4, "expirationSeconds", Kind::Integer),
        ],
    ),
];

static DELETE_OPTIONS: &Message = &[
    one(1, "gracePeriodSeconds", Kind::Integer),
    part(2, "preconditions", &[text(1, "uid"), text(2, "resourceVersion")]),
    one(3, "orphanDependents", Kind::Bool),
    text(4, "propagationPolicy"),
    texts(5, "dryRun"),
];

static SERVICE: &Message = &[
    metadata(),
    part(
        2,
        "spec",
        &[
            parts(
                1,
                "ports",
                &[
                    text(1, "name"),
                    text(2, "protocol"),
                    one(3, "port", Kind::Integer),
                    one(4, "targetPort", Kind::IntOrString),
                    one(5, "nodePort", Kind::Integer),
                    text(6, "appProtocol"),
                ],
            ),
            one(2, "selector", Kind::StringMap),
            text(3, "clusterIP"),
            text(4, "type"),
            texts(5, "externalIPs"),
            text(7, "sessionAffinity"),
            text(8, "loadBalancerIP"),
            texts(9, "loadBalancerSourceRanges"),
            text(10, "externalName"),
        ],
    ),
];

static PRIORITY_CLASS: &Message = &[
    metadata(),
    one(2, "value", Kind::Integer),
    one(3, "globalDefault", Kind::Bool),
    text(4, "description"),
    text(5, "preemptionPolicy"),
];

static DISRUPTION_BUDGET: &Message = &[
    metadata(),
    part(
        2,
        "spec",
        &[
            one(1, "minAvailable", Kind::IntOrString),
            part(2, "selector", LABEL_SELECTOR),
            one(3, "maxUnavailable", Kind::IntOrString),
            text(4, "unhealthyPodEvictionPolicy"),
        ],
    ),
];

static SCALE: &Message = &[metadata(), part(2, "spec", &[one(1, "replicas", Kind::Integer)])];

/// The message of a kind that may come as protobuf.
pub(super) fn of_kind(api_version: &str, kind: &str) -> Option<&'static Message> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    Some(match (group, kind) {
        ("", "ConfigMap") => CONFIG_MAP,
        ("", "Secret") => SECRET,
        ("", "Namespace") => NAMESPACE,
        ("", "ServiceAccount") => SERVICE_ACCOUNT,
        ("", "Event") => EVENT,
        ("events.k8s.io", "Event") => EVENT_VIEW,
        ("", "Service") => SERVICE,
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => ROLE,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => BINDING,
        ("coordination.k8s.io", "Lease") => LEASE,
        ("scheduling.k8s.io", "PriorityClass") => PRIORITY_CLASS,
        ("policy", "PodDisruptionBudget") => DISRUPTION_BUDGET,
        ("autoscaling", "Scale") => SCALE,
        (
            "authorization.k8s.io",
            "SelfSubjectAccessReview" | "SubjectAccessReview" | "LocalSubjectAccessReview",
        ) => ACCESS_REVIEW,
        ("authorization.k8s.io", "SelfSubjectRulesReview") => RULES_REVIEW,
        ("authentication.k8s.io", "SelfSubjectReview") => SELF_REVIEW,
        ("authentication.k8s.io", "TokenReview") => TOKEN_REVIEW,
        ("authentication.k8s.io", "TokenRequest") => TOKEN_REQUEST,
        // Sent under the group of the thing deleted.
        (_, "DeleteOptions") => DELETE_OPTIONS,
        _ => return None,
    })
}
