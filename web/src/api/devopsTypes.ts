// What Azure DevOps' REST API answers, as far as the pages use it. Names are upstream's.

export interface Host {
  host: string;
  // Whether the host knows the same people: then the person's own rights hold there.
  shared: boolean;
  organizations: string[];
}

export interface Place {
  host: string;
  organization: string;
  project?: string;
}

export interface RepositoryPlace extends Place {
  repository: string;
}

export interface PullRequestPlace extends RepositoryPlace {
  id: number;
}

export interface Version {
  type: "branch" | "tag" | "commit";
  name: string;
}

export interface Identity {
  id: string;
  displayName?: string;
  providerDisplayName?: string;
  uniqueName?: string;
}

export interface Project {
  id: string;
  name: string;
  description?: string;
}

export interface Repository {
  id: string;
  name: string;
  project: Project;
  // Absent while the repository is empty.
  defaultBranch?: string;
  remoteUrl: string;
  webUrl: string;
  isDisabled?: boolean;
}

export interface Ref {
  name: string;
  objectId: string;
}

export interface RefUpdate {
  name: string;
  success: boolean;
  updateStatus: string;
  customMessage?: string;
}

export interface Item {
  path: string;
  gitObjectType: "blob" | "tree" | "commit";
  isFolder?: boolean;
  objectId?: string;
  commitId?: string;
  latestProcessedChange?: { commitId: string; comment?: string; author?: Signature };
}

export interface FileText {
  size: number;
  text: string | undefined;
  why?: "binary" | "large";
}

export interface Signature {
  name: string;
  email: string;
  date: string;
}

export interface Commit {
  commitId: string;
  comment: string;
  author: Signature;
  committer?: Signature;
  parents?: string[];
}

export interface Change {
  changeType: string;
  item: { path: string; isFolder?: boolean; gitObjectType?: string; objectId?: string };
  sourceServerItem?: string;
}

export interface Comparison {
  aheadCount: number;
  behindCount: number;
  commonCommit: string;
  changes: Change[];
}

export interface NewPush {
  refUpdates: { name: string; oldObjectId: string }[];
  commits: {
    comment: string;
    changes: {
      changeType: "add" | "edit" | "delete" | "rename";
      item: { path: string };
      sourceServerItem?: string;
      newContent?: { content: string; contentType: "rawtext" | "base64encoded" };
    }[];
  }[];
}

export interface Push {
  pushId: number;
  commits: { commitId: string }[];
}

export interface Reviewer extends Identity {
  vote: number;
  isRequired?: boolean;
  isContainer?: boolean;
}

export type MergeStrategy = "noFastForward" | "squash" | "rebase" | "rebaseMerge";

export interface CompletionOptions {
  mergeStrategy?: MergeStrategy;
  deleteSourceBranch?: boolean;
  mergeCommitMessage?: string;
  bypassPolicy?: boolean;
  bypassReason?: string;
}

export interface PullRequest {
  pullRequestId: number;
  title: string;
  description?: string;
  status: "active" | "completed" | "abandoned" | "notSet";
  isDraft?: boolean;
  createdBy: Identity;
  creationDate: string;
  closedDate?: string;
  closedBy?: Identity;
  sourceRefName: string;
  targetRefName: string;
  mergeStatus?: "notSet" | "queued" | "conflicts" | "succeeded" | "rejectedByPolicy" | "failure";
  mergeFailureMessage?: string;
  // Ours beyond upstream: the files that conflict.
  conflicts?: string[];
  autoCompleteHeldUp?: string;
  lastMergeSourceCommit?: { commitId: string };
  lastMergeTargetCommit?: { commitId: string };
  lastMergeCommit?: { commitId: string };
  reviewers?: Reviewer[];
  repository: Repository;
  autoCompleteSetBy?: Identity;
  completionOptions?: CompletionOptions;
}

export interface PullRequestChange {
  title?: string;
  description?: string;
  status?: "active" | "completed" | "abandoned";
  targetRefName?: string;
  isDraft?: boolean;
  lastMergeSourceCommit?: { commitId: string };
  autoCompleteSetBy?: { id: string };
  completionOptions?: CompletionOptions;
}

export interface Iteration {
  id: number;
  createdDate: string;
  sourceRefCommit: { commitId: string };
  targetRefCommit: { commitId: string };
  commonRefCommit?: { commitId: string };
}

export type ThreadStatus = "active" | "fixed" | "wontFix" | "closed" | "byDesign" | "pending" | "unknown";

export interface Comment {
  id: number;
  parentCommentId: number;
  content?: string;
  author: Identity;
  publishedDate: string;
  lastUpdatedDate?: string;
  commentType?: string;
  isDeleted?: boolean;
}

export interface ThreadContext {
  filePath: string;
  leftFileStart?: { line: number; offset: number } | null;
  leftFileEnd?: { line: number; offset: number } | null;
  rightFileStart?: { line: number; offset: number } | null;
  rightFileEnd?: { line: number; offset: number } | null;
}

export interface Thread {
  id: number;
  status?: ThreadStatus;
  comments: Comment[];
  threadContext?: ThreadContext | null;
  publishedDate: string;
  isDeleted?: boolean;
}

export interface NewThread {
  status: ThreadStatus;
  comments: { parentCommentId: number; content: string; commentType: "text" }[];
  threadContext?: ThreadContext;
}

export interface Status {
  id: number;
  state: "notSet" | "pending" | "succeeded" | "failed" | "error" | "notApplicable";
  description?: string;
  targetUrl?: string;
  context: { name: string; genre?: string };
  creationDate?: string;
}

export interface Evaluation {
  evaluationId: string;
  status: "queued" | "running" | "approved" | "rejected" | "notApplicable" | "broken";
  configuration: {
    id: number;
    isBlocking: boolean;
    isEnabled: boolean;
    type: { id: string; displayName?: string };
    settings: Record<string, unknown>;
  };
  context?: { buildId?: number; buildDefinitionName?: string; isExpired?: boolean } | null;
}

export interface Conflict {
  conflictId: number;
  conflictPath: string;
  conflictType?: string;
}

export interface ObjectEffect {
  action: "create" | "change" | "delete";
  apiVersion: string;
  kind: string;
  namespace?: string | null;
  name?: string | null;
  file: string;
}

export interface ResourceEffect {
  action: "create" | "delete";
  layer: string;
  kind: string;
  name: string;
  summary: string;
}

export interface ApplicationEffect {
  namespace: string;
  name: string;
  automatic: boolean;
  prunes: boolean;
  files: string[];
  unread: number;
  objects: ObjectEffect[];
  resources: ResourceEffect[];
  diagnostics: import("./types").Diagnostic[];
}

export interface PipelineEffect {
  id: number;
  name: string;
  path: string;
  runs: boolean;
  why: string;
  stages: string[];
  diagnostics: import("./types").Diagnostic[];
}

// What merging a pull request does.
export interface Effect {
  files: number;
  applications: ApplicationEffect[];
  pipelines: PipelineEffect[];
  // Why something could not be said.
  notes?: string[];
}
