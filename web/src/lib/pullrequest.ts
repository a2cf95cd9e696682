import type { Change, Evaluation, PullRequest, Reviewer, Thread } from "../api/devopsTypes";
import type { State } from "../api/types";
import { cleanPath, shortRef } from "./gitversion";

// What a pull request says of itself, in words. Pure.

export const VOTES = [
  { vote: 10, key: "a", verb: "Approve", said: "approved", state: "ok" },
  { vote: 5, key: "s", verb: "Approve with suggestions", said: "approved with suggestions", state: "ok" },
  { vote: -5, key: "w", verb: "Wait for the author", said: "waits for the author", state: "waiting" },
  { vote: -10, key: "x", verb: "Reject", said: "rejected", state: "failed" },
] as const satisfies { vote: number; key: string; verb: string; said: string; state: State }[];

export function voteOf(vote: number): { said: string; state: State } {
  return VOTES.find((known) => known.vote === vote) ?? { said: "has not voted", state: "pending" };
}

export interface Standing {
  state: State;
  word: string;
  // What it waits for, one sentence each.
  waits: string[];
}

export function nameOfPerson(person: { displayName?: string; providerDisplayName?: string; uniqueName?: string; id: string } | undefined): string {
  return person?.displayName || person?.providerDisplayName || person?.uniqueName || person?.id || "somebody";
}

const MINIMUM_APPROVERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd";
const REQUIRED_REVIEWERS = "fd2167ab-b0be-447a-8ec8-39368250530e";
const BUILD = "0609b952-1397-4640-95ec-e00a01b2c241";
const COMMENTS = "c6a1889d-b943-4856-b76f-9e46bb6b0df2";
const MERGE_STRATEGY = "fa4e907d-c16b-4a4c-9dfa-4916e5d171ab";
const WORK_ITEMS = "40e92b44-2fe1-4dd6-b3d8-74a9c21d0c6e";

export interface PolicyWords {
  title: string;
  // Where it stands now, and what to do about it.
  detail: string;
  state: State;
  build?: number;
}

const STATES: Record<Evaluation["status"], State> = { queued: "waiting", running: "running", approved: "ok", rejected: "failed", notApplicable: "pending", broken: "degraded" };

// A policy with where it stands, as a person would say it.
export function policyWords(evaluation: Evaluation, request: PullRequest): PolicyWords {
  const { type, settings } = evaluation.configuration;
  const said = { state: STATES[evaluation.status] ?? "pending" };
  const isOk = evaluation.status === "approved";
  const voters = (request.reviewers ?? []).filter((reviewer) => reviewer.vote >= 5);
  switch (type.id.toLowerCase()) {
    case MINIMUM_APPROVERS: {
      const needed = Number(settings.minimumApproverCount ?? 1);
      const counting = settings.creatorVoteCounts === true ? voters : voters.filter((voter) => voter.id !== request.createdBy.id);
      const missing = Math.max(0, needed - counting.length);
      const own = settings.creatorVoteCounts === true ? "" : `; ${nameOfPerson(request.createdBy)}'s own vote does not count`;
      return {
        ...said,
        // Not decided yet is waiting for people, whatever the host calls it.
        state: isOk ? "ok" : (request.reviewers ?? []).some((reviewer) => reviewer.vote === -10) ? "failed" : "waiting",
        title: needed === 1 ? "One person has to approve" : `${needed} people have to approve`,
        detail: isOk
          ? `${people(counting)} approved`
          : (request.reviewers ?? []).some((reviewer) => reviewer.vote === -10)
            ? "somebody rejected it, and that vote has to change first"
            : `${missing === 1 ? "one approval is" : `${missing} approvals are`} missing: ask somebody with the right to review${own}`,
      };
    }
    case REQUIRED_REVIEWERS:
      return { ...said, title: "Certain people have to approve", detail: isOk ? "they did" : `waits for ${requiredReviewers(request)}` };
    case BUILD: {
      const name = evaluation.context?.buildDefinitionName ?? String(settings.displayName ?? `definition ${String(settings.buildDefinitionId ?? "")}`);
      const details: Record<Evaluation["status"], string> = {
        queued: settings.manualQueueOnly === true ? "has to be started by hand" : "waits for an agent",
        running: "runs now",
        approved: evaluation.context?.isExpired === true ? "succeeded, but too long ago: run it again" : "succeeded",
        rejected: "failed: open the run, it shows the line",
        notApplicable: "concerns none of these files",
        broken: "cannot run: its definition is broken or gone",
      };
      return { ...said, title: `Build ${name} has to succeed`, detail: details[evaluation.status], ...(evaluation.context?.buildId !== undefined && { build: evaluation.context.buildId }) };
    }
    case COMMENTS:
      return { ...said, title: "All conversations have to be resolved", detail: isOk ? "they are" : "resolve what is open under Conversation and Files" };
    case MERGE_STRATEGY:
      return { ...said, title: "Only certain ways of merging are allowed", detail: isOk ? "one is chosen" : "choose another way of merging" };
    case WORK_ITEMS:
      return { ...said, title: "A work item has to be linked", detail: isOk ? "one is" : "link one at the host" };
    default:
      return { ...said, title: type.displayName ?? "Policy", detail: evaluation.status };
  }
}

