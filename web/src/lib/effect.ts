// "creates 2 ResourceGroups and 1 Secret, deletes 1 ConfigMap": what happens, counted by kind, in words.

const VERBS = { create: "creates", change: "changes", delete: "deletes" } as const;

function several(kind: string, count: number): string {
  const word = /[a-z]/.test(kind.at(-1) ?? "") && count !== 1 ? (/(s|x|ch)$/.test(kind) ? `${kind}es` : /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`) : kind;
  return `${count} ${word}`;
}

export function amounts(rows: { action: keyof typeof VERBS; kind: string }[]): string {
  const said: string[] = [];
  for (const action of ["create", "change", "delete"] as const) {
    const kinds = new Map<string, number>();
    for (const row of rows) {
      if (row.action === action) {
        kinds.set(row.kind, (kinds.get(row.kind) ?? 0) + 1);
      }
    }
    const parts = [...kinds].map(([kind, count]) => several(kind, count));
    if (parts.length > 0) {
      said.push(`${VERBS[action]} ${parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts[0]}`);
    }
  }
  return said.join("; ");
}
