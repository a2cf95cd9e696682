// What the portal's API speaks. Backstage's own shapes are kept as they are upstream.

export type Station = "task" | "commit" | "pull-request" | "review" | "merge" | "run" | "plan" | "apply" | "sync" | "claim" | "composite" | "resource" | "cloud" | "secret";
export type State = "pending" | "running" | "waiting" | "ok" | "drifted" | "degraded" | "failed" | "deleted";
export type Direction = "up" | "down";
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Label {
  file: string;
  line: number;
  column: number;
  path?: string;
  text?: string;
}

export interface Diagnostic {
  code: string;
  severity: "error" | "warning" | "info";
  message: string;
  labels?: Label[];
  help?: string;
  effect?: string;
}

export interface HopLink {
  taskId?: string;
  repository?: string;
  commit?: string;
  files?: string[];
  source?: string;
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  armId?: string;
  application?: { namespace: string; name: string };
  // How the request goes on, known before it does.
  route?: "pull-request";
  pullRequest?: { organization: string; project: string; repository: string; id: string };
  run?: { organization: string; project: string; build: string };
}

export interface Hop {
  sequence: number;
  road: string;
  station: Station;
  direction: Direction;
  subject: string;
  title: string;
  state: State;
  cause: string;
  startedAt: string;
  changedAt: string;
  link: HopLink | null;
}

export interface RoadSummary {
  road: string;
  title: string;
  direction: Direction;
  startedAt: string;
  changedAt: string;
  hops: Hop[];
}

export interface Road extends RoadSummary {
  environment: Environment | null;
}

export interface Environment {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  state: State;
  cause: string;
  createdAt: string | null;
  changedAt: string | null;
  road: string | null;
  requestedBy: string | null;
  secretName: string | null;
  source: { path: string; commit: string } | null;
  hops: Hop[];
}

export interface ObjectEvent {
  type: string;
  reason: string;
  message: string;
  time: string | null;
  object: string;
}

export interface ManagedResource {
  apiVersion: string;
  kind: string;
  name: string;
  externalName: string | null;
  state: State;
  cause: string;
  armId: string | null;
  object: JsonObject;
}

export interface EnvironmentDetail extends Environment {
  claim: JsonObject;
  composite: JsonObject | null;
  resources: ManagedResource[];
  connection: { secret: string | null; keys: string[]; available: boolean };
  deleteEffects: string[];
  yaml: string;
  events: ObjectEvent[];
}

export interface Application {
  namespace: string;
  name: string;
  project: string;
  sync: "Synced" | "OutOfSync" | "Unknown";
  health: "Healthy" | "Progressing" | "Degraded" | "Suspended" | "Missing" | "Unknown";
  message: string;
  revision: string;
  repoURL: string;
  path: string;
  targetRevision: string;
  reconciledAt: string | null;
  resources: number;
  operation: string | null;
  autoSync: boolean;
}

export interface ApplicationResource {
  group?: string;
  version: string;
  kind: string;
  namespace?: string;
  name: string;
  status?: string;
  health?: { status: string; message?: string } | null;
  syncWave?: number;
  requiresPruning?: boolean;
  children?: ApplicationResource[];
}

export interface ApplicationDetail extends Omit<Application, "resources"> {
  object: JsonObject;
  resources: ApplicationResource[];
  conditions: { type: string; message: string; lastTransitionTime?: string }[];
  history: { id: number; revision: string; deployedAt: string }[];
  syncResult: { kind: string; name: string; namespace?: string; status?: string; message?: string }[];
  events: ObjectEvent[];
}

export interface Session {
  principal: { entity: string; user: string; displayName: string; email: string; groups: string[] };
  version: string;
  title?: string;
  organization?: string;
  addresses: { portal: string; cluster: string; forge: string; azure: string; data: string; kubeconfig: string };
  stations: Station[];
}

export interface Attention {
  title: string;
  cause: string;
  state: State;
  road?: string;
  environment?: { namespace: string; name: string };
  application?: { namespace: string; name: string };
}

export interface Overview {
  attention: Attention[];
  usualSeconds: number | null;
  roads: RoadSummary[];
  environments: Environment[];
  applications: { total: number; synced: number; healthy: number; items: Application[] };
  templates: { entityRef: string; title: string | null; description: string | null }[];
}

export interface PlannedFile {
  repository: string;
  branch: string;
  path: string;
  content: string;
  before: string | null;
  pieces: { start: number; end: number; source: string }[];
}