function people(reviewers: Reviewer[]): string {
  return reviewers.length === 0 ? "enough people" : reviewers.map(nameOfPerson).join(", ");
}

function requiredReviewers(request: PullRequest): string {
  const open = (request.reviewers ?? []).filter((reviewer) => reviewer.isRequired && reviewer.vote < 5);
  return open.length === 0 ? "the required reviewers" : open.map(nameOfPerson).join(", ");
}

// Policies that stand in the way of completing.
export function blocking(evaluations: Evaluation[]): Evaluation[] {
  return evaluations.filter(
    ({ configuration, status }) => configuration.isEnabled && configuration.isBlocking && status !== "approved" && status !== "notApplicable",
  );
}

// Where a pull request stands, and what it waits for.
export function standing(request: PullRequest, evaluations: Evaluation[] = []): Standing {
  if (request.status === "completed") {
    return { state: "ok", word: "completed", waits: [] };
  }
  if (request.status === "abandoned") {
    return { state: "deleted", word: "abandoned", waits: [] };
  }
  const target = shortRef(request.targetRefName);
  const waits: string[] = [];
  if (request.isDraft) {
    waits.push("It is a draft: its author publishes it when it is ready.");
  }
  const conflicts = request.mergeStatus === "conflicts";
  if (conflicts) {
    waits.push(`It conflicts with ${target}.`);
  }
  const open = blocking(evaluations).map((evaluation) => policyWords(evaluation, request));
  waits.push(...open.map(({ title, detail }) => `${title}: ${detail}.`));
  if ((request.reviewers ?? []).some((reviewer) => reviewer.vote === -10) && !waits.some((wait) => wait.includes("rejected"))) {
    waits.push(`${(request.reviewers ?? []).filter((reviewer) => reviewer.vote === -10).map(nameOfPerson).join(", ")} rejected it.`);
  }
  if (conflicts || open.some(({ state }) => state === "failed")) {
    return { state: "failed", word: conflicts ? "conflicts" : "active, blocked", waits };
  }
  if (request.mergeStatus === "failure" || request.mergeStatus === "rejectedByPolicy") {
    return { state: "failed", word: "merge failed", waits: [request.mergeFailureMessage ?? "The merge was tried and refused.", ...waits] };
  }
  if (request.isDraft) {
    return { state: "pending", word: "draft", waits };
  }
  if (open.length > 0) {
    return { state: "waiting", word: "active, waiting", waits };
  }
  return { state: "running", word: "active", waits };
}

// The line of a file that a conversation is about.
export function placeOf(thread: Thread): { file: string; side: "left" | "right"; line: number } | undefined {
  const context = thread.threadContext;
  if (!context?.filePath) {
    return undefined;
  }
  const right = context.rightFileStart?.line;
  const left = context.leftFileStart?.line;
  const file = cleanPath(context.filePath);
  return right ? { file, side: "right", line: right } : { file, side: "left", line: left ?? 0 };
}

// Conversations that people have; the host's own notes are not among them.
export function isConversation(thread: Thread): boolean {
  return thread.isDeleted !== true && thread.comments.some((comment) => comment.commentType !== "system" && comment.isDeleted !== true);
}

export function isOpen(thread: Thread): boolean {
  return thread.status === "active" || thread.status === "pending";
}

// Paths that both sides changed since they parted.
export function bothChanged(ours: Change[], theirs: Change[]): string[] {
  const known = new Set(theirs.flatMap((change) => [change.item.path, change.sourceServerItem ?? change.item.path]).map(cleanPath));
  return ours.filter((change) => change.item.isFolder !== true).map((change) => cleanPath(change.item.path)).filter((path) => known.has(path));
}
