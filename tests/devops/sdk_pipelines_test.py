"""The official Azure DevOps client for Python against the pipelines.

Definitions, builds, runs, variable groups, environments and service connections; above all what the client for Node.js has
no calls for: checks, approvals and the permissions of pipelines. Settings and outcome as in sdk_test.py.
"""

import datetime
import io
import sys
import zipfile

from azure.devops.client import Client
from azure.devops.connection import Connection
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.build import models as build_models
from azure.devops.v7_1.pipeline_permissions import models as permission_models
from azure.devops.v7_1.pipelines import models as pipeline_models
from azure.devops.v7_1.pipelines_checks import models as check_models
from azure.devops.v7_1.service_endpoint import models as endpoint_models
from azure.devops.v7_1.task_agent import models as agent_models
from msrest.authentication import BasicAuthentication

import sdk_test
from sdk_test import ZERO, Unexpected, eventually, expect, refused, setting

PROJECT = sdk_test.PROJECT = "python-pipelines"
YAML = """
trigger: none
parameters:
- name: greeting
  type: string
  default: hello
stages:
- stage: make
  jobs:
  - job: make
    steps:
    - checkout: none
    - script: |
        echo "greeting ${{ parameters.greeting }}, mode $(mode)"
        echo content > $(Build.ArtifactStagingDirectory)/a.txt
    - publish: $(Build.ArtifactStagingDirectory)
      artifact: drop
    - script: if [ "$(mode)" = fail ]; then exit 3; fi; if [ "$(mode)" = slow ]; then sleep 120; fi
- stage: put
  jobs:
  - deployment: put
    environment: staging
    strategy: { runOnce: { deploy: { steps: [ { script: echo put } ] } } }
"""
TASK_CHECK = {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", "name": "Task Check"}
APPROVAL = {"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d", "name": "Approval"}
LOCK = {"id": "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563", "name": "ExclusiveLock"}


class CheckWithSettings(check_models.CheckConfiguration):
    """The package's own model knows no settings of a check; whoever needs them adds the field so."""

    _attribute_map = {
        **check_models.CheckConfiguration._attribute_map,
        "settings": {"key": "settings", "type": "object"},
    }

    def __init__(self, settings=None, **others):
        super().__init__(**others)
        self.settings = settings


class YamlConfiguration(pipeline_models.CreatePipelineConfigurationParameters):
    """The same of a pipeline: the package's own model knows neither the path nor the repository."""

    _attribute_map = {
        **pipeline_models.CreatePipelineConfigurationParameters._attribute_map,
        "path": {"key": "path", "type": "str"},
        "repository": {"key": "repository", "type": "object"},
    }

    def __init__(self, path=None, repository=None):
        super().__init__(type="yaml")
        self.path = path
        self.repository = repository


class Approvals(Client):
    """The package has no module of approvals; its base finds and calls every route that is published."""

    LOCATION = "37794717-f36f-4d78-b2bf-4dc30d0cfbcd"

    def query(self, **parameters):
        route = {"project": PROJECT}
        answer = self._send("GET", self.LOCATION, "7.1-preview.1", route, parameters)
        return self._unwrap_collection(answer)

    def get(self, one):
        route = {"project": PROJECT, "approvalId": one}
        return self._send("GET", self.LOCATION, "7.1-preview.1", route, {"$expand": "steps"}).json()

    def update(self, wishes):
        answer = self._send("PATCH", self.LOCATION, "7.1-preview.1", {"project": PROJECT}, content=wishes)
        return self._unwrap_collection(answer)


def same(found, wanted, what):
    expect(found == wanted, f"{what}: {found}, not {wanted}")


def is_time(value, what):
    expect(isinstance(value, datetime.datetime), f"{what} is {value!r}, not a time")


def ended(build, one):
    def look():
        now = build.get_build(PROJECT, one)
        return now if now.status == "completed" else None

    return eventually(f"the end of build {one}", look)


def define(build, repository):
    body = build_models.BuildDefinition(
        name="app",
        path="\\team",
        process={"type": 2, "yamlFilename": "azure-pipelines.yml"},
        repository=build_models.BuildRepository(id=repository.id, type="TfsGit", default_branch="refs/heads/main"),
        variables={
            "mode": build_models.BuildDefinitionVariable(value="fine", allow_override=True),
            "secret": build_models.BuildDefinitionVariable(value="hidden!", is_secret=True),
        },
    )
    made = build.create_definition(body, PROJECT)
    same((made.revision, made.path, made.type, made.quality), (1, "\\team", "build", "definition"), "the definition")
    is_time(made.created_date, "createdDate")
    refused(lambda: build.create_definition(body, PROJECT), "already exists")
    made.queue_status = "paused"
    changed = build.update_definition(made, PROJECT, made.id)
    same((changed.revision, changed.queue_status), (2, "paused"), "the changed definition")
    refused(lambda: build.update_definition(made, PROJECT, made.id), "revision")
    changed.queue_status = "enabled"
    back = build.update_definition(changed, PROJECT, made.id)
    expect(back.variables["secret"].is_secret and not back.variables["secret"].value, "a secret was shown")
    same([it.revision for it in build.get_definition_revisions(PROJECT, made.id)], [1, 2, 3], "revisions")
    same(build.get_definition(PROJECT, made.id, revision=2).queue_status, "paused", "revision 2")
    same([it.id for it in build.get_definitions(PROJECT, name="a*", path="\\team")], [made.id], "definitions")
    same(build.get_definitions(PROJECT, path="\\none"), [], "definitions of another folder")
    same(build.get_definition_yaml(PROJECT, made.id).yaml, YAML, "the YAML")
    same([it.path for it in build.get_folders(PROJECT)], ["\\", "\\team"], "folders")
    refused(lambda: build.get_definition(PROJECT, 99999), "99999")
    return made


def runs(pipelines, repository):
    configuration = YamlConfiguration("/azure-pipelines.yml", {"id": repository.id, "type": "azureReposGit"})
    wish = pipeline_models.CreatePipelineParameters(configuration=configuration, folder="\\", name="other")
    made = pipelines.create_pipeline(wish, PROJECT)
    same([it.name for it in pipelines.list_pipelines(PROJECT, order_by="name desc")], ["other", "app"], "pipelines")
    wish = pipeline_models.RunPipelineParameters(preview_run=True, template_parameters={"greeting": "hi"})
    preview = pipelines.preview(wish, PROJECT, made.id)
    expect("greeting hi" in preview.final_yaml, f"the preview is {preview.final_yaml}")
    wish = pipeline_models.RunPipelineParameters(preview_run=True, yaml_override="stepz: []")
    refused(lambda: pipelines.preview(wish, PROJECT, made.id), "PV2203")
    wish = pipeline_models.RunPipelineParameters(variables={"mode": pipeline_models.Variable(value="plain")})
    run = pipelines.run_pipeline(wish, PROJECT, made.id)
    same(run.state, "inProgress", "the state of the run")
    is_time(run.created_date, "createdDate")
    return made, run


def of_build(build, pipelines, made, run):
    done = ended(build, run.id)
    same((done.result, done.reason), ("succeeded", "manual"), "the build")
    for name in ("queue_time", "start_time", "finish_time"):
        is_time(getattr(done, name), name)
    again = pipelines.get_run(PROJECT, made.id, run.id)
    same((again.state, again.result, again.variables["mode"].value), ("completed", "succeeded", "plain"), "the run")
    same([it.id for it in pipelines.list_runs(PROJECT, made.id)], [run.id], "runs")
    timeline = build.get_build_timeline(PROJECT, run.id)
    stages = {it.identifier: it.result for it in timeline.records if it.type == "Stage"}
    same(stages, {"make": "succeeded", "put": "succeeded"}, "stages")
    logs = build.get_build_logs(PROJECT, run.id)
    said = next(
        (it for it in logs if any(line.endswith("mode plain") for line in build.get_build_log_lines(PROJECT, run.id, it.id))),
        None,
    )
    expect(said is not None, "nothing was said")
    text = b"".join(build.get_build_log(PROJECT, run.id, said.id)).decode()
    lines = build.get_build_log_lines(PROJECT, run.id, said.id)
    same(text.splitlines(), lines, "the log as text")
    same(build.get_build_log_lines(PROJECT, run.id, said.id, start_line=2, end_line=3), lines[1:3], "two lines")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(build.get_build_logs_zip(PROJECT, run.id))))
    same(len(archive.namelist()), len(logs), "logs in the archive")
    listed = pipelines.list_logs(PROJECT, made.id, run.id, expand="signedContent")
    expect(listed.logs[0].signed_content.url, "a log has no address")
    same([it.name for it in build.get_artifacts(PROJECT, run.id)], ["drop"], "artifacts")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(build.get_artifact_content_zip(PROJECT, run.id, "drop"))))
    same(archive.read("drop/a.txt"), b"content\n", "the artifact")
    signed = pipelines.get_artifact(PROJECT, made.id, run.id, "drop", expand="signedContent")
    expect(signed.signed_content.url, "the artifact has no address")
    same([it.message for it in build.get_build_changes(PROJECT, run.id)], ["Begin"], "changes")
    same(build.get_build_work_items_refs(PROJECT, run.id), [], "work items")
    expect("succeeded" in build.get_build_report(PROJECT, run.id).content, "the report says nothing")
    same(build.get_latest_build(PROJECT, "other").id, run.id, "the latest build")
    expect("succeeded" in build.get_status_badge(PROJECT, "other"), "the badge says nothing")
    latest = build.get_definitions(PROJECT, name="other", include_latest_builds=True)[0]
    same((latest.latest_build.id, latest.latest_completed_build.id), (run.id, run.id), "the latest builds of a definition")
    for what, found in [
        ("templates", build.get_templates(PROJECT)),
        ("options", build.get_build_option_definitions(PROJECT)),
        ("work items", build.get_work_items_between_builds(PROJECT, run.id, run.id)),
    ]:
        same(found, [], what)
    return done


