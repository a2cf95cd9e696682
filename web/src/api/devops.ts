import { own } from "../lib/base";
import { ApiError } from "./errors";
import type { Compiled } from "./buildTypes";
import type * as D from "./devopsTypes";

// Azure DevOps' REST API, spoken to a Git host through the portal. The same pages show the embedded forge and dev.azure.com.

const API_VERSION = "7.1";
export const ABSENT = "0".repeat(40);

// A refusal of the host, by its own name.
export class HostError extends ApiError {
  constructor(
    status: number,
    message: string,
    readonly typeKey: string,
  ) {
    super(status, message);
    this.name = "HostError";
  }

  get stale(): boolean {
    return this.status === 409;
  }
}

type Query = Record<string, string | number | boolean | undefined>;

interface Request {
  query?: Query;
  body?: unknown;
  accept?: string;
}

const part = encodeURIComponent;

export function address({ host, organization, project }: D.Place, tail: string, query: Query = {}): string {
  const search = new URLSearchParams({ "api-version": API_VERSION });
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") {
      search.set(name, String(value));
    }
  }
  const place = [host, organization, ...(project ? [project] : [])].map(part).join("/");
  return own(`/api/hosts/${place}/_apis/${tail}?${search.toString()}`);
}

async function refusal(response: Response): Promise<HostError> {
  const told = (await response.json().catch(() => ({}))) as { message?: string; typeKey?: string; error?: { message?: string; name?: string } };
  const message = told.message ?? told.error?.message ?? `The Git host answered ${response.status} ${response.statusText}`;
  return new HostError(response.status, message, told.typeKey ?? told.error?.name ?? "");
}

