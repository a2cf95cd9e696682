use super::{Codec, Field, Kind, Lifetime, Place, Reference, Removal, Takes, Update};

/// API group of everything below a flexible server.
pub(super) const GROUP: &str = "dbforpostgresql.azure.upbound.io";

/// ARM's API version for flexible servers and what stands below them.
pub(super) const API_VERSION: &str = "2025-08-01";

pub(super) const KIND: Kind = Kind {
    group: GROUP,
    versions: &["v1beta1", "v1beta2"],
    kind: "FlexibleServer",
    plural: "flexibleservers",
    description: "FlexibleServer is the Schema for the FlexibleServers API. Manages a PostgreSQL Flexible Server.",
    place: Place::InGroup {
        resource_type: "Microsoft.DBforPostgreSQL/flexibleServers",
    },
    api_version: API_VERSION,
    fields: FIELDS,
    references: &[Reference {
        field: "resourceGroupName",
        group: "azure.upbound.io",
        kind: "ResourceGroup",
        takes: Takes::ExternalName,
    }],
    update: Update::Patch,
    removal: Removal::Delete,
    has_password: true,
};

const FIELDS: &[Field] = &[
    Field::text(
        "administratorLogin",
        "/properties/administratorLogin",
        "Login of the administrator; cannot be changed.",
    )
    .lives(Lifetime::Immutable),
    Field::text(
        "authentication.activeDirectoryAuthEnabled",
        "/properties/authConfig/activeDirectoryAuth",
        "Whether Entra ID may sign in.",
    )
    .coded(Codec::Switch),
    Field::text(
        "authentication.passwordAuthEnabled",
        "/properties/authConfig/passwordAuth",
        "Whether passwords may sign in.",
    )
    .coded(Codec::Switch),
    Field::text(
        "authentication.tenantId",
        "/properties/authConfig/tenantId",
        "Tenant of Entra ID.",
    ),
    Field::text(
        "autoGrowEnabled",
        "/properties/storage/autoGrow",
        "Whether the storage grows by itself.",
    )
    .coded(Codec::Switch),
    Field::text(
        "backupRetentionDays",
        "/properties/backup/backupRetentionDays",
        "Days for which backups are kept, 7 to 35.",
    )
    .coded(Codec::Number)
    .late(),
    Field::text(
        "createMode",
        "/properties/createMode",
        "How it is made: Default, PointInTimeRestore, GeoRestore or Replica.",
    )
    .lives(Lifetime::CreateOnly),
    Field::text(
        "delegatedSubnetId",
        "/properties/network/delegatedSubnetResourceId",
        "ID of the subnet that is delegated to the server.",
    )
    .lives(Lifetime::Immutable),
    Field::text(
        "geoRedundantBackupEnabled",
        "/properties/backup/geoRedundantBackup",
        "Whether backups are kept in a second region; cannot be changed.",
    )
    .coded(Codec::Switch)
    .lives(Lifetime::Immutable),
    Field::text(
        "highAvailability.mode",
        "/properties/highAvailability/mode",
        "SameZone or ZoneRedundant.",
    ),
    Field::text(
        "highAvailability.standbyAvailabilityZone",
        "/properties/highAvailability/standbyAvailabilityZone",
        "Zone of the standby.",
    ),
    Field::text(
        "location",
        "/location",
        "The Azure Region where the server should exist.",
    )
    .coded(Codec::Location)
    .lives(Lifetime::Immutable)
    .required(),
    Field::text(
        "maintenanceWindow.dayOfWeek",
        "/properties/maintenanceWindow/dayOfWeek",
        "Day of maintenance; Sunday is 0.",
    )
    .coded(Codec::Number)
    .lives(Lifetime::UpdateOnly),
    Field::text(
        "maintenanceWindow.startHour",
        "/properties/maintenanceWindow/startHour",
        "Hour of maintenance.",
    )
    .coded(Codec::Number)
    .lives(Lifetime::UpdateOnly),
    Field::text(
        "maintenanceWindow.startMinute",
        "/properties/maintenanceWindow/startMinute",
        "Minute of maintenance.",
    )
    .coded(Codec::Number)
    .lives(Lifetime::UpdateOnly),
    Field::text(
        "pointInTimeRestoreTimeInUtc",
        "/properties/pointInTimeUTC",
        "Moment to restore, for the mode PointInTimeRestore.",
    )
    .lives(Lifetime::CreateOnly),
    Field::text(
        "privateDnsZoneId",
        "/properties/network/privateDnsZoneArmResourceId",
        "ID of the private DNS zone of the server.",
    ),
    Field::text(
        "publicNetworkAccessEnabled",
        "/properties/network/publicNetworkAccess",
        "Whether the server is reachable from public addresses.",
    )
    .coded(Codec::Switch),
    Field::text(
        "replicationRole",
        "/properties/replicationRole",
        "Only `None`, to end a replication.",
    )
    .lives(Lifetime::UpdateOnly),
    Field::text(
        "resourceGroupName",
        "",
        "The name of the Resource Group where the server should exist.",
    )
    .lives(Lifetime::CreateOnly),
    Field::text(
        "skuName",
        "/sku",
        "Size of the machine: tier and name, such as GP_Standard_D4s_v3.",
    )
    .coded(Codec::Sku)
    .late(),
    Field::text(
        "sourceServerId",
        "/properties/sourceServerResourceId",
        "ID of the server to restore or replicate.",
    )
    .lives(Lifetime::CreateOnly),
    Field::text(
        "storageMb",
        "/properties/storage/storageSizeGB",
        "Size of the storage in MB, such as 32768.",
    )
    .coded(Codec::Megabytes)
    .late(),
    Field::text(
        "storageTier",
        "/properties/storage/tier",
        "Performance of the storage, such as P4.",
    ),
    Field::text("tags", "/tags", "A mapping of tags for the server.").coded(Codec::Tags),
    Field::text(
        "version",
        "/properties/version",
        "Major version of PostgreSQL, such as 16.",
    )
    .late(),
    Field::text(
        "zone",
        "/properties/availabilityZone",
        "The availability zone of the server.",
    ),
];