def kept(build, done):
    same(build.add_build_tag(PROJECT, done.id, "one"), ["one"], "tags")
    same(build.add_build_tags(["two"], PROJECT, done.id), ["one", "two"], "tags")
    same(build.delete_build_tag(PROJECT, done.id, "two"), ["one"], "tags")
    same(build.get_tags(PROJECT), ["one"], "all tags")
    lease = build_models.NewRetentionLease(days_valid=3, definition_id=done.definition.id, owner_id="User:tool", run_id=done.id)
    made = build.add_retention_leases([lease], PROJECT)[0]
    is_time(made.valid_until, "validUntil")
    same([it.lease_id for it in build.get_retention_leases_for_build(PROJECT, done.id)], [made.lease_id], "leases")
    same([it.lease_id for it in build.get_retention_leases_by_user_id(PROJECT, "tool")], [made.lease_id], "leases of a person")
    longer = build.update_retention_lease(build_models.RetentionLeaseUpdate(days_valid=9), PROJECT, made.lease_id)
    expect(longer.valid_until > made.valid_until, "the lease is not longer")
    build.delete_retention_leases_by_id(PROJECT, [made.lease_id])
    same(build.get_retention_leases_by_owner_id(PROJECT, owner_id="User:tool"), [], "leases left")


def retries_and_cancels(build, definition):
    def queue(mode):
        wish = build_models.Build(definition={"id": definition.id}, parameters=f'{{"mode": "{mode}"}}')
        return build.queue_build(wish, PROJECT).id

    failed = queue("fail")
    same(ended(build, failed).result, "failed", "the second build")
    build.update_stage(build_models.UpdateStageParameters(state="retry", force_retry_all_jobs=True), failed, "make", PROJECT)
    eventually(
        "the second attempt",
        lambda: any(
            it.type == "Stage" and it.attempt == 2 and it.state == "completed"
            for it in build.get_build_timeline(PROJECT, failed).records
        ),
    )
    ended(build, failed)
    slow = queue("slow")
    eventually("the start", lambda: build.get_build(PROJECT, slow).status == "inProgress")
    build.update_build(build_models.Build(status="cancelling"), PROJECT, slow)
    same(ended(build, slow).result, "canceled", "the third build")
    return failed, slow


