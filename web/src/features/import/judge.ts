import type { CatalogRules, Entity, Json } from "../../api/types";

// What an address leads to, as Backstage's import page decides it: the path, or its `path` parameter, names a YAML file.
export type Address = { leadsTo: "file" | "repository"; url: string } | { leadsTo: "nothing"; why: string };

export function address(text: string): Address {
  const url = text.trim();
  if (url === "") {
    return { leadsTo: "nothing", why: "Paste the address of a file or of a repository" };
  }
  if (!URL.canParse(url)) {
    return { leadsTo: "nothing", why: "This is not an address; it begins with https://" };
  }
  const parsed = new URL(url);
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") {
    return { leadsTo: "nothing", why: "An address begins with https://" };
  }
  const isYaml = (path: string) => /\.ya?ml$/i.test(path);
  const file = isYaml(parsed.pathname) || isYaml(parsed.searchParams.get("path") ?? "");
  return { leadsTo: file ? "file" : "repository", url };
}

export function refOf(entity: Entity): string {
  return `${entity.kind}:${entity.metadata.namespace ?? "default"}/${entity.metadata.name}`.toLowerCase();
}

// Whom an entity names as its owner, as the catalog understands it; kind and namespace are Group and the entity's own.
export function ownerOf(entity: Entity): string | null {
  const owner = entity.spec?.owner;
  if (typeof owner !== "string" || owner === "") {
    return null;
  }
  const slash = owner.indexOf("/");
  const colon = owner.indexOf(":");
  const hasKind = colon >= 0 && (slash < 0 || colon < slash);
  const rest = hasKind ? owner.slice(colon + 1) : owner;
  const namespaced = rest.includes("/") ? rest : `${entity.metadata.namespace ?? "default"}/${rest}`;
  return `${hasKind ? owner.slice(0, colon) : "group"}:${namespaced}`.toLowerCase();
}

const ORIGIN = "backstage.io/managed-by-origin-location";

// What importing does with an entity.
export type Effect = "added" | "changed" | "same" | "taken";

export const EFFECT_WORDS: Record<Effect, string> = {
  added: "would be added",
  changed: "would be changed",
  same: "is there already",
  taken: "would be rejected",
};

export function effectOf(fresh: Entity, known: Entity | null): Effect {
  if (known === null) {
    return "added";
  }
  const origin = known.metadata.annotations?.[ORIGIN];
  const wanted = fresh.metadata.annotations?.[ORIGIN];
  if (origin !== undefined && wanted !== undefined && origin !== wanted) {
    return "taken";
  }
  return said(fresh) === said(known) ? "same" : "changed";
}

// Where the entity is held that keeps another one of its name out.
export function holder(known: Entity | null): string {
  return known?.metadata.annotations?.[ORIGIN]?.replace(/^url:/, "") ?? "another location";
}

// What its author wrote, whatever the catalog adds, in one order.
function said(entity: Entity): string {
  const { uid: _uid, etag: _etag, namespace, annotations = {}, ...metadata } = entity.metadata;
  const own = Object.fromEntries(Object.entries(annotations).filter(([key]) => !/^backstage\.io\/(managed-by|view-url|edit-url|source-location|orphan)/.test(key)));
  return JSON.stringify(ordered({ kind: entity.kind, metadata: { ...metadata, namespace: namespace ?? "default", annotations: own }, spec: entity.spec ?? {} } as Json));
}

function ordered(value: Json): Json {
  if (Array.isArray(value)) {
    return value.map(ordered);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, inner]) => [key, ordered(inner)]),
    );
  }
  return value;
}

export interface Cure {
  title: string;
  words: string;
  // Lines to copy.
  lines?: string;
  // A page that helps.
  to?: "/settings";
}

// What to do about a refusal; null when the refusal says it all.
export function cureOf(message: string, url: string, rules: CatalogRules | undefined): Cure | null {
  const kind = /NotAllowedError: Entity (\w+):\S+ at \S+ originated at \S+ is not of an allowed kind/.exec(message)?.[1];
  if (kind !== undefined) {
    return kindCure(kind, rules);
  }
  const host = URL.canParse(url) ? new URL(url).host : "";
  if (/No integration found/.test(message)) {
    return {
      title: `${host} is not among the integrations`,
      words: "Add it to app-config.yaml and start Pave again; the token comes from the environment.",
      lines: `integrations:\n  azure:\n    - host: ${host}\n      credentials:\n        - personalAccessToken: \${PERSONAL_ACCESS_TOKEN}\n`,
    };
  }
  if (/refused the credential|sign-in page|\b40[13]\b|\b203\b/.test(message)) {
    return { title: `${host} did not accept the token of its integration`, words: "Test the connection to see why.", to: "/settings" };
  }
  if (/\b404\b|Not Found|NotFoundError/.test(message)) {
    return {
      title: "There is nothing at this address, or the token may not see it",
      words: "See whether the file is on the branch that the address names (version=GBmain), and whether its path is spelled as in the repository, capitals included.",
    };
  }
  return null;
}

function kindCure(kind: string, rules: CatalogRules | undefined): Cure {
  // Kinds are written with capitals; the refusal names them in lower case.
  const KINDS = ["Component", "API", "Resource", "System", "Domain", "Group", "User", "Location", "Template"];
  const written = KINDS.find((known) => known.toLowerCase() === kind.toLowerCase()) ?? kind;
  const allowed = rules?.allowed ?? ["Component", "API", "Location"];
  const place = rules?.origin ? `The rules stand at ${rules.origin.text}.` : "The lines belong into app-config.yaml, in the directory where Pave is started.";
  return {
    title: `Kind ${written} is not allowed`,
    words: `Allow it under catalog.rules, then start Pave again: rules are read at the start. ${place}`,
    lines: `catalog:\n  rules:\n    - allow:\n${[...new Set([...allowed, written])].map((name) => `        - ${name}\n`).join("")}`,
  };
}
