import type { Identity, Project } from "./devopsTypes";

// What Azure DevOps' areas `build`, `pipelines`, `distributedtask` and `serviceendpoint` answer, as far as the pages use it.

export interface Definition {
  id: number;
  name: string;
  path: string;
  revision: number;
  queueStatus?: "enabled" | "paused" | "disabled";
  createdDate?: string;
  authoredBy?: Identity;
  project: Project;
  process?: { type: number; yamlFilename?: string };
  repository?: { id: string; name: string; type: string; defaultBranch?: string };
  triggers?: { triggerType: string }[];
  variables?: Record<string, DefinitionVariable>;
}

export interface DefinitionVariable {
  value?: string | null;
  isSecret?: boolean;
  allowOverride?: boolean;
}

export type BuildStatus = "none" | "notStarted" | "inProgress" | "cancelling" | "postponed" | "completed";
export type BuildResult = "succeeded" | "partiallySucceeded" | "failed" | "canceled";

export interface Build {
  id: number;
  buildNumber: string;
  status: BuildStatus;
  result?: BuildResult;
  reason: string;
  queueTime: string;
  startTime?: string;
  finishTime?: string;
  sourceBranch: string;
  sourceVersion: string;
  definition: { id: number; name: string };
  project: Project;
  requestedFor?: Identity;
  repository?: { id: string; name?: string; type: string };
  parameters?: string;
  templateParameters?: Record<string, unknown>;
  triggerInfo?: Record<string, string>;
  validationResults?: { result: string; message: string }[];
  tags?: string[];
}

export type RecordState = "pending" | "inProgress" | "completed";
export type RecordResult = "succeeded" | "succeededWithIssues" | "failed" | "canceled" | "skipped" | "abandoned";

export interface Issue {
  type: "error" | "warning";
  category?: string;
  message: string;
  data?: Record<string, string | undefined>;
}

export interface TimelineRecord {
  id: string;
  parentId?: string | null;
  type: string;
  name: string;
  refName?: string | null;
  identifier?: string | null;
  state: RecordState;
  result?: RecordResult | null;
  startTime?: string | null;
  finishTime?: string | null;
  order?: number | null;
  attempt: number;
  currentOperation?: string | null;
  percentComplete?: number | null;
  issues?: Issue[] | null;
  log?: { id: number } | null;
  task?: { name: string } | null;
  workerName?: string | null;
}

export interface Timeline {
  id: string;
  records: TimelineRecord[];
}

export interface Attachment {
  name: string;
  type?: string;
  recordId?: string;
  timelineId?: string;
  _links?: { self?: { href?: string } };
}

export interface Artifact {
  id: number;
  name: string;
  resource?: { type?: string; downloadUrl?: string };
}

export interface Approval {
  id: string;
  status: string;
  steps: { assignedApprover: Identity; actualApprover?: Identity | null; status: string; comment?: string; lastModifiedOn?: string | null }[];
  minRequiredApprovers?: number;
  createdOn: string;
  instructions?: string;
  pipeline?: { id: string; name: string; owner?: { id: number; name: string } };
  // Ours beyond upstream: what asks for the approval, and which stage waits for it.
  resource?: string;
  stage?: string;
}

export interface Parameter {
  name: string;
  displayName: string;
  type: string;
  default?: unknown;
  values: unknown[];
}

export interface Preview {
  finalYaml: string;
  diagnostics?: unknown[];
  parameters?: { name: string; display_name?: string; displayName?: string; kind?: string; type?: string; default?: unknown; values?: unknown[] }[];
}

// What the portal says of a pipeline's text that nobody has saved yet.
export interface Compiled {
  // Nothing where an error keeps it from running.
  finalYaml: string | null;
  diagnostics: import("./types").Diagnostic[];
}

export interface RunRequest {
  resources?: { repositories: { self: { refName?: string; version?: string } } };
  templateParameters?: Record<string, unknown>;
  variables?: Record<string, { value: string; isSecret?: boolean }>;
  yamlOverride?: string;
}

export interface Endpoint {
  id: string;
  name: string;
  type: string;
  url: string;
  description?: string;
  data: Record<string, string>;
  authorization: { scheme: string; parameters?: Record<string, string | null> };
  isReady?: boolean;
  isShared?: boolean;
  createdBy?: Identity;
  operationStatus?: { state?: string; statusMessage?: string } | null;
  serviceEndpointProjectReferences?: { projectReference: { id: string; name: string }; name: string; description?: string }[];
}

export type NewEndpoint = Omit<Endpoint, "id" | "createdBy" | "isReady" | "operationStatus">;

export interface VariableGroup {
  id: number;
  name: string;
  description?: string;
  variables: Record<string, { value?: string | null; isSecret?: boolean }>;
  modifiedOn?: string;
}

export interface DeployEnvironment {
  id: number;
  name: string;
  description?: string;
  lastModifiedOn?: string;
}

// Approvals have fields of their own; task checks name a definition and give it inputs.
export interface CheckSettings {
  approvers?: { id: string; displayName?: string }[];
  instructions?: string;
  minRequiredApprovers?: number;
  requesterCannotBeApprover?: boolean;
  executionOrder?: string | number;
  definitionRef?: { id?: string; name?: string; version?: string };
  displayName?: string;
  inputs?: Record<string, string | undefined>;
}

export interface Check {
  id: number;
  type: { id?: string; name?: string };
  settings?: CheckSettings | null;
  timeout?: number;
  isDisabled?: boolean;
  resource?: { type: string; id: string; name?: string };
}
