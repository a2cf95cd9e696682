use super::flexible_server::{API_VERSION, GROUP};
use super::{Codec, Field, Kind, Lifetime, Place, Reference, Removal, Takes, Update};

const SERVER: &[Reference] = &[Reference {
    field: "serverId",
    group: GROUP,
    kind: "FlexibleServer",
    takes: Takes::Id,
}];

const SERVER_ID: Field = Field::text(
    "serverId",
    "",
    "The ID of the PostgreSQL Flexible Server it belongs to.",
)
.lives(Lifetime::CreateOnly);

pub(super) const DATABASE: Kind = Kind {
    group: GROUP,
    versions: &["v1beta1"],
    kind: "FlexibleServerDatabase",
    plural: "flexibleserverdatabases",
    description: "FlexibleServerDatabase is the Schema for the FlexibleServerDatabases API. Manages a database of a PostgreSQL Flexible Server.",
    place: Place::Below {
        parent: "serverId",
        child: "databases",
    },
    api_version: API_VERSION,
    fields: &[
        Field::text(
            "charset",
            "/properties/charset",
            "Charset of the database; cannot be changed.",
        )
        .lives(Lifetime::Immutable)
        .late(),
        Field::text(
            "collation",
            "/properties/collation",
            "Collation of the database; cannot be changed.",
        )
        .lives(Lifetime::Immutable)
        .late(),
        SERVER_ID,
    ],
    references: SERVER,
    update: Update::Put,
    removal: Removal::Delete,
    has_password: false,
};

pub(super) const FIREWALL_RULE: Kind = Kind {
    group: GROUP,
    versions: &["v1beta1"],
    kind: "FlexibleServerFirewallRule",
    plural: "flexibleserverfirewallrules",
    description: "FlexibleServerFirewallRule is the Schema for the FlexibleServerFirewallRules API. Manages a firewall rule of a PostgreSQL Flexible Server.",
    place: Place::Below {
        parent: "serverId",
        child: "firewallRules",
    },
    api_version: API_VERSION,
    fields: &[
        Field::text(
            "endIpAddress",
            "/properties/endIpAddress",
            "Last IPv4 address that the rule lets in.",
        )
        .required(),
        SERVER_ID,
        Field::text(
            "startIpAddress",
            "/properties/startIpAddress",
            "First IPv4 address that the rule lets in.",
        )
        .required(),
    ],
    references: SERVER,
    update: Update::Put,
    removal: Removal::Delete,
    has_password: false,
};

pub(super) const CONFIGURATION: Kind = Kind {
    group: GROUP,
    versions: &["v1beta1"],
    kind: "FlexibleServerConfiguration",
    plural: "flexibleserverconfigurations",
    description: "FlexibleServerConfiguration is the Schema for the FlexibleServerConfigurations API. Sets a parameter of a PostgreSQL Flexible Server; its external name is the parameter's name.",
    place: Place::Below {
        parent: "serverId",
        child: "configurations",
    },
    api_version: API_VERSION,
    fields: &[
        SERVER_ID,
        Field::text("value", "/properties/value", "Value of the parameter.")
            .coded(Codec::Text)
            .required(),
    ],
    references: SERVER,
    update: Update::Put,
    removal: Removal::Reset,
    has_password: false,
};