def filters(build, definition, done, failed, slow):
    def found(**wanted):
        return sorted(it.id for it in build.get_builds(PROJECT, **wanted))

    every = [done.id, failed, slow]
    last = build.get_build(PROJECT, failed)
    for wanted, expected in [
        ({}, every),
        ({"definitions": [definition.id]}, [failed, slow]),
        ({"build_number": done.build_number, "definitions": [done.definition.id]}, [done.id]),
        ({"min_time": last.queue_time, "query_order": "queueTimeDescending"}, [failed, slow]),
        ({"max_time": last.queue_time, "query_order": "queueTimeDescending"}, [done.id, failed]),
        ({"requested_for": done.requested_for.display_name}, every),
        ({"requested_for": "nobody"}, []),
        ({"reason_filter": "manual"}, every),
        ({"reason_filter": "schedule"}, []),
        ({"status_filter": "completed"}, every),
        ({"status_filter": "inProgress,notStarted"}, []),
        ({"result_filter": "failed"}, [failed]),
        ({"tag_filters": ["one"]}, [done.id]),
        ({"top": 1}, [slow]),
        ({"top": 1, "query_order": "finishTimeAscending"}, [done.id]),
        ({"max_builds_per_definition": 1}, [done.id, slow]),
        ({"deleted_filter": "onlyDeleted"}, []),
        ({"branch_name": "refs/heads/main"}, every),
        ({"build_ids": [failed]}, [failed]),
        ({"repository_id": done.repository.id, "repository_type": "TfsGit"}, every),
        ({"top": 2, "continuation_token": str(failed)}, [done.id]),
    ]:
        same(found(**wanted), expected, f"builds by {wanted}")


