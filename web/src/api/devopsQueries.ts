import { queryOptions } from "@tanstack/react-query";
import { devops } from "./devops";
import type * as D from "./devopsTypes";

// The keys begin with where a thing is, so that one hint of the event stream reaches all answers about it.

const lower = (text: string | undefined) => (text ?? "").toLowerCase();
export const of = ({ host, organization, project }: D.Place) => ["devops", lower(host), lower(organization), lower(project)] as const;
export const gitKey = (place: D.RepositoryPlace) => [...of(place), "git", lower(place.repository)] as const;
export const requestsKey = (place: D.Place) => [...of(place), "pullrequests"] as const;
export const requestKey = (place: D.PullRequestPlace) => [...requestsKey(place), place.id] as const;

// A commit never changes; a branch does, and the event stream says when.
const staleAfter = (version: D.Version | undefined) => (version?.type === "commit" ? Number.POSITIVE_INFINITY : 60_000);

export const devopsQueries = {
  hosts: () => queryOptions({ queryKey: ["devops-hosts"], queryFn: devops.hosts, staleTime: 300_000 }),
  me: (place: D.Place) =>
    queryOptions({ queryKey: [...of({ ...place, project: undefined }), "me"], queryFn: () => devops.me(place), staleTime: 300_000 }),
  projects: (place: D.Place) => queryOptions({ queryKey: [...of({ ...place, project: undefined }), "projects"], queryFn: () => devops.projects(place) }),
  repositories: (place: D.Place) => queryOptions({ queryKey: [...of(place), "repositories"], queryFn: () => devops.repositories(place) }),
  repository: (place: D.RepositoryPlace) => queryOptions({ queryKey: [...gitKey(place), "repository"], queryFn: () => devops.repository(place) }),
  refs: (place: D.RepositoryPlace, filter: string) =>
    queryOptions({ queryKey: [...gitKey(place), "refs", filter], queryFn: () => devops.refs(place, filter) }),
  items: (place: D.RepositoryPlace, path: string, version: D.Version | undefined) =>
    queryOptions({ queryKey: [...gitKey(place), "items", path, version], queryFn: () => devops.items(place, path, version), staleTime: staleAfter(version) }),
  text: (place: D.RepositoryPlace, path: string, version: D.Version | undefined) =>
    queryOptions({ queryKey: [...gitKey(place), "text", path, version], queryFn: () => devops.text(place, path, version), staleTime: staleAfter(version) }),
  commits: (place: D.RepositoryPlace, criteria: { path?: string; version?: D.Version; top?: number; skip?: number }) =>
    queryOptions({ queryKey: [...gitKey(place), "commits", criteria], queryFn: () => devops.commits(place, criteria) }),
  commit: (place: D.RepositoryPlace, id: string) =>
    queryOptions({ queryKey: [...gitKey(place), "commit", id], queryFn: () => devops.commit(place, id), staleTime: Number.POSITIVE_INFINITY }),
  changes: (place: D.RepositoryPlace, id: string) =>
    queryOptions({ queryKey: [...gitKey(place), "changes", id], queryFn: () => devops.changes(place, id), staleTime: Number.POSITIVE_INFINITY }),
  compare: (place: D.RepositoryPlace, base: D.Version, target: D.Version) =>
    queryOptions({ queryKey: [...gitKey(place), "compare", base, target], queryFn: () => devops.compare(place, base, target) }),

  pullRequests: (place: D.Place, status: string) =>
    queryOptions({ queryKey: [...requestsKey(place), "list", status], queryFn: () => devops.pullRequests(place, { status }) }),
  pullRequest: (place: D.PullRequestPlace) => queryOptions({ queryKey: [...requestKey(place), "one"], queryFn: () => devops.pullRequest(place) }),
  iterations: (place: D.PullRequestPlace) => queryOptions({ queryKey: [...requestKey(place), "iterations"], queryFn: () => devops.iterations(place) }),
  iterationChanges: (place: D.PullRequestPlace, iteration: number) =>
    queryOptions({ queryKey: [...requestKey(place), "changes", iteration], queryFn: () => devops.iterationChanges(place, iteration) }),
  pullRequestCommits: (place: D.PullRequestPlace) =>
    queryOptions({ queryKey: [...requestKey(place), "commits"], queryFn: () => devops.pullRequestCommits(place) }),
  threads: (place: D.PullRequestPlace) => queryOptions({ queryKey: [...requestKey(place), "threads"], queryFn: () => devops.threads(place) }),
  statuses: (place: D.PullRequestPlace) => queryOptions({ queryKey: [...requestKey(place), "statuses"], queryFn: () => devops.statuses(place) }),
  evaluations: (place: D.PullRequestPlace, projectId: string) =>
    queryOptions({ queryKey: [...requestKey(place), "evaluations"], queryFn: () => devops.evaluations(place, projectId) }),
  conflicts: (place: D.PullRequestPlace) => queryOptions({ queryKey: [...requestKey(place), "conflicts"], queryFn: () => devops.conflicts(place) }),
  effect: (place: D.PullRequestPlace) => queryOptions({ queryKey: [...requestKey(place), "effect"], queryFn: () => devops.effect(place) }),
};

// What the event stream says of a Git host.
export interface Hint {
  kind: "push" | "pullRequest" | "run" | "log" | "changed";
  host: string;
  organization: string;
  project: string;
  id: string | number;
  repository?: string;
  area?: string;
}

// Which answers a hint makes old.
export function concerned(hint: Hint): (readonly unknown[])[] {
  const place = { host: hint.host, organization: hint.organization, project: hint.project };
  switch (hint.kind) {
    case "push":
      return [[...of(place), "git", lower(hint.repository)], [...of(place), "repositories"], requestsKey(place)];
    case "pullRequest":
      return [[...requestsKey(place), "list"], [...requestsKey(place), Number(hint.id)]];
    case "run":
      // Checks of pull requests follow the runs.
      return [[...of(place), "build"], requestsKey(place)];
    case "log":
      return [[...of(place), "build", "log", Number(hint.id)]];
    case "changed":
      return [[...of(place), hint.area ?? ""], [...of(place), "build"]];
  }
}