export interface PlannedResource {
  layer: "claim" | "composite" | "managed" | "cloud" | "secret";
  apiVersion: string;
  kind: string;
  namespace: string | null;
  name: string;
  summary: string;
  parent: number | null;
  sources: string[];
}

export interface Plan {
  files: PlannedFile[];
  resources: PlannedResource[];
  diagnostics: Diagnostic[];
  permitted: boolean;
  denials: string[];
  usualSeconds: number | null;
}

export interface Entity {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    title?: string;
    description?: string;
    tags?: string[];
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    links?: { url: string; title?: string; icon?: string }[];
    uid?: string;
    etag?: string;
  };
  spec?: { [key: string]: Json };
  relations?: { type: string; targetRef: string }[];
  status?: { items?: { type: string; level: string; message: string }[] };
}

export interface EntityPage {
  items: Entity[];
  totalItems: number;
  pageInfo: { nextCursor?: string; prevCursor?: string };
}

export interface Facets {
  facets: Record<string, { value: string; count: number }[]>;
}

export interface ParameterSchema {
  title: string;
  description?: string;
  steps: { title: string; description?: string; schema: JsonObject }[];
}

export interface Task {
  id: string;
  status: "open" | "processing" | "completed" | "failed" | "cancelled" | "skipped";
  createdAt: string;
  lastHeartbeatAt?: string;
  createdBy?: string;
  road?: string;
  spec: {
    steps: { id: string; name: string; action: string }[];
    parameters: JsonObject;
    templateInfo?: { entityRef: string; entity?: { metadata?: { name?: string; title?: string } } };
    user?: { ref?: string };
  };
}

export interface TaskEvent {
  id: number;
  taskId: string;
  type: "log" | "completion" | "cancelled" | "recovered";
  createdAt: string;
  body: { message?: string; stepId?: string; status?: string; output?: JsonObject; error?: { name: string; message: string } };
}

// A resource as Azure Resource Manager tells of it.
export interface CloudObject {
  id: string;
  name?: string;
  displayName?: string;
  type?: string;
  kind?: string;
  location?: string;
  tags?: Record<string, string> | null;
  sku?: JsonObject | null;
  properties?: JsonObject | null;
  [key: string]: unknown;
}

export interface CloudResource {
  resource: CloudObject;
  children: CloudObject[];
  apiVersion: string;
}

// Somebody, or a group, that can be named as reviewer or approver. A group goes by its name.
export interface Person {
  id: string;
  kind: "user" | "group";
  displayName: string;
  uniqueName: string;
  groups?: string[];
  members?: number;
}

export interface Token {
  id: string;
  purpose: string;
  createdAt: string;
  expiresAt: string | null;
}

export interface AuditEntry {
  time: string;
  actor: string;
  action: string;
  subject: string;
  detail: string;
}

// Where a value of the configuration comes from.
export interface Origin {
  kind: "file" | "environment" | "flag" | "default";
  file?: string;
  line?: number;
  column?: number;
  name?: string;
  variables: string[];
  text: string;
}

export interface Configuration {
  files: string[];
  entries: { path: string; value: Json; secret: boolean; origin: Origin }[];
  diagnostics: Diagnostic[];
}

export interface IntegrationCredential {
  kind: "personalAccessToken" | "servicePrincipal" | "managedIdentity" | "federated" | "token" | "app" | "missing";
  organizations: string[];
  origin: Origin | null;
  problem: string | null;
}

export interface Integration {
  host: string;
  kind: "azure" | "github";
  embedded: boolean;
  origin: Origin | null;
  credentials: IntegrationCredential[];
}

export type ConnectionTest =
  | { ok: true; organization: string; deployment: string; user: { displayName: string; uniqueName: string } }
  | { ok: false; organization: string; reason: string; message: string; cure: string };

export interface CatalogRules {
  allowed: string[];
  // Where the rules stand; null while nobody has written any.
  origin: Origin | null;
}

export interface CatalogLocation {
  id: string;
  type: string;
  target: string;
  entityRef?: string;
  lastReadAt?: string | null;
}

export interface DryRunResult {
  location: CatalogLocation;
  entities: Entity[];
  exists?: boolean;
}

export interface AnalyzeResult {
  existingEntityFiles: { location: { type: string; target: string }; isRegistered: boolean; entity: Entity }[];
  generateEntities: {
    entity: JsonObject;
    fields: { field: string; state: "analysisSuggestedValue" | "analysisSuggestedNoValue" | "needsUserInput"; value: string | null; description: string }[];
  }[];
}

export interface Action {
  id: string;
  description?: string;
  examples?: { description?: string; example: string }[];
  schema?: { input?: JsonObject | null; output?: JsonObject | null };
}