def pools(agents):
    queue = agents.get_agent_queues(project=PROJECT, queue_name="Azure Pipelines")[0]
    expect(queue.pool.is_hosted, "the pool is not hosted")
    same(agents.get_agent_queues(project=PROJECT, queue_name="None"), [], "queues")
    pool = agents.get_agent_pools(pool_name="Azure Pipelines")[0]
    same(pool.pool_type, "automation", "the kind of the pool")
    same([it.status for it in agents.get_agents(pool.id)], ["online"], "agents")


def groups(agents, project):
    reference = agent_models.VariableGroupProjectReference(
        name="shared", project_reference=agent_models.ProjectReference(id=project.id, name=PROJECT)
    )
    body = agent_models.VariableGroupParameters(
        name="shared",
        type="Vsts",
        variables={"plain": {"value": "1"}, "secret": {"value": "hidden!", "isSecret": True}},
        variable_group_project_references=[reference],
    )
    made = agents.add_variable_group(body)
    is_time(made.created_on, "createdOn")
    for it in [made, agents.get_variable_group(PROJECT, made.id), *agents.get_variable_groups_by_id(PROJECT, [made.id])]:
        expect("hidden!" not in str(it.as_dict()), "a secret was shown")
        same(it.variables["plain"]["value"] if isinstance(it.variables["plain"], dict) else it.variables["plain"].value, "1", "plain")
    body.description = "Changed"
    same(agents.update_variable_group(body, made.id).description, "Changed", "the description")
    agents.delete_variable_group(made.id, [project.id])
    same(agents.get_variable_groups(PROJECT), [], "groups left")


def endpoint(services, project):
    reference = endpoint_models.ServiceEndpointProjectReference(
        name="cloud", project_reference=endpoint_models.ProjectReference(id=project.id, name=PROJECT)
    )
    body = endpoint_models.ServiceEndpoint(
        name="cloud",
        type="generic",
        url="https://cloud.example/",
        data={},
        authorization=endpoint_models.EndpointAuthorization(
            scheme="UsernamePassword", parameters={"username": "robot", "password": "hidden!"}
        ),
        service_endpoint_project_references=[reference],
    )
    made = services.create_service_endpoint(body)
    shown = [
        made,
        services.get_service_endpoint_details(PROJECT, made.id),
        *services.get_service_endpoints(PROJECT, type="generic"),
        *services.get_service_endpoints_by_names(PROJECT, ["cloud"]),
    ]
    same(len(shown), 4, "connections")
    for it in shown:
        expect("hidden!" not in str(it.as_dict()), "a secret was shown")
        same(it.authorization.parameters["username"], "robot", "the user name")
    body.url = "https://other.example/"
    same(services.update_service_endpoint(body, made.id).url, body.url, "the address")
    same([it.name for it in services.get_service_endpoint_types(type="azurerm")], ["azurerm"], "types")
    return made


