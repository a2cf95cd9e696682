// The part of Markdown that README files and comments use, as a tree. Links lead to the web or to a place on this page, never to a script.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis"; inside: Inline[] }
  | { kind: "link"; href: string; inside: Inline[] };

export type Block =
  | { kind: "heading"; level: number; inside: Inline[] }
  | { kind: "paragraph" | "quote"; inside: Inline[] }
  | { kind: "list"; ordered: boolean; items: Inline[][] }
  | { kind: "code"; language: string; text: string }
  | { kind: "table"; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

const PIECE = /`([^`]+)`|\*\*([^*]+(?:\*[^*]+)*?)\*\*|(?<![\w*])[*_]([^*_\s](?:[^*_]*[^*_\s])?)[*_](?![\w*])|!?\[([^\]]*)\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)*)\)|(https?:\/\/[^\s<>()`]*[^\s<>()`.,;:!?])/;

export function inlinesOf(text: string): Inline[] {
  const pieces: Inline[] = [];
  let rest = text;
  while (rest !== "") {
    const match = PIECE.exec(rest);
    if (match === null) {
      pieces.push({ kind: "text", text: rest });
      break;
    }
    if (match.index > 0) {
      pieces.push({ kind: "text", text: rest.slice(0, match.index) });
    }
    const [whole, code, strong, emphasis, label, href, bare] = match;
    if (code !== undefined) {
      pieces.push({ kind: "code", text: code });
    } else if (strong !== undefined) {
      pieces.push({ kind: "strong", inside: inlinesOf(strong) });
    } else if (emphasis !== undefined) {
      pieces.push({ kind: "emphasis", inside: inlinesOf(emphasis) });
    } else if (bare !== undefined) {
      pieces.push({ kind: "link", href: bare, inside: [{ kind: "text", text: bare }] });
    } else if (label !== undefined && href !== undefined) {
      pieces.push(link(label, href));
    }
    rest = rest.slice(match.index + whole.length);
  }
  return pieces;
}

function link(label: string, href: string): Inline {
  const inside: Inline[] = [{ kind: "text", text: label === "" ? href : label }];
  // Relative links of a repository lead nowhere from here: their words stay.
  return /^(https?:\/\/|mailto:)/i.test(href) ? { kind: "link", href, inside } : { kind: "emphasis", inside };
}

const LIST = /^\s*([-*+]|\d+[.)])\s+(.*)$/;
const cells = (line: string) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => inlinesOf(cell.trim().replaceAll("\\|", "|")));

export function blocksOf(text: string): Block[] {
  const lines = text.replaceAll("\r\n", "\n").replaceAll(/<!--[\s\S]*?-->/g, "").split("\n");
  const blocks: Block[] = [];
  let at = 0;
  const line = () => lines[at] ?? "";
  const until = (stop: (line: string) => boolean): string[] => {
    const taken: string[] = [];
    while (at < lines.length && !stop(line())) {
      taken.push(line());
      at += 1;
    }
    return taken;
  };
  while (at < lines.length) {
    const fence = /^\s*(```+|~~~+)\s*(\S*)/.exec(line());
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line());
    if (line().trim() === "") {
      at += 1;
    } else if (fence) {
      at += 1;
      const code = until((one) => one.trim().startsWith(fence[1] ?? "```"));
      at += 1;
      blocks.push({ kind: "code", language: fence[2] ?? "", text: code.join("\n") });
    } else if (heading) {
      at += 1;
      blocks.push({ kind: "heading", level: heading[1]?.length ?? 1, inside: inlinesOf(heading[2] ?? "") });
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line())) {
      at += 1;
      blocks.push({ kind: "rule" });
    } else if (line().startsWith(">")) {
      const quoted = until((one) => !one.startsWith(">"));
      blocks.push({ kind: "quote", inside: inlinesOf(quoted.map((one) => one.replace(/^>\s?/, "")).join(" ")) });
    } else if (line().includes("|") && /^\s*\|?[\s:|-]*-[\s:|-]*$/.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("|")) {
      const head = cells(line());
      at += 2;
      blocks.push({ kind: "table", head, rows: until((one) => !one.includes("|")).map(cells) });
    } else if (LIST.test(line())) {
      blocks.push(list(until((one) => one.trim() === "" || (!LIST.test(one) && !/^\s/.test(one)))));
    } else {
      const first = line();
      at += 1;
      const paragraph = [first, ...until((one) => one.trim() === "" || /^(#{1,6}\s|>|\s*```|\s*~~~)/.test(one) || LIST.test(one))];
      blocks.push({ kind: "paragraph", inside: inlinesOf(paragraph.map((one) => one.trim()).join(" ")) });
    }
  }
  return blocks;
}

function list(lines: string[]): Block {
  const items: string[] = [];
  for (const line of lines) {
    const item = LIST.exec(line);
    if (item) {
      items.push((item[2] ?? "").replace(/^\[ \]\s/, "☐ ").replace(/^\[x\]\s/i, "☑ "));
    } else {
      items.push(`${items.pop() ?? ""} ${line.trim()}`);
    }
  }
  return { kind: "list", ordered: /^\s*\d/.test(lines[0] ?? ""), items: items.map(inlinesOf) };
}
