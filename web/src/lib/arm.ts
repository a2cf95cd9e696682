import type { Json, JsonObject } from "../api/types";

// Ids of Azure Resource Manager, and what stands in a resource. Pure.

export interface ArmPlace {
  subscription: string;
  group: string | undefined;
  // `Microsoft.DBforPostgreSQL/flexibleServers/databases`; nothing of a subscription or group.
  type: string;
  name: string;
  // What it lies in, outermost first.
  parents: { label: string; id: string }[];
}

const part = (parts: string[], at: number) => parts[at] ?? "";

// Reads an id; nothing where it is none.
export function placeOfArm(id: string): ArmPlace | undefined {
  const parts = id.replace(/^\/+|\/+$/g, "").split("/");
  if (part(parts, 0).toLowerCase() !== "subscriptions" || parts.length < 2 || parts.some((one) => one === "")) {
    return undefined;
  }
  const parents: ArmPlace["parents"] = [];
  const upTo = (end: number) => `/${parts.slice(0, end).join("/")}`;
  const hasGroup = part(parts, 2).toLowerCase() === "resourcegroups" && parts.length >= 4;
  const provider = parts.findLastIndex((one) => one.toLowerCase() === "providers");
  if (parts.length > 2) {
    parents.push({ label: "Subscription", id: upTo(2) });
  }
  if (hasGroup && parts.length > 4) {
    parents.push({ label: part(parts, 3), id: upTo(4) });
  }
  const words: string[] = [];
  if (provider !== -1) {
    words.push(part(parts, provider + 1));
    for (let at = provider + 2; at + 1 < parts.length; at += 2) {
      words.push(part(parts, at));
      if (at + 2 < parts.length) {
        parents.push({ label: part(parts, at + 1), id: upTo(at + 2) });
      }
    }
  }
  return { subscription: part(parts, 1), group: hasGroup ? part(parts, 3) : undefined, type: words.join("/"), name: part(parts, parts.length - 1), parents };
}

export function isArmId(value: unknown): value is string {
  return typeof value === "string" && /^\/subscriptions\/[^/]+(\/|$)/i.test(value) && placeOfArm(value) !== undefined;
}

const KNOWN: Record<string, string> = {
  "": "Resource group",
  "microsoft.dbforpostgresql/flexibleservers": "PostgreSQL flexible server",
  "microsoft.dbforpostgresql/flexibleservers/databases": "PostgreSQL database",
  "microsoft.dbforpostgresql/flexibleservers/firewallrules": "Firewall rule",
  "microsoft.dbforpostgresql/flexibleservers/configurations": "Server parameter",
  "microsoft.storage/storageaccounts": "Storage account",
  "microsoft.managedidentity/userassignedidentities": "User-assigned identity",
  "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials": "Federated credential",
  "microsoft.containerservice/managedclusters": "Kubernetes cluster",
};

// What kind of thing it is, in words.
export function kindOfArm(id: string): string {
  const place = placeOfArm(id);
  if (!place) {
    return "Resource";
  }
  if (place.type === "") {
    return place.group === undefined ? "Subscription" : "Resource group";
  }
  return KNOWN[place.type.toLowerCase()] ?? place.type;
}

// Fields of any depth as lines: `storage.storageSizeGB`. Lists of plain values stay one line.
export function flattened(object: JsonObject | null | undefined, before = ""): [string, string][] {
  return Object.entries(object ?? {}).flatMap(([name, value]): [string, string][] => {
    const path = before === "" ? name : `${before}.${name}`;
    if (value === null || value === "" || value === undefined) {
      return [];
    }
    if (Array.isArray(value)) {
      return value.length === 0 ? [] : [[path, value.map(inLine).join(", ")]];
    }
    return typeof value === "object" ? flattened(value, path) : [[path, String(value)]];
  });
}

function inLine(value: Json): string {
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}