def permissions(connection, made, definition):
    client = connection.clients_v7_1.get_pipeline_permissions_client()
    before = client.get_pipeline_permissions_for_resource(PROJECT, "endpoint", made.id)
    expect(before.all_pipelines.authorized, "not open to all")
    wish = permission_models.ResourcePipelinePermissions(
        all_pipelines=permission_models.Permission(authorized=False),
        pipelines=[permission_models.PipelinePermission(id=definition.id, authorized=True)],
    )
    after = client.update_pipeline_permisions_for_resource(wish, PROJECT, "endpoint", made.id)
    same([(it.id, it.authorized) for it in after.pipelines], [(definition.id, True)], "permitted pipelines")
    is_time(after.pipelines[0].authorized_on, "authorizedOn")
    again = client.get_pipeline_permissions_for_resource(PROJECT, "endpoint", made.id)
    expect(not (again.all_pipelines and again.all_pipelines.authorized), "still open to all")
    wish.resource = permission_models.Resource(id=made.id, type="endpoint")
    many = client.update_pipeline_permisions_for_resources([wish], PROJECT)
    same(many[0].resource.id, made.id, "permissions of several")


def task_check(definition, inputs):
    reference = {"id": definition[0], "name": definition[1], "version": "0.0.1"}
    return TASK_CHECK, {"definitionRef": reference, "displayName": definition[1], "inputs": inputs}


def checks(connection, agents, environment, me):
    client = connection.clients_v7_1.get_pipelines_checks_client()
    resource = check_models.Resource(type="environment", id=str(environment.id), name=environment.name)
    hours = {"businessDays": "Monday, Tuesday", "timeZone": "UTC", "startTime": "08:00", "endTime": "17:00"}
    wishes = [
        (APPROVAL, {"approvers": [{"id": me.id}], "minRequiredApprovers": 1, "instructions": "Look first"}),
        task_check(("86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b", "evaluatebranchProtection"), {"allowedBranches": "refs/heads/main"}),
        task_check(("445fde2f-6c39-441c-807f-8a59ff2e075f", "evaluateBusinessHours"), hours),
        (LOCK, {}),
    ]
    made = []
    for kind, settings in wishes:
        body = CheckWithSettings(type=check_models.CheckType(**kind), settings=settings, resource=resource, timeout=60)
        it = client.add_check_configuration(body, PROJECT)
        same((it.type.id, it.timeout, it.resource.id), (kind["id"], 60, str(environment.id)), "the check")
        is_time(it.created_on, "createdOn")
        made.append(it)
    expanded = client.get_check_configuration(PROJECT, made[1].id, expand="settings")
    same(expanded.additional_properties["settings"]["inputs"]["allowedBranches"], "refs/heads/main", "settings")
    wrong = CheckWithSettings(type=check_models.CheckType(**TASK_CHECK), settings={}, resource=resource)
    refused(lambda: client.add_check_configuration(wrong, PROJECT), "does not evaluate")
    listed = client.get_check_configurations_on_resource(PROJECT, "environment", str(environment.id))
    same(sorted(it.id for it in listed), sorted(it.id for it in made), "checks of the environment")
    listed = client.query_check_configurations_on_resources([resource], PROJECT)
    same(len(listed), 4, "checks by query")
    body = CheckWithSettings(type=check_models.CheckType(**APPROVAL), settings=wishes[0][1], resource=resource, timeout=90)
    same(client.update_check_configuration(body, PROJECT, made[0].id).timeout, 90, "the changed time limit")
    # Of the business hours the day of this test would decide.
    client.delete_check_configuration(PROJECT, made[2].id)
    refused(lambda: client.get_check_configuration(PROJECT, made[2].id), "no check configuration")
    return client


