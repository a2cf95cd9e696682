import { useMemo, useRef, useState } from "react";
import { columns, type LogLine, offsets, parseLine, plain, visible } from "../../lib/runlog";

// What stands before the text of a line, so that colour never carries the meaning alone.
export const PREFIX: Record<LogLine["kind"], string> = { text: "", error: "error: ", warning: "warning: ", section: "", command: "$ ", debug: "debug: ", group: "▾ ", endgroup: "" };

interface Parsed {
  raw: readonly string[];
  lines: LogLine[];
  texts: string[];
  widths: number[];
  kinds: LogLine["kind"][];
  // Groups that are over.
  ended: Set<number>;
  errors: number[];
}

function emptyParsed(): Parsed {
  return { raw: [], lines: [], texts: [], widths: [], kinds: [], ended: new Set(), errors: [] };
}

// A log only grows: what was read stays read.
function extend(before: Parsed, raw: readonly string[]): Parsed {
  const grows = before.raw.length <= raw.length && before.raw[0] === raw[0];
  const parsed = grows ? before : emptyParsed();
  let open = parsed.kinds.findLastIndex((kind) => kind === "group" || kind === "endgroup");
  open = open !== -1 && parsed.kinds[open] === "group" ? open : -1;
  for (let at = parsed.lines.length; at < raw.length; at += 1) {
    const line = parseLine(raw[at] ?? "");
    const text = plain(line.text);
    parsed.lines.push(line);
    parsed.texts.push(text);
    parsed.widths.push(columns(text) + PREFIX[line.kind].length);
    parsed.kinds.push(line.kind);
    if (line.kind === "group" || line.kind === "endgroup") {
      if (open !== -1) {
        parsed.ended.add(open);
      }
      open = line.kind === "group" ? at : -1;
    }
    if (line.kind === "error") {
      parsed.errors.push(at);
    }
  }
  return { ...parsed, raw };
}

// The lines of a log, which of them stand there, and where each begins.
export function useLog(raw: readonly string[], width: number | undefined) {
  const cache = useRef(emptyParsed());
  const parsed = useMemo(() => {
    cache.current = extend(cache.current, raw);
    return cache.current;
  }, [raw]);
  const [toggled, setToggled] = useState<ReadonlyMap<number, boolean>>(new Map());
  const isFolded = (group: number) => toggled.get(group) ?? parsed.ended.has(group);
  const fold = (group: number, folded: boolean) => setToggled((before) => new Map(before).set(group, folded));
  const shown = useMemo(() => {
    const folded = new Set([...parsed.ended, ...toggled.keys()].filter((group) => toggled.get(group) ?? parsed.ended.has(group)));
    return visible(parsed.kinds, folded);
  }, [parsed, toggled]);
  const starts = useMemo(() => offsets(shown.map((index) => (width === undefined ? 0 : (parsed.widths[index] ?? 0))), width ?? 1), [parsed, shown, width]);
  const widest = useMemo(() => parsed.widths.reduce((most, wide) => Math.max(most, wide), 0), [parsed]);
  return { parsed, shown, starts, widest, isFolded, fold };
}
