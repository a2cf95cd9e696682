import { Box } from "@mui/material";
import { memo } from "react";
import { clockOf, type LogLine, spansOf, type Style } from "../../lib/runlog";
import { PREFIX } from "./useLog";

// The theme's own colours, which can be read in both schemes.
const COLOURS: Record<string, string> = {
  black: "text-secondary",
  red: "state-failed",
  green: "state-ok",
  yellow: "state-waiting",
  blue: "state-running",
  magenta: "primary-main",
  cyan: "state-running",
  white: "text-primary",
};
const KINDS: Partial<Record<LogLine["kind"], string>> = { error: "state-failed", warning: "state-degraded", command: "state-running", debug: "text-secondary" };
const variable = (name: string) => `var(--mui-palette-${name})`;

function css({ colour, background, bold, dim, italic, underline }: Style): React.CSSProperties {
  const named = colour === undefined ? undefined : COLOURS[colour];
  const behind = background === undefined ? undefined : COLOURS[background] ? variable(COLOURS[background]) : background;
  return {
    color: named ? variable(named) : colour ? `color-mix(in srgb, ${colour} 45%, var(--mui-palette-text-primary))` : dim ? variable("text-secondary") : undefined,
    backgroundColor: behind && `color-mix(in srgb, ${behind} 12%, transparent)`,
    fontWeight: bold ? 700 : undefined,
    fontStyle: italic ? "italic" : undefined,
    textDecoration: underline ? "underline" : undefined,
  };
}

export interface RowProps {
  line: LogLine;
  index: number;
  rows: number;
  mark: "pointed" | "current" | "match" | undefined;
  folded: boolean | undefined;
  times: boolean;
  onFold: (group: number, folded: boolean) => void;
  onPoint: (line: number) => void;
}

export const LogLineRow = memo(function LogLineRow({ line, index, rows, mark, folded, times, onFold, onPoint }: RowProps) {
  const spans = spansOf(line.text);
  const colour = KINDS[line.kind];
  const text = spans.map((span, at) => (
    <span key={at} style={css(span.style)}>
      {span.text}
    </span>
  ));
  return (
    <Box className={`line ${mark ?? ""}`} style={{ height: rows * 20 }} data-line={index + 1}>
      <button type="button" className="number" tabIndex={-1} aria-label={`Line ${index + 1}`} onClick={() => onPoint(index + 1)}>
        {index + 1}
      </button>
      {times && <span className="time">{clockOf(line.time)}</span>}
      <span className="text" style={{ color: colour && variable(colour), fontWeight: line.kind === "section" || line.kind === "error" ? 650 : undefined }}>
        {line.kind === "group" ? (
          <button type="button" className="fold" aria-expanded={!folded} onClick={() => onFold(index, !folded)}>
            {folded ? "▸ " : PREFIX.group}
            {text}
          </button>
        ) : (
          <>
            {PREFIX[line.kind]}
            {text}
          </>
        )}
      </span>
    </Box>
  );
});
