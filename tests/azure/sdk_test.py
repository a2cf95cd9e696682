"""The official Azure SDK for Python against the local cloud, unmodified.

Creates, reads and deletes a resource group; a PostgreSQL flexible server and a database, which it logs in to; a storage
account with a container; an identity, as which it signs in with the token of a service account; a managed cluster,
which it uses with kubectl. Reads what `pave env` prints: AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID,
AZURE_CLIENT_SECRET, ARM_SUBSCRIPTION_ID and REQUESTS_CA_BUNDLE. Ends with a message and a code other than zero when
anything is not as it should be.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time

import psycopg
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientAssertionCredential, ClientSecretCredential
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.msi.models import FederatedIdentityCredential
from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient

LOGIN = "appuser"
LOCATION = "westeurope"


class Unexpected(Exception):
    """Something is not as it should be."""


def setting(name):
    value = os.environ.get(name)
    if not value:
        raise Unexpected(f"the environment variable {name} is not set; `pave env` prints it")
    return value


def expect(condition, message):
    if not condition:
        raise Unexpected(message)


def expect_absent(what, read):
    try:
        read()
    except ResourceNotFoundError:
        return
    raise Unexpected(f"{what} is still there")


def our_credential(url):
    return ClientSecretCredential(
        setting("AZURE_TENANT_ID"),
        setting("AZURE_CLIENT_ID"),
        setting("AZURE_CLIENT_SECRET"),
        authority=url,
        disable_instance_discovery=True,
    )


def clients(url, *kinds, credential=None):
    credential = credential or our_credential(url)
    subscription = setting("ARM_SUBSCRIPTION_ID")
    options = {"base_url": url, "credential_scopes": [url + "/.default"]}
    return tuple(kind(credential, subscription, **options) for kind in kinds)


def check_wrong_secret(url):
    credential = ClientSecretCredential(
        setting("AZURE_TENANT_ID"),
        setting("AZURE_CLIENT_ID"),
        "not-the-secret",
        authority=url,
        disable_instance_discovery=True,
    )
    try:
        credential.get_token(url + "/.default")
    except ClientAuthenticationError as error:
        expect("AADSTS7000215" in str(error), f"a wrong secret is refused with other words: {error}")
        return
    raise Unexpected("a wrong secret was accepted")


def server_parameters(password):
    return {
        "location": LOCATION,
        "sku": {"name": "Standard_B1ms", "tier": "Burstable"},
        "properties": {
            "version": "15",
            "administratorLogin": LOGIN,
            "administratorLoginPassword": password,
            "storage": {"storageSizeGB": 32},
        },
    }


def log_in(host, login, password, database):
    with psycopg.connect(
        host=host,
        port=5432,
        user=login,
        password=password,
        dbname=database,
        sslmode="verify-full",
        sslrootcert=setting("REQUESTS_CA_BUNDLE"),
        connect_timeout=10,
    ) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visits (who text)")
        connection.execute("INSERT INTO visits VALUES (%s)", (login,))
        return connection.execute("SELECT count(*) FROM visits").fetchone()[0]


def create(resources, databases, group, server, password):
    made = resources.resource_groups.create_or_update(group, {"location": LOCATION, "tags": {"made-by": "sdk-test"}})
    expect(made.name == group and made.location == LOCATION, f"the group came back as {made}")
    made = databases.servers.begin_create_or_update(group, server, server_parameters(password)).result()
    expect(made.name == server, f"the server came back as {made}")
    expect(password not in str(made.as_dict()), "the password came back")
    rule = {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}}
    databases.firewall_rules.begin_create_or_update(group, server, "all", rule).result()
    database = {"properties": {"charset": "UTF8", "collation": "en_US.utf8"}}
    databases.databases.begin_create(group, server, "orders", database).result()


def read(resources, databases, group, server):
    expect(resources.resource_groups.check_existence(group), "the group is not there")
    found = databases.servers.get(group, server)
    expect(str(found.properties.state) in ("Ready", "ServerState.READY"), f"the server is {found.properties.state}")
    names = [database.name for database in databases.databases.list_by_server(group, server)]
    expect("orders" in names, f"the databases are {names}")
    listed = [entry.name for entry in resources.resources.list_by_resource_group(group)]
    expect(listed == [server], f"the group holds {listed}")
    try:
        databases.databases.begin_create(group, server, "azure_maintenance", {"properties": {}}).result()
    except HttpResponseError as error:
        expect("reserved" in str(error), f"a reserved name is refused with other words: {error}")
    else:
        raise Unexpected("a reserved database name was accepted")
    return found.properties.fully_qualified_domain_name


def delete(resources, databases, group, server):
    databases.databases.begin_delete(group, server, "orders").result()
    expect_absent("the database", lambda: databases.databases.get(group, server, "orders"))
    databases.servers.begin_delete(group, server).result()
    expect_absent("the server", lambda: databases.servers.get(group, server))
    resources.resource_groups.begin_delete(group).result()
    expect(not resources.resource_groups.check_existence(group), "the group is still there")


def check_storage(storage, group, name):
    found = storage.storage_accounts.check_name_availability({"name": name, "type": "Microsoft.Storage/storageAccounts"})
    expect(found.name_available, f"the name {name} is not available: {found}")
    account = {"location": LOCATION, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "tags": {"team": "a"}}
    made = storage.storage_accounts.begin_create(group, name, account).result()
    expect(made.name == name, f"the account came back as {made}")
    endpoint = made.as_dict()["properties"]["primaryEndpoints"]["blob"]
    expect(endpoint.startswith(f"https://{name}.blob."), f"its endpoint is {endpoint}")
    keys = [key.value for key in storage.storage_accounts.list_keys(group, name).keys_property]
    expect(len(keys) == 2 and all(keys), "an account has two keys")
    found = storage.storage_accounts.check_name_availability({"name": name, "type": "Microsoft.Storage/storageAccounts"})
    expect(not found.name_available and found.reason == "AlreadyExists", f"the name is still available: {found}")
    storage.blob_containers.create(group, name, "tfstate", {})
    names = [container.name for container in storage.blob_containers.list(group, name)]
    expect(names == ["tfstate"], f"the containers are {names}")
    expect([account.name for account in storage.storage_accounts.list_by_resource_group(group)] == [name], "the list")


def check_identity(url, identities, group, name, issuer, subject_token):
    made = identities.user_assigned_identities.create_or_update(group, name, {"location": LOCATION})
    again = identities.user_assigned_identities.get(group, name)
    client = made.client_id
    expect(client and again.client_id == client, "an identity keeps its client id")
    federated = FederatedIdentityCredential(
        issuer=issuer, subject="system:serviceaccount:default:robot", audiences=["api://AzureADTokenExchange"]
    )
    identities.federated_identity_credentials.create_or_update(group, name, "robot", federated)
    if subject_token is None:
        return
    robot = ClientAssertionCredential(
        setting("AZURE_TENANT_ID"), client, lambda: subject_token, authority=url, disable_instance_discovery=True
    )
    (resources,) = clients(url, ResourceManagementClient, credential=robot)
    expect(resources.resource_groups.get(group).name == group, "the identity does not see the group")


def cluster_parameters():
    return {
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "dnsPrefix": "sdk",
            "oidcIssuerProfile": {"enabled": True},
            "agentPoolProfiles": [{"name": "nodepool", "count": 1, "vmSize": "Standard_D2s_v3", "mode": "System"}],
        },
    }


def kubectl(kubeconfig, *arguments):
    with tempfile.TemporaryDirectory() as home:
        path = os.path.join(home, "config")
        with open(path, "wb") as file:
            file.write(kubeconfig)
        environment = {**os.environ, "HOME": home, "KUBECONFIG": path}
        done = subprocess.run(
            ["kubectl", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    expect(done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def create_cluster(containers, group, name):
    """Gives the issuer of the cluster and, where kubectl is there, a token of one of its service accounts."""
    made = containers.managed_clusters.begin_create_or_update(group, name, cluster_parameters()).result()
    shown = made.as_dict()["properties"]
    expect(shown["provisioningState"] == "Succeeded", f"the cluster is {shown['provisioningState']}")
    pool = {"properties": {"count": 2, "vmSize": "Standard_D2s_v3", "mode": "User"}}
    containers.agent_pools.begin_create_or_update(group, name, "more", pool).result()
    names = sorted(pool.name for pool in containers.agent_pools.list(group, name))
    expect(names == ["more", "nodepool"], f"the pools are {names}")
    containers.agent_pools.begin_delete(group, name, "more").result()
    given = containers.managed_clusters.list_cluster_user_credentials(group, name).kubeconfigs[0]
    expect(given.name == "clusterUser", f"the kubeconfig is called {given.name}")
    administrator = containers.managed_clusters.list_cluster_admin_credentials(group, name).kubeconfigs[0]
    issuer = shown["oidcIssuerProfile"]["issuerURL"]
    if shutil.which("kubectl") is None:
        print("kubectl is not installed: the cluster was made, and not used")
        return issuer, None
    expect("namespace/default" in kubectl(bytes(given.value), "get", "namespaces", "-o", "name"), "no namespaces")
    kubectl(bytes(administrator.value), "create", "serviceaccount", "robot")
    token = kubectl(bytes(given.value), "create", "token", "robot", "--audience", "api://AzureADTokenExchange")
    return issuer, token.strip()


def check_lists(resources, group, expected):
    listed = {entry.name for entry in resources.resources.list_by_resource_group(group)}
    expect(listed == expected, f"the group holds {listed}")
    kind = "resourceType eq 'Microsoft.ContainerService/managedClusters'"
    listed = [entry.type for entry in resources.resources.list(filter=f"resourceGroup eq '{group}' and {kind}")]
    expect(listed == ["Microsoft.ContainerService/managedClusters"], f"of this type there are {listed}")
    scope = resources.resource_groups.get(group).id
    change = {"operation": "Merge", "properties": {"tags": {"owner": "alice"}}}
    resources.tags.begin_update_at_scope(scope, change).result()
    tags = resources.resource_groups.get(group).tags
    expect(tags == {"made-by": "sdk-test", "owner": "alice"}, f"the tags are {tags}")
    registered = resources.providers.register("Microsoft.ContainerService")
    expect(registered.registration_state == "Registered", "the provider is not registered")


def check_types(url, resources, group, suffix):
    storage, identities, containers = clients(
        url, StorageManagementClient, ManagedServiceIdentityClient, ContainerServiceClient
    )
    account, identity, cluster = f"sdk{suffix}", f"id-{suffix}", f"aks-{suffix}"
    check_storage(storage, group, account)
    issuer, token = create_cluster(containers, group, cluster)
    check_identity(url, identities, group, identity, issuer, token)
    check_lists(resources, group, {f"sdk-{suffix}", account, identity, cluster})
    identities.federated_identity_credentials.delete(group, identity, "robot")
    identities.user_assigned_identities.delete(group, identity)
    storage.storage_accounts.delete(group, account)
    expect_absent("the account", lambda: storage.storage_accounts.get_properties(group, account))
    containers.managed_clusters.begin_delete(group, cluster).result()
    expect_absent("the cluster", lambda: containers.managed_clusters.get(group, cluster))


def main():
    url = setting("AZURE_AUTHORITY_HOST").rstrip("/")
    suffix = secrets.token_hex(4)
    group, server, password = f"sdk-{suffix}", f"sdk-{suffix}", "Aa1-" + secrets.token_hex(12)
    began = time.monotonic()
    check_wrong_secret(url)
    resources, databases = clients(url, ResourceManagementClient, PostgreSQLManagementClient)
    create(resources, databases, group, server, password)
    host = read(resources, databases, group, server)
    for count, login in enumerate((LOGIN, f"{LOGIN}@{server}"), start=1):
        expect(log_in(host, login, password, "orders") == count, f"{login} does not see the same table")
    check_types(url, resources, group, suffix)
    delete(resources, databases, group, server)
    print(f"the Azure SDK created, read, used and deleted everything in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    try:
        main()
    except Unexpected as error:
        sys.exit(f"not as it should be: {error}")
