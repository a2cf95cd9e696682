import { QueryCache, QueryClient, queryOptions } from "@tanstack/react-query";
import { ApiError } from "./errors";
import { api, type EntityQuery } from "./client";

// Answers stay fresh until the event stream says otherwise; nothing polls.
export const queryClient: QueryClient = new QueryClient({
  // Whichever question hears first that the sign-in has ended, the shell asks again who is here, and offers to sign in.
  queryCache: new QueryCache({
    onError: (error, query) => {
      if (error instanceof ApiError && error.signedOut && query.queryKey[0] !== "session") {
        void queryClient.resetQueries({ queryKey: ["session"] });
      }
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 60_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status < 500),
    },
  },
});

export const queries = {
  session: () => queryOptions({ queryKey: ["session"], queryFn: api.session }),
  overview: () => queryOptions({ queryKey: ["overview"], queryFn: api.overview }),
  roads: () => queryOptions({ queryKey: ["roads"], queryFn: api.roads }),
  road: (road: string) => queryOptions({ queryKey: ["road", road], queryFn: () => api.road(road) }),
  trace: (what: string) => queryOptions({ queryKey: ["trace", what.toLowerCase()], queryFn: () => api.trace(what), retry: false }),
  cloud: (id: string) => queryOptions({ queryKey: ["cloud", id.toLowerCase()], queryFn: () => api.cloud(id), retry: false, staleTime: 10_000 }),
  environments: () => queryOptions({ queryKey: ["environments"], queryFn: api.environments }),
  environment: (namespace: string, name: string) =>
    queryOptions({ queryKey: ["environment", namespace, name], queryFn: () => api.environment(namespace, name) }),
  applications: () => queryOptions({ queryKey: ["applications"], queryFn: api.applications }),
  application: (namespace: string, name: string) =>
    queryOptions({ queryKey: ["application", namespace, name], queryFn: () => api.application(namespace, name) }),
  object: (which: { apiVersion: string; kind: string; namespace?: string; name: string }) =>
    queryOptions({ queryKey: ["object", which], queryFn: () => api.object(which), staleTime: 2_000 }),
  entities: (query: EntityQuery) => queryOptions({ queryKey: ["entities", query], queryFn: () => api.entities(query) }),
  facets: (facets: string[], filter?: string[]) =>
    queryOptions({ queryKey: ["facets", facets, filter], queryFn: () => api.facets(facets, filter) }),
  entity: (kind: string, namespace: string, name: string) =>
    queryOptions({ queryKey: ["entity", kind, namespace, name], queryFn: () => api.entity(kind, namespace, name) }),
  parameterSchema: (namespace: string, name: string) =>
    queryOptions({ queryKey: ["parameter-schema", namespace, name], queryFn: () => api.parameterSchema(namespace, name) }),
  task: (id: string) => queryOptions({ queryKey: ["task", id], queryFn: () => api.task(id) }),
  tasks: () => queryOptions({ queryKey: ["tasks"], queryFn: api.tasks }),
  people: () => queryOptions({ queryKey: ["people"], queryFn: api.people, staleTime: 300_000 }),
  tokens: () => queryOptions({ queryKey: ["tokens"], queryFn: api.tokens }),
  configuration: () => queryOptions({ queryKey: ["configuration"], queryFn: api.configuration }),
  integrations: () => queryOptions({ queryKey: ["integrations"], queryFn: api.integrations }),
  catalogRules: () => queryOptions({ queryKey: ["catalog-rules"], queryFn: api.catalogRules }),
  locations: () => queryOptions({ queryKey: ["locations"], queryFn: api.locations }),
  actions: () => queryOptions({ queryKey: ["actions"], queryFn: api.actions }),
  audit: () => queryOptions({ queryKey: ["audit"], queryFn: api.audit }),
};
