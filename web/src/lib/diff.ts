import { diffArrays } from "diff";

// What differs between two texts, line by line, ready to be drawn. Pure.

export interface Line {
  kind: "same" | "removed" | "added";
  // Line numbers, from 1.
  left?: number;
  right?: number;
  text: string;
}

// Two halves of a row, as they stand beside each other.
export interface Pair {
  left?: Line;
  right?: Line;
}

export interface Gap<Row> {
  // Unchanged rows that are folded away.
  folded: Row[];
}

export type Block<Row> = { rows: Row[] } | Gap<Row>;

const CONTEXT = 3;

// Lines of a text; what stands after the last line break is a line only if it is not empty.
export function linesOf(text: string): string[] {
  if (text === "") {
    return [];
  }
  const lines = text.split("\n");
  if (lines.at(-1) === "") {
    lines.pop();
  }
  return lines;
}

export function diffLines(before: string, after: string): Line[] {
  const lines: Line[] = [];
  let [left, right] = [0, 0];
  for (const part of diffArrays(linesOf(before), linesOf(after))) {
    for (const text of part.value) {
      if (part.removed) {
        lines.push({ kind: "removed", left: (left += 1), text });
      } else if (part.added) {
        lines.push({ kind: "added", right: (right += 1), text });
      } else {
        lines.push({ kind: "same", left: (left += 1), right: (right += 1), text });
      }
    }
  }
  return lines;
}

export function counts(lines: Line[]): { added: number; removed: number } {
  return {
    added: lines.filter((line) => line.kind === "added").length,
    removed: lines.filter((line) => line.kind === "removed").length,
  };
}

// Removed lines beside the added ones that took their place.
export function sideBySide(lines: Line[]): Pair[] {
  const pairs: Pair[] = [];
  let removed: Line[] = [];
  let added: Line[] = [];
  const flush = () => {
    for (let at = 0; at < Math.max(removed.length, added.length); at += 1) {
      pairs.push({ left: removed[at], right: added[at] });
    }
    removed = [];
    added = [];
  };
  for (const line of lines) {
    if (line.kind === "removed") {
      removed.push(line);
    } else if (line.kind === "added") {
      added.push(line);
    } else {
      flush();
      pairs.push({ left: line, right: line });
    }
  }
  flush();
  return pairs;
}

// Rows near a change, and between them gaps that can be unfolded. `kept` rows are shown whatever they are.
export function fold<Row>(rows: Row[], isChange: (row: Row) => boolean, kept: (row: Row) => boolean = () => false): Block<Row>[] {
  const shown = rows.map(() => false);
  rows.forEach((row, at) => {
    if (isChange(row) || kept(row)) {
      shown.fill(true, Math.max(0, at - CONTEXT), at + CONTEXT + 1);
    }
  });
  const blocks: Block<Row>[] = [];
  for (let at = 0; at < rows.length; ) {
    let end = at;
    while (end < rows.length && shown[end] === shown[at]) {
      end += 1;
    }
    const slice = rows.slice(at, end);
    // A gap that is not longer than its own button hides nothing worth hiding.
    blocks.push(shown[at] || slice.length <= 2 ? { rows: slice } : { folded: slice });
    at = end;
  }
  return blocks;
}
