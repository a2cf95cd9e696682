"""The official Azure SDK for Python against the local cloud, unmodified.

Creates, reads and deletes a resource group, a PostgreSQL flexible server and a database, and logs in to the database.
Reads PAVE_AZURE_URL, PAVE_AZURE_TENANT, PAVE_AZURE_CLIENT_ID, PAVE_AZURE_CLIENT_SECRET, PAVE_AZURE_SUBSCRIPTION and
REQUESTS_CA_BUNDLE; ends with a message and a code other than zero when anything is not as it should be.
"""

import os
import secrets
import sys
import time

import psycopg
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

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


def clients(url):
    credential = ClientSecretCredential(
        setting("PAVE_AZURE_TENANT"),
        setting("PAVE_AZURE_CLIENT_ID"),
        setting("PAVE_AZURE_CLIENT_SECRET"),
        authority=url,
        disable_instance_discovery=True,
    )
    subscription = setting("PAVE_AZURE_SUBSCRIPTION")
    options = {"base_url": url, "credential_scopes": [url + "/.default"]}
    return (
        ResourceManagementClient(credential, subscription, **options),
        PostgreSQLManagementClient(credential, subscription, **options),
    )


def check_wrong_secret(url):
    credential = ClientSecretCredential(
        setting("PAVE_AZURE_TENANT"),
        setting("PAVE_AZURE_CLIENT_ID"),
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


def main():
    url = setting("PAVE_AZURE_URL").rstrip("/")
    suffix = secrets.token_hex(4)
    group, server, password = f"sdk-{suffix}", f"sdk-{suffix}", "Aa1-" + secrets.token_hex(12)
    began = time.monotonic()
    check_wrong_secret(url)
    resources, databases = clients(url)
    create(resources, databases, group, server, password)
    host = read(resources, databases, group, server)
    for count, login in enumerate((LOGIN, f"{LOGIN}@{server}"), start=1):
        expect(log_in(host, login, password, "orders") == count, f"{login} does not see the same table")
    delete(resources, databases, group, server)
    print(f"the Azure SDK created, read, used and deleted everything in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    try:
        main()
    except Unexpected as error:
        sys.exit(f"not as it should be: {error}")
