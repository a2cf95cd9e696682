import { own as at } from "../lib/base";
import { errorOf } from "./errors";
import type * as T from "./types";

async function send<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const init: RequestInit = { method, credentials: "same-origin", headers: { accept: "application/json" } };
  if (body !== undefined) {
    init.headers = { accept: "application/json", "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(at(path), init);
  if (!response.ok) {
    throw await errorOf(response);
  }
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as Answer;
}

const get = <Answer>(path: string) => send<Answer>("GET", path);
const own = "/api/pave/v1";
const part = encodeURIComponent;

function query(values: Record<string, string | number | string[] | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") {
        search.append(name, String(one));
      }
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

export interface EntityQuery {
  filter?: string[];
  term?: string;
  order?: string;
  limit?: number;
  offset?: number;
  fields?: string;
}

export const api = {
  session: () => get<T.Session>(`${own}/session`),
  signOut: () => send<void>("POST", `${own}/session/sign-out`, {}),
  overview: () => get<T.Overview>(`${own}/overview`),

  roads: () => get<{ items: T.RoadSummary[] }>(`${own}/roads`),
  trace: (what: string) => get<T.Road>(`${own}/trace${query({ what })}`),
  cloud: (id: string) => get<T.CloudResource>(`${own}/cloud${query({ id })}`),
  road: (road: string) => get<T.Road>(`${own}/roads/${part(road)}`),

  environments: () => get<{ items: T.Environment[] }>(`${own}/environments`),
  environment: (namespace: string, name: string) =>
    get<T.EnvironmentDetail>(`${own}/environments/${part(namespace)}/${part(name)}`),
  reveal: (namespace: string, name: string) =>
    send<{ values: Record<string, string> }>("POST", `${own}/environments/${part(namespace)}/${part(name)}/reveal`, {}),
  deleteEnvironment: (namespace: string, name: string) =>
    send<{ taskId: string; road: string }>("DELETE", `${own}/environments/${part(namespace)}/${part(name)}`),

  applications: () => get<{ items: T.Application[] }>(`${own}/applications`),
  application: (namespace: string, name: string) =>
    get<T.ApplicationDetail>(`${own}/applications/${part(namespace)}/${part(name)}`),
  syncApplication: (namespace: string, name: string, prune: boolean) =>
    send<void>("POST", `${own}/applications/${part(namespace)}/${part(name)}/sync`, { prune }),
  refreshApplication: (namespace: string, name: string, hard: boolean) =>
    send<void>("POST", `${own}/applications/${part(namespace)}/${part(name)}/refresh`, { hard }),

  object: (which: { apiVersion: string; kind: string; namespace?: string; name: string }) =>
    get<{ object: T.JsonObject; yaml: string; events: T.ObjectEvent[] }>(`${own}/objects${query(which)}`),

  plan: (templateRef: string, values: T.JsonObject) => send<T.Plan>("POST", `${own}/plan`, { templateRef, values }),

  people: () => get<{ items: T.Person[] }>(`${own}/people`),
  tokens: () => get<{ items: T.Token[] }>(`${own}/tokens`),
  createToken: (purpose: string, days: number | null) => send<{ token: string }>("POST", `${own}/tokens`, days === null ? { purpose } : { purpose, days }),
  revokeToken: (id: string) => send<void>("DELETE", `${own}/tokens/${part(id)}`),
  audit: () => get<{ items: T.AuditEntry[] }>(`${own}/audit`),

  configuration: () => get<T.Configuration>(`${own}/configuration`),
  integrations: () => get<{ items: T.Integration[]; testDenied: string | null }>(`${own}/integrations`),
  testIntegration: (host: string, organization: string) =>
    send<T.ConnectionTest>("POST", `${own}/integrations/test`, organization === "" ? { host } : { host, organization }),
  catalogRules: () => get<T.CatalogRules>(`${own}/catalog-rules`),

  entities: ({ filter, term, order, limit, offset, fields }: EntityQuery) =>
    get<T.EntityPage>(
      `/api/catalog/entities/by-query${query({
        filter,
        fullTextFilterTerm: term,
        fullTextFilterFields: term ? "metadata.name,metadata.title,metadata.description" : undefined,
        orderField: order,
        limit,
        offset,
        fields,
      })}`,
    ),
  facets: (facets: string[], filter?: string[]) =>
    get<T.Facets>(`/api/catalog/entity-facets${query({ facet: facets, filter })}`),
  entity: (kind: string, namespace: string, name: string) =>
    get<T.Entity>(`/api/catalog/entities/by-name/${part(kind)}/${part(namespace)}/${part(name)}`),
  refreshEntity: (entityRef: string) => send<void>("POST", "/api/catalog/refresh", { entityRef }),

  entitiesByRefs: (entityRefs: string[]) => send<{ items: (T.Entity | null)[] }>("POST", "/api/catalog/entities/by-refs", { entityRefs }),
  analyzeLocation: (target: string) => send<T.AnalyzeResult>("POST", "/api/catalog/analyze-location", { location: { type: "url", target } }),
  dryRunLocation: (target: string) => send<T.DryRunResult>("POST", "/api/catalog/locations?dryRun=true", { type: "url", target }),
  registerLocation: (target: string) => send<T.DryRunResult>("POST", "/api/catalog/locations", { type: "url", target }),
  locations: () => get<{ data: T.CatalogLocation }[]>("/api/catalog/locations"),
  removeLocation: (id: string) => send<void>("DELETE", `/api/catalog/locations/${part(id)}`),

  actions: () => get<T.Action[]>("/api/scaffolder/v2/actions"),
  parameterSchema: (namespace: string, name: string) =>
    get<T.ParameterSchema>(`/api/scaffolder/v2/templates/${part(namespace)}/Template/${part(name)}/parameter-schema`),
  createTask: (templateRef: string, values: T.JsonObject, secrets: Record<string, string>) =>
    send<{ id: string }>("POST", "/api/scaffolder/v2/tasks", { templateRef, values, secrets }),
  task: (id: string) => get<T.Task>(`/api/scaffolder/v2/tasks/${part(id)}`),
  tasks: () => get<{ tasks: T.Task[]; totalTasks: number }>("/api/scaffolder/v2/tasks?limit=50&order=desc:created_at"),
  cancelTask: (id: string) => send<{ status: string }>("POST", `/api/scaffolder/v2/tasks/${part(id)}/cancel`, {}),
  retryTask: (id: string) => send<{ id: string }>("POST", `/api/scaffolder/v2/tasks/${part(id)}/retry`, {}),
};
