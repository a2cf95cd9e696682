import { address, call, list } from "./devops";
import type * as B from "./buildTypes";
import type { Place } from "./devopsTypes";

// Pipelines, runs and what they use, in Azure DevOps' REST API.

const part = encodeURIComponent;
const PREVIEW = { "api-version": "7.1-preview.1" };
const build = (id: number, tail = "") => `build/builds/${id}${tail === "" ? "" : `/${tail}`}`;

export interface BuildsQuery {
  definitions?: number;
  statusFilter?: string;
  resultFilter?: string;
  branchName?: string;
  $top?: number;
}

export const builds = {
  definitions: (place: Place) => list<B.Definition>(place, "build/definitions", { includeAllProperties: true }),
  definition: (place: Place, id: number) => call<B.Definition>("GET", place, `build/definitions/${id}`),
  createDefinition: (place: Place, { name, repository, path }: { name: string; repository: string; path: string }) =>
    call<{ id: number; name: string }>("POST", place, "pipelines", {
      body: { name, folder: "\\", configuration: { type: "yaml", path, repository: { id: repository, type: "azureReposGit" } } },
    }),
  updateDefinition: (place: Place, definition: B.Definition) => call<B.Definition>("PUT", place, `build/definitions/${definition.id}`, { body: definition }),
  deleteDefinition: (place: Place, id: number) => call<void>("DELETE", place, `build/definitions/${id}`),
  preview: (place: Place, id: number, body: B.RunRequest) => call<B.Preview>("POST", place, `pipelines/${id}/preview`, { body: { ...body, previewRun: true } }),
  run: (place: Place, id: number, body: B.RunRequest) => call<{ id: number; name: string }>("POST", place, `pipelines/${id}/runs`, { body }),

  builds: (place: Place, query: BuildsQuery) => list<B.Build>(place, "build/builds", { queryOrder: "queueTimeDescending", ...query }),
  build: (place: Place, id: number) => call<B.Build>("GET", place, build(id)),
  cancel: (place: Place, id: number) => call<B.Build>("PATCH", place, build(id), { body: { status: "cancelling" } }),
  retryFailed: (place: Place, id: number) => call<B.Build>("PATCH", place, build(id), { query: { retry: true }, body: {} }),
  retryStage: (place: Place, id: number, stage: string, all: boolean) =>
    call<void>("PATCH", place, build(id, `stages/${part(stage)}`), { body: { state: "retry", forceRetryAllJobs: all } }),
  timeline: async (place: Place, id: number) => (await call<B.Timeline | undefined>("GET", place, build(id, "timeline"))) ?? { id: "", records: [] },
  log: (place: Place, id: number, log: number, startLine: number) =>
    list<string>(place, build(id, `logs/${log}`), { startLine: startLine > 1 ? startLine : undefined }),
  logUrl: (place: Place, id: number, log: number) => address(place, build(id, `logs/${log}`), { $format: "text" }),
  allLogsUrl: (place: Place, id: number) => address(place, build(id, "logs"), { $format: "zip" }),
  artifacts: (place: Place, id: number) => list<B.Artifact>(place, build(id, "artifacts")),
  artifactUrl: (place: Place, id: number, name: string) => address(place, build(id, "artifacts"), { artifactName: name, $format: "zip" }),
  attachments: (place: Place, id: number, type: string) => list<B.Attachment>(place, build(id, `attachments/${part(type)}`)),
  attachment: async (place: Place, id: number, type: string, one: B.Attachment): Promise<unknown> => {
    // Upstream tells timeline and record only in the link.
    const [, timeline = "", record = ""] = /builds\/\d+\/([^/]+)\/([^/]+)\/attachments/i.exec(one._links?.self?.href ?? "") ?? [];
    return call("GET", place, build(id, `${one.timelineId ?? timeline}/${one.recordId ?? record}/attachments/${part(type)}/${part(one.name)}`));
  },

  approvals: (place: Place) => list<B.Approval>(place, "pipelines/approvals", { state: "pending", $expand: "steps", ...PREVIEW }),
  decide: (place: Place, approval: string, status: "approved" | "rejected", comment: string) =>
    call<unknown>("PATCH", place, "pipelines/approvals", { query: PREVIEW, body: [{ approvalId: approval, status, comment }] }),

  endpoints: (place: Place) => list<B.Endpoint>(place, "serviceendpoint/endpoints"),
  createEndpoint: (place: Place, body: B.NewEndpoint) => call<B.Endpoint>("POST", place, "serviceendpoint/endpoints", { body }),
  updateEndpoint: (place: Place, id: string, body: B.NewEndpoint) => call<B.Endpoint>("PUT", place, `serviceendpoint/endpoints/${id}`, { body: { ...body, id } }),
  deleteEndpoint: (place: Place, id: string, project: string) => call<void>("DELETE", place, `serviceendpoint/endpoints/${id}`, { query: { projectIds: project } }),
  verifyEndpoint: (place: Place, id: string, details?: B.NewEndpoint) =>
    call<{ statusCode?: string; errorMessage?: string }>("POST", place, "serviceendpoint/endpointproxy", {
      query: { endpointId: id, ...PREVIEW },
      body: { dataSourceDetails: { dataSourceName: "TestConnection" }, ...(details && { serviceEndpointDetails: details }) },
    }),

  groups: (place: Place) => list<B.VariableGroup>(place, "distributedtask/variablegroups"),
  saveGroup: (place: Place, project: { id: string; name: string }, group: Omit<B.VariableGroup, "id"> & { id?: number }) => {
    const reference = { projectReference: project, name: group.name, description: group.description };
    const body = { ...group, type: "Vsts", variableGroupProjectReferences: [reference] };
    return group.id === undefined
      ? call<B.VariableGroup>("POST", { ...place, project: undefined }, "distributedtask/variablegroups", { body })
      : call<B.VariableGroup>("PUT", { ...place, project: undefined }, `distributedtask/variablegroups/${group.id}`, { body });
  },
  deleteGroup: (place: Place, id: number, project: string) =>
    call<void>("DELETE", { ...place, project: undefined }, `distributedtask/variablegroups/${id}`, { query: { projectIds: project } }),

  environments: (place: Place) => list<B.DeployEnvironment>(place, "distributedtask/environments"),
  createEnvironment: (place: Place, body: { name: string; description: string }) => call<B.DeployEnvironment>("POST", place, "distributedtask/environments", { body }),
  deleteEnvironment: (place: Place, id: number) => call<void>("DELETE", place, `distributedtask/environments/${id}`),
  checks: (place: Place, environment: number) =>
    list<B.Check>(place, "pipelines/checks/configurations", { resourceType: "environment", resourceId: environment, $expand: "settings", ...PREVIEW }),
  addCheck: (place: Place, body: Omit<B.Check, "id">) => call<B.Check>("POST", place, "pipelines/checks/configurations", { query: PREVIEW, body }),
  changeCheck: (place: Place, id: number, body: Omit<B.Check, "id">) =>
    call<B.Check>("PATCH", place, `pipelines/checks/configurations/${id}`, { query: PREVIEW, body: { ...body, id } }),
  removeCheck: (place: Place, id: number) => call<void>("DELETE", place, `pipelines/checks/configurations/${id}`, { query: PREVIEW }),

  yamlFiles: async (place: Place, repository: string, branch: string) => {
    const items = await list<{ path: string; isFolder?: boolean }>(place, `git/repositories/${part(repository)}/items`, {
      scopePath: "/",
      recursionLevel: "full",
      "versionDescriptor.versionType": "branch",
      "versionDescriptor.version": branch,
    });
    return items.filter((item) => !item.isFolder && /\.ya?ml$/i.test(item.path)).map((item) => item.path);
  },
};
