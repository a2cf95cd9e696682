import { expect, test } from "vitest";
import type { Evaluation, PullRequest } from "../api/devopsTypes";
import { blocking, bothChanged, isConversation, placeOf, policyWords, standing, voteOf } from "./pullrequest";

const request = (more: Partial<PullRequest> = {}): PullRequest => ({
  pullRequestId: 7,
  title: "Add a group",
  status: "active",
  createdBy: { id: "alice", displayName: "Alice" },
  creationDate: "2026-01-01T00:00:00Z",
  sourceRefName: "refs/heads/add",
  targetRefName: "refs/heads/main",
  mergeStatus: "succeeded",
  repository: { id: "r", name: "demo", project: { id: "p", name: "backstage" }, remoteUrl: "", webUrl: "" },
  ...more,
});

const policy = (type: string, status: Evaluation["status"], settings: Record<string, unknown> = {}, more: Partial<Evaluation> = {}): Evaluation => ({
  evaluationId: type,
  status,
  configuration: { id: 1, isBlocking: true, isEnabled: true, type: { id: type, displayName: "Upstream's name" }, settings },
  ...more,
});

const APPROVERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd";
const BUILD = "0609b952-1397-4640-95ec-e00a01b2c241";

test("where a pull request stands", () => {
  const check = (one: PullRequest, evaluations: Evaluation[], word: string, waits: number) => {
    const found = standing(one, evaluations);
    expect([found.word, found.waits.length]).toEqual([word, waits]);
  };
  check(request(), [], "active", 0);
  check(request({ isDraft: true }), [], "draft", 1);
  check(request({ mergeStatus: "conflicts" }), [], "conflicts", 1);
  check(request({ status: "completed" }), [policy(BUILD, "rejected")], "completed", 0);
  check(request({ status: "abandoned" }), [], "abandoned", 0);
  check(request(), [policy(APPROVERS, "queued", { minimumApproverCount: 1 })], "active, waiting", 1);
  check(request(), [policy(BUILD, "rejected")], "active, blocked", 1);
  check(request(), [policy(BUILD, "approved"), policy(BUILD, "notApplicable")], "active", 0);
  check(request({ reviewers: [{ id: "bob", displayName: "Bob", vote: -10 }] }), [], "active", 1);
});

test("policies are said in words, with what is missing", () => {
  const waiting = policyWords(policy(APPROVERS, "queued", { minimumApproverCount: 2 }), request({ reviewers: [{ id: "bob", vote: 10 }, { id: "alice", vote: 10 }] }));
  expect(waiting.title).toBe("2 people have to approve");
  expect(waiting.detail).toBe("one approval is missing: ask somebody with the right to review; Alice's own vote does not count");
  const own = policyWords(policy(APPROVERS, "approved", { minimumApproverCount: 1, creatorVoteCounts: true }), request({ reviewers: [{ id: "alice", displayName: "Alice", vote: 10 }] }));
  expect(own).toMatchObject({ state: "ok", detail: "Alice approved" });
  const build = policyWords(policy(BUILD, "rejected", { buildDefinitionId: 3 }, { context: { buildId: 9, buildDefinitionName: "azure-demo" } }), request());
  expect(build).toEqual({ state: "failed", title: "Build azure-demo has to succeed", detail: "failed: open the run, it shows the line", build: 9 });
  expect(policyWords(policy("unknown", "queued"), request()).title).toBe("Upstream's name");
});

test("only enabled and blocking policies block", () => {
  const off = policy(BUILD, "rejected");
  off.configuration.isEnabled = false;
  const soft = policy(BUILD, "rejected");
  soft.configuration.isBlocking = false;
  expect(blocking([off, soft, policy(BUILD, "running")])).toHaveLength(1);
});

test("votes, conversations and their places", () => {
  expect(voteOf(-5).said).toBe("waits for the author");
  expect(voteOf(0).said).toBe("has not voted");
  const comment = { id: 1, parentCommentId: 0, author: { id: "bob" }, publishedDate: "", content: "why?" };
  const thread = { id: 1, publishedDate: "", comments: [comment], threadContext: { filePath: "/a/b.yaml", rightFileStart: { line: 4, offset: 1 } } };
  expect(placeOf(thread)).toEqual({ file: "a/b.yaml", side: "right", line: 4 });
  expect(isConversation(thread)).toBe(true);
  expect(isConversation({ ...thread, comments: [{ ...comment, commentType: "system" }] })).toBe(false);
  expect(placeOf({ ...thread, threadContext: null })).toBeUndefined();
});

test("both sides changed a path", () => {
  const change = (path: string, sourceServerItem?: string) => ({ changeType: "edit", item: { path }, ...(sourceServerItem && { sourceServerItem }) });
  expect(bothChanged([change("/a"), change("/b"), change("/c")], [change("/b"), change("/d", "/c")])).toEqual(["b", "c"]);
});
