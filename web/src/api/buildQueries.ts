import { queryOptions } from "@tanstack/react-query";
import { builds, type BuildsQuery } from "./builds";
import { devops } from "./devops";
import { of } from "./devopsQueries";
import type { Place, RepositoryPlace } from "./devopsTypes";
import type { RunRequest } from "./buildTypes";
import { queryClient } from "./queries";

// Everything of runs stands below `build`, as the hints of the event stream name it.

export const buildKey = (place: Place) => [...of(place), "build"] as const;
export const runKey = (place: Place, id: number) => [...buildKey(place), "run", id] as const;
const logKey = (place: Place, id: number, log: number) => [...buildKey(place), "log", id, log] as const;
export const endpointsKey = (place: Place) => [...of(place), "serviceendpoint"] as const;
export const libraryKey = (place: Place) => [...of(place), "distributedtask"] as const;

export const buildQueries = {
  definitions: (place: Place) => queryOptions({ queryKey: [...buildKey(place), "definitions"], queryFn: () => builds.definitions(place) }),
  definition: (place: Place, id: number) =>
    queryOptions({ queryKey: [...buildKey(place), "definition", id], queryFn: () => builds.definition(place, id), retry: false }),
  builds: (place: Place, query: BuildsQuery) => queryOptions({ queryKey: [...buildKey(place), "builds", query], queryFn: () => builds.builds(place, query) }),
  build: (place: Place, id: number) => queryOptions({ queryKey: [...runKey(place, id), "one"], queryFn: () => builds.build(place, id), retry: false }),
  timeline: (place: Place, id: number) => queryOptions({ queryKey: [...runKey(place, id), "timeline"], queryFn: () => builds.timeline(place, id) }),
  artifacts: (place: Place, id: number) => queryOptions({ queryKey: [...runKey(place, id), "artifacts"], queryFn: () => builds.artifacts(place, id) }),
  // All attachments of one type, with what is in them. They never change once they are there.
  attached: (place: Place, id: number, type: string) =>
    queryOptions({
      queryKey: [...runKey(place, id), "attached", type],
      queryFn: async () => {
        const found = await builds.attachments(place, id, type);
        return Promise.all(
          found.map(async (one) => ({
            name: one.name,
            content: await queryClient.fetchQuery({
              queryKey: ["attachment", ...runKey(place, id), type, one.recordId ?? one._links?.self?.href, one.name],
              queryFn: () => builds.attachment(place, id, type, one),
              staleTime: Number.POSITIVE_INFINITY,
            }),
          })),
        );
      },
    }),
  // Asks only for the lines that are not known yet, and so as often as it is shown.
  log: (place: Place, id: number, log: number) =>
    queryOptions({
      queryKey: logKey(place, id, log),
      queryFn: async () => {
        const known = queryClient.getQueryData<string[]>(logKey(place, id, log)) ?? [];
        const more = await builds.log(place, id, log, known.length + 1);
        return more.length === 0 ? known : known.concat(more);
      },
      structuralSharing: false,
      staleTime: 0,
    }),
  approvals: (place: Place) => queryOptions({ queryKey: [...buildKey(place), "approvals"], queryFn: () => builds.approvals(place) }),
  // What a file becomes; a run's own file never changes again.
  preview: (place: Place, id: number, body: RunRequest) =>
    queryOptions({
      queryKey: [...of(place), "preview", id, body],
      queryFn: () => builds.preview(place, id, body),
      retry: false,
      staleTime: body.resources?.repositories.self.version ? Number.POSITIVE_INFINITY : 0,
    }),
  // What a text becomes that may not be saved yet.
  compiled: (place: RepositoryPlace, body: { path: string; branch: string; text?: string }) =>
    queryOptions({ queryKey: [...of(place), "git", place.repository.toLowerCase(), "compiled", body], queryFn: () => devops.compile(place, body), retry: false, gcTime: 30_000 }),
  yamlFiles: (place: Place, repository: string, branch: string) =>
    queryOptions({ queryKey: [...of(place), "git", repository.toLowerCase(), "yaml", branch], queryFn: () => builds.yamlFiles(place, repository, branch) }),

  endpoints: (place: Place) => queryOptions({ queryKey: [...endpointsKey(place), "list"], queryFn: () => builds.endpoints(place) }),
  groups: (place: Place) => queryOptions({ queryKey: [...libraryKey(place), "groups"], queryFn: () => builds.groups(place) }),
  environments: (place: Place) => queryOptions({ queryKey: [...libraryKey(place), "environments"], queryFn: () => builds.environments(place) }),
  checks: (place: Place, environment: number) =>
    queryOptions({ queryKey: [...of(place), "checks", environment], queryFn: () => builds.checks(place, environment) }),
};