def approvals(connection, build, client, definition):
    approvals = Approvals(connection.base_url, creds=connection._creds)
    queued = build.queue_build(build_models.Build(definition={"id": definition.id}), PROJECT)

    def pending():
        all_of_them = approvals.query(state="pending")
        return next((it for it in all_of_them if it["pipeline"]["owner"]["id"] == queued.id), None)

    one = eventually("the approval", pending)
    same((one["status"], one["minRequiredApprovers"], one["instructions"]), ("pending", 1, "Look first"), "the approval")
    records = build.get_build_timeline(PROJECT, queued.id).records
    checkpoint = next(it for it in records if it.type == "Checkpoint" and it.state != "completed")
    suite = client.get_check_suite(PROJECT, checkpoint.id, expand="resources")
    kinds = sorted(it.check_configuration_ref.type.name for it in suite.check_runs)
    same(kinds, ["Approval", "ExclusiveLock", "Task Check"], "runs of checks")
    same(suite.status, "running", "the suite")
    same([it["id"] for it in approvals.query(approvalIds=one["id"])], [one["id"]], "approvals by id")
    refused(lambda: approvals.update([{"approvalId": one["id"], "status": "perhaps"}]), "perhaps")
    done = approvals.update([{"approvalId": one["id"], "status": "approved", "comment": "Fine"}])
    same(done[0]["status"], "approved", "the approval")
    same(approvals.get(one["id"])["steps"][0]["comment"], "Fine", "the comment")
    same(ended(build, queued.id).result, "succeeded", "the approved build")
    suite = client.get_check_suite(PROJECT, checkpoint.id)
    same(suite.status, "approved", "the suite at the end")
    is_time(suite.completed_date, "completedDate")


def environments(agents, done):
    found = agents.get_environments(PROJECT, name="staging")[0]
    is_time(found.created_on, "createdOn")
    record = agents.get_environment_deployment_execution_records(PROJECT, found.id)[0]
    same((record.owner.id, record.result, record.stage_name), (done.id, "succeeded", "put"), "the deployment")
    is_time(record.finish_time, "finishTime")
    made = agents.add_environment(agent_models.EnvironmentCreateParameter(name="mine", description="x"), PROJECT)
    changed = agents.update_environment(agent_models.EnvironmentUpdateParameter(name="ours"), PROJECT, made.id)
    same(changed.name, "ours", "the environment")
    agents.delete_environment(PROJECT, made.id)
    same([it.name for it in agents.get_environments(PROJECT)], ["staging"], "environments left")
    return found


def main():
    url = f"{setting('PAVE_FORGE_URL').rstrip('/')}/{setting('PAVE_FORGE_ORGANIZATION')}"
    connection = Connection(base_url=url, creds=BasicAuthentication("", setting("PAVE_FORGE_TOKEN")))
    core, project = sdk_test.make_project(connection)
    clients = connection.clients_v7_1
    git, build, pipelines = clients.get_git_client(), clients.get_build_client(), clients.get_pipelines_client()
    agents, services = clients.get_task_agent_client(), clients.get_service_endpoint_client()
    repository = git.create_repository(sdk_test.git_models.GitRepositoryCreateOptions(name="app"), project=PROJECT)
    sdk_test.push(git, repository, "main", ZERO, "/azure-pipelines.yml", YAML, "Begin")
    definition = define(build, repository)
    made, run = runs(pipelines, repository)
    done = of_build(build, pipelines, made, run)
    kept(build, done)
    failed, slow = retries_and_cancels(build, definition)
    filters(build, definition, done, failed, slow)
    pools(agents)
    groups(agents, project)
    connected = endpoint(services, project)
    permissions(connection, connected, definition)
    services.delete_service_endpoint(connected.id, [project.id])
    environment = environments(agents, done)
    client = checks(connection, agents, environment, definition.authored_by)
    approvals(connection, build, client, definition)
    build.delete_definition(PROJECT, definition.id)
    core.queue_delete_project(project.id)
    print("everything is as it should be")


if __name__ == "__main__":
    try:
        main()
    except (Unexpected, AzureDevOpsServiceError) as problem:
        print(f"sdk_pipelines_test: {problem}", file=sys.stderr)
        sys.exit(1)
