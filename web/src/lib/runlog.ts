// The lines of a job's log: time stamps, `##[…]` markers, colours, groups. Pure.

export type LineKind = "text" | "error" | "warning" | "section" | "command" | "debug" | "group" | "endgroup";

export interface LogLine {
  // As written; empty where there is none.
  time: string;
  kind: LineKind;
  text: string;
}

const STAMP = /^\ufeff?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?/;
const MARKER = /^##\[(error|warning|section|command|debug|group|endgroup)\]/;

export function parseLine(raw: string): LogLine {
  const stamp = STAMP.exec(raw);
  const rest = lastWritten(stamp ? raw.slice(stamp[0].length) : raw);
  const marker = MARKER.exec(rest);
  return { time: stamp?.[1] ?? "", kind: (marker?.[1] as LineKind | undefined) ?? "text", text: marker ? rest.slice(marker[0].length) : rest };
}

// A line that was written over and over, such as a progress bar, ends as it was written last.
function lastWritten(text: string): string {
  return text.includes("\r") ? (text.split("\r").findLast((part) => part !== "") ?? "") : text;
}

// "07:12:58.132"
export function clockOf(time: string): string {
  return time === "" ? "" : time.slice(11, 23).replace("Z", "").padEnd(12, "0");
}

export interface Style {
  colour?: string;
  background?: string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
}

export interface Span {
  text: string;
  style: Style;
}

const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
// eslint-disable-next-line no-control-regex
const ESCAPE = /\u001b(?:\[([0-9;:]*)([A-Za-z])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

export function plain(text: string): string {
  return text.replace(ESCAPE, "");
}

function extended(codes: number[], at: number): [string | undefined, number] {
  if (codes[at + 1] === 5) {
    const index = codes[at + 2] ?? 0;
    return [index < 16 ? NAMES[index % 8] : cube(index), at + 2];
  }
  if (codes[at + 1] === 2) {
    return [`rgb(${codes[at + 2] ?? 0}, ${codes[at + 3] ?? 0}, ${codes[at + 4] ?? 0})`, at + 4];
  }
  return [undefined, at];
}

// One of the 256 colours beyond the first sixteen.
function cube(index: number): string {
  if (index >= 232) {
    const grey = (index - 232) * 10 + 8;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const level = (value: number) => (value === 0 ? 0 : value * 40 + 55);
  const inner = index - 16;
  return `rgb(${level(Math.floor(inner / 36))}, ${level(Math.floor(inner / 6) % 6)}, ${level(inner % 6)})`;
}

function changed(style: Style, codes: number[]): Style {
  let next = { ...style };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) next = { ...next, bold: undefined, dim: undefined };
    else if (code === 23) next.italic = undefined;
    else if (code === 24) next.underline = undefined;
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) next.colour = NAMES[code % 10];
    else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) next.background = NAMES[code % 10];
    else if (code === 39) next.colour = undefined;
    else if (code === 49) next.background = undefined;
    else if (code === 38) [next.colour, at] = extended(codes, at);
    else if (code === 48) [next.background, at] = extended(codes, at);
  }
  return next;
}

// Text with its colours; whatever else a terminal would do is left out.
export function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  let style: Style = {};
  let at = 0;
  const push = (end: number) => {
    if (end > at) {
      spans.push({ text: text.slice(at, end), style });
    }
  };
  for (const match of text.matchAll(ESCAPE)) {
    push(match.index);
    at = match.index + match[0].length;
    if (match[2] === "m") {
      style = changed(style, (match[1] ?? "").split(/[;:]/).map(Number));
    }
  }
  push(text.length);
  return spans;
}

// Which lines stand there while some groups are folded; a group is named by its first line.
export function visible(kinds: readonly LineKind[], folded: ReadonlySet<number>): number[] {
  const shown: number[] = [];
  let hidden = false;
  kinds.forEach((kind, index) => {
    if (kind === "group") {
      // Groups do not nest: a new one ends the one before.
      hidden = false;
      shown.push(index);
      hidden = folded.has(index);
    } else if (kind === "endgroup") {
      hidden = false;
    } else if (!hidden) {
      shown.push(index);
    }
  });
  return shown;
}

// The group that a line belongs to.
export function groupOf(kinds: readonly LineKind[], line: number): number | undefined {
  for (let at = line - 1; at >= 0; at -= 1) {
    if (kinds[at] === "group") {
      return at;
    }
    if (kinds[at] === "endgroup") {
      return undefined;
    }
  }
  return undefined;
}

export function matches(texts: readonly string[], wanted: string): number[] {
  const needle = wanted.toLowerCase();
  if (needle === "") {
    return [];
  }
  const found: number[] = [];
  texts.forEach((text, index) => {
    if (text.toLowerCase().includes(needle)) {
      found.push(index);
    }
  });
  return found;
}

// Screen columns of a text; what is written wide counts twice.
export function columns(text: string): number {
  let wide = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    wide += code >= 0x1100 && (code <= 0x115f || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xff00 && code <= 0xff60)) ? 2 : 1;
  }
  return wide;
}

// Where each row begins, in lines of the screen; the last number is the height of all.
export function offsets(widths: readonly number[], width: number): number[] {
  const starts = new Array<number>(widths.length + 1);
  let at = 0;
  widths.forEach((wide, index) => {
    starts[index] = at;
    at += Math.max(1, Math.ceil(wide / width));
  });
  starts[widths.length] = at;
  return starts;
}

// The row that stands at a height.
export function rowAt(starts: readonly number[], height: number): number {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= height) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return Math.max(0, low);
}