async function ask(method: string, place: D.Place, tail: string, { query, body, accept = "application/json" }: Request = {}): Promise<Response> {
  const init: RequestInit = { method, credentials: "same-origin", headers: { accept } };
  if (body !== undefined) {
    init.headers = { accept, "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(address(place, tail, query), init);
  if (!response.ok) {
    throw await refusal(response);
  }
  return response;
}

// One call with a JSON answer; other pages (pipelines) build on it.
export async function call<Answer>(method: string, place: D.Place, tail: string, request?: Request): Promise<Answer> {
  const response = await ask(method, place, tail, request);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as Answer;
}

// One call with a list for an answer.
export async function list<Item>(place: D.Place, tail: string, query?: Query): Promise<Item[]> {
  const answer = await call<{ value?: Item[] | null }>("GET", place, tail, { query });
  return answer.value ?? [];
}

const git = (place: D.RepositoryPlace, tail = "") => `git/repositories/${part(place.repository)}${tail === "" ? "" : `/${tail}`}`;
const request = (place: D.PullRequestPlace, tail = "") => git(place, `pullRequests/${place.id}${tail === "" ? "" : `/${tail}`}`);

function at(version: D.Version | undefined, prefix = "versionDescriptor"): Query {
  return version ? { [`${prefix}.versionType`]: version.type, [`${prefix}.version`]: version.name } : {};
}

export const devops = {
  hosts: async (): Promise<D.Host[]> => {
    const response = await fetch(own("/api/pave/v1/hosts"), { credentials: "same-origin", headers: { accept: "application/json" } });
    if (!response.ok) {
      throw await refusal(response);
    }
    return ((await response.json()) as { items: D.Host[] }).items;
  },
  me: (place: D.Place) =>
    call<{ authenticatedUser: D.Identity }>("GET", { ...place, project: undefined }, "connectionData", { query: { "api-version": "7.1-preview.1" } }),
  projects: (place: D.Place) => list<D.Project>({ ...place, project: undefined }, "projects"),
  repositories: (place: D.Place) => list<D.Repository>(place, "git/repositories"),
  repository: (place: D.RepositoryPlace) => call<D.Repository>("GET", place, git(place)),

  refs: (place: D.RepositoryPlace, filter: "heads/" | "tags/" | (string & {})) => list<D.Ref>(place, git(place, "refs"), { filter }),
  updateRefs: async (place: D.RepositoryPlace, updates: { name: string; oldObjectId: string; newObjectId: string }[]) => {
    const answer = await call<{ value: D.RefUpdate[] }>("POST", place, git(place, "refs"), { body: updates });
    const refused = answer.value.find((update) => !update.success);
    if (refused) {
      throw new HostError(409, refused.customMessage ?? REF_WORDS[refused.updateStatus] ?? `The host refused it: ${refused.updateStatus}`, refused.updateStatus);
    }
    return answer.value;
  },

  items: (place: D.RepositoryPlace, path: string, version: D.Version | undefined) =>
    list<D.Item>(place, git(place, "items"), { scopePath: path, recursionLevel: "oneLevel", ...at(version) }),
  text: async (place: D.RepositoryPlace, path: string, version: D.Version | undefined): Promise<D.FileText> => {
    const response = await ask("GET", place, git(place, "items"), {
      query: { path, $format: "octetStream", ...at(version) },
      accept: "application/octet-stream",
    });
    return decoded(await response.arrayBuffer());
  },
  rawUrl: (place: D.RepositoryPlace, path: string, version: D.Version | undefined) =>
    address(place, git(place, "items"), { path, download: true, $format: "octetStream", ...at(version) }),

  commits: (place: D.RepositoryPlace, { path, version, top = 50, skip }: { path?: string; version?: D.Version; top?: number; skip?: number }) =>
    list<D.Commit>(place, git(place, "commits"), {
      "searchCriteria.itemPath": path,
      "searchCriteria.$top": top,
      "searchCriteria.$skip": skip,
      ...at(version, "searchCriteria.itemVersion"),
    }),
  commit: (place: D.RepositoryPlace, id: string) => call<D.Commit>("GET", place, git(place, `commits/${part(id)}`)),
  changes: (place: D.RepositoryPlace, id: string) =>
    call<{ changes: D.Change[] }>("GET", place, git(place, `commits/${part(id)}/changes`), { query: { top: 1000 } }),
  compare: (place: D.RepositoryPlace, base: D.Version, target: D.Version) =>
    call<D.Comparison>("GET", place, git(place, "diffs/commits"), {
      query: {
        baseVersion: base.name,
        baseVersionType: base.type,
        targetVersion: target.name,
        targetVersionType: target.type,
        diffCommonCommit: true,
        $top: 500,
      },
    }),
  push: (place: D.RepositoryPlace, push: D.NewPush) => call<D.Push>("POST", place, git(place, "pushes"), { body: push }),

  pullRequests: (place: D.Place, criteria: { status?: string; targetRefName?: string; sourceRefName?: string; repositoryId?: string; top?: number }) =>
    list<D.PullRequest>(place, "git/pullrequests", {
      "searchCriteria.status": criteria.status,
      "searchCriteria.targetRefName": criteria.targetRefName,
      "searchCriteria.sourceRefName": criteria.sourceRefName,
      "searchCriteria.repositoryId": criteria.repositoryId,
      $top: criteria.top ?? 200,
    }),
  pullRequest: (place: D.PullRequestPlace) => call<D.PullRequest>("GET", place, request(place)),
  createPullRequest: (place: D.RepositoryPlace, body: { sourceRefName: string; targetRefName: string; title: string; description: string; isDraft?: boolean }) =>
    call<D.PullRequest>("POST", place, git(place, "pullrequests"), { body }),
  updatePullRequest: (place: D.PullRequestPlace, body: D.PullRequestChange) => call<D.PullRequest>("PATCH", place, request(place), { body }),
  vote: (place: D.PullRequestPlace, reviewer: string, vote: number) =>
    call<D.Reviewer>("PUT", place, request(place, `reviewers/${part(reviewer)}`), { body: { vote } }),
  askReviewer: (place: D.PullRequestPlace, reviewer: string, isRequired: boolean) =>
    call<D.Reviewer>("PUT", place, request(place, `reviewers/${part(reviewer)}`), { body: { isRequired } }),
  removeReviewer: async (place: D.PullRequestPlace, reviewer: D.Reviewer) => {
    // Upstream lets nobody go who is required; whoever asked for them may take that back first.
    if (reviewer.isRequired) {
      await devops.askReviewer(place, reviewer.id, false);
    }
    return call<void>("DELETE", place, request(place, `reviewers/${part(reviewer.id)}`));
  },
  iterations: (place: D.PullRequestPlace) => list<D.Iteration>(place, request(place, "iterations")),
  iterationChanges: (place: D.PullRequestPlace, iteration: number) =>
    call<{ changeEntries: D.Change[] }>("GET", place, request(place, `iterations/${iteration}/changes`), { query: { $top: 2000, $compareTo: 0 } }),
  pullRequestCommits: (place: D.PullRequestPlace) => list<D.Commit>(place, request(place, "commits")),
  threads: (place: D.PullRequestPlace) => list<D.Thread>(place, request(place, "threads")),
  createThread: (place: D.PullRequestPlace, thread: D.NewThread) => call<D.Thread>("POST", place, request(place, "threads"), { body: thread }),
  updateThread: (place: D.PullRequestPlace, thread: number, status: D.ThreadStatus) =>
    call<D.Thread>("PATCH", place, request(place, `threads/${thread}`), { body: { status } }),
  reply: (place: D.PullRequestPlace, thread: number, content: string, parent: number) =>
    call<D.Comment>("POST", place, request(place, `threads/${thread}/comments`), { body: { content, parentCommentId: parent, commentType: "text" } }),
  statuses: (place: D.PullRequestPlace) => list<D.Status>(place, request(place, "statuses")),
  evaluations: (place: D.PullRequestPlace, projectId: string) =>
    list<D.Evaluation>(place, "policy/evaluations", {
      artifactId: `vstfs:///CodeReview/CodeReviewId/${projectId}/${place.id}`,
      "api-version": "7.1-preview.1",
    }),
  conflicts: (place: D.PullRequestPlace) => list<D.Conflict>(place, request(place, "conflicts")),
  compile: async (place: D.RepositoryPlace, body: { path: string; branch: string; text?: string }): Promise<Compiled> => {
    const path = [place.host, place.organization, place.project ?? "", place.repository].map(part).join("/");
    const init: RequestInit = { method: "POST", credentials: "same-origin", headers: { accept: "application/json", "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(own(`/api/pave/v1/repositories/${path}/compile`), init);
    if (!response.ok) {
      throw await refusal(response);
    }
    return (await response.json()) as Compiled;
  },
  effect: async (place: D.PullRequestPlace): Promise<D.Effect> => {
    const path = [place.host, place.organization, place.project ?? "", place.repository, String(place.id)].map(part).join("/");
    const response = await fetch(own(`/api/pave/v1/pullrequests/${path}/effect`), { credentials: "same-origin", headers: { accept: "application/json" } });
    if (!response.ok) {
      throw await refusal(response);
    }
    return (await response.json()) as D.Effect;
  },
};

const REF_WORDS: Record<string, string> = {
  staleOldObjectId: "The branch has moved on meanwhile.",
  rejectedByPolicy: "A branch policy refuses this.",
  invalidRefName: "Git does not allow this name for a branch.",
  forcePushRequired: "This would lose commits.",
  createBranchPermissionRequired: "You may not create this branch.",
  writePermissionRequired: "You may not change this branch.",
  locked: "The branch is locked.",
};

const SHOWN = 1_000_000;

// Bytes as text, where they are text and not too many.
export function decoded(bytes: ArrayBuffer): D.FileText {
  const size = bytes.byteLength;
  if (size > SHOWN) {
    return { size, text: undefined, why: "large" };
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\u0000") ? { size, text: undefined, why: "binary" } : { size, text };
  } catch {
    return { size, text: undefined, why: "binary" };
  }
}
