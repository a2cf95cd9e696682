import { Box, Button, Typography, useMediaQuery } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { Fragment, type ReactNode, useMemo, useState } from "react";
import { type Block, counts, diffLines, fold, type Line, type Pair, sideBySide } from "../lib/diff";
import { mono } from "../theme/theme";

export type Side = "left" | "right";

// Where something can be said about a line, and what has been said already.
export interface Remarks {
  // Something to show under a line; nothing if there is nothing.
  under: (side: Side, line: number) => ReactNode;
  onRemark?: (side: Side, line: number) => void;
}

// The difference of two texts: beside each other where there is room, below each other where there is not.
export function TextDiff({ before, after, path, remarks }: { before: string; after: string; path: string; remarks?: Remarks }) {
  const wide = useMediaQuery(useTheme().breakpoints.up("md"));
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  const remarked = (line: Line | undefined) =>
    line !== undefined && remarks !== undefined && ((line.right !== undefined && !!remarks.under("right", line.right)) || (line.kind === "removed" && line.left !== undefined && !!remarks.under("left", line.left)));
  if (lines.every((line) => line.kind === "same")) {
    return <Typography color="textSecondary">{before === after ? "No difference." : "Only line ends or the end of the file differ."}</Typography>;
  }
  return (
    <Box
      tabIndex={0}
      role="region"
      aria-label={`Difference of ${path}`}
      sx={{
        overflowX: "auto",
        fontFamily: mono,
        fontSize: "0.78rem",
        lineHeight: 1.55,
        "& table": { borderCollapse: "collapse", width: "100%", tableLayout: wide ? "fixed" : "auto" },
        "& td": { p: 0, verticalAlign: "top" },
        "& .number": { width: 44, minWidth: 44, textAlign: "right", pr: 1, color: "text.secondary", userSelect: "none", position: "relative" },
        "& .text": { whiteSpace: "pre-wrap", overflowWrap: "anywhere", pl: 1, pr: 1 },
        "& .added": { bgcolor: "color-mix(in srgb, var(--mui-palette-state-ok) 14%, transparent)" },
        "& .removed": { bgcolor: "color-mix(in srgb, var(--mui-palette-state-failed) 13%, transparent)" },
        "& .none": { bgcolor: "background.default" },
        "& .half": { borderLeft: "1px solid var(--mui-palette-divider)" },
        "& .remark": {
          position: "absolute",
          left: 0,
          top: 0,
          width: 24,
          height: 24,
          p: 0,
          border: 0,
          borderRadius: 1,
          bgcolor: "primary.main",
          color: "primary.contrastText",
          font: "inherit",
          cursor: "pointer",
          opacity: 0,
          "&:focus-visible": { opacity: 1 },
        },
        "& tr:hover .remark": { opacity: 1 },
        "@media (hover: none)": { "& .remark": { opacity: 0.75 } },
      }}
    >
      {wide ? (
        <Split blocks={fold(sideBySide(lines), (pair) => pair.left?.kind !== "same", (pair) => remarked(pair.left) || remarked(pair.right))} remarks={remarks} />
      ) : (
        <Unified blocks={fold(lines, (line) => line.kind !== "same", remarked)} remarks={remarks} />
      )}
    </Box>
  );
}

// "+3 −1", in words for screen readers.
export function Amount({ before, after }: { before: string; after: string }) {
  const { added, removed } = useMemo(() => counts(diffLines(before, after)), [before, after]);
  return (
    <Box component="span" className="figures" sx={{ fontFamily: mono, fontSize: "0.78rem", whiteSpace: "nowrap" }} role="img" aria-label={`${added} lines added, ${removed} removed`}>
      <Box component="span" sx={{ color: "state.ok" }}>
        +{added}
      </Box>{" "}
      <Box component="span" sx={{ color: "state.failed" }}>
        −{removed}
      </Box>
    </Box>
  );
}

const SIGNS = { same: " ", added: "+", removed: "−" } as const;
const WORDS = { same: "", added: "added: ", removed: "removed: " } as const;

function Unfolded<Row>({ block, columns, row }: { block: Block<Row>; columns: number; row: (row: Row, key: number) => ReactNode }) {
  const [open, setOpen] = useState(false);
  if (!("folded" in block)) {
    return block.rows.map(row);
  }
  if (open) {
    return block.folded.map(row);
  }
  return (
    <tr>
      <Box component="td" colSpan={columns} sx={{ bgcolor: "background.default", textAlign: "center" }}>
        <Button size="small" color="inherit" onClick={() => setOpen(true)} sx={{ color: "text.secondary", fontSize: "0.75rem" }}>
          Show {block.folded.length} unchanged lines
        </Button>
      </Box>
    </tr>
  );
}

function Number({ side, line, remarks }: { side: Side; line: Line | undefined; remarks: Remarks | undefined }) {
  const number = line?.[side];
  const about = number !== undefined && remarks?.onRemark && (side === "right" || line?.kind === "removed");
  return (
    <td className={`number ${line === undefined ? "none" : line.kind}`}>
      {about && (
        <button type="button" className="remark" aria-label={`Comment on ${side === "left" ? "old " : ""}line ${number}`} onClick={() => remarks.onRemark?.(side, number)}>
          +
        </button>
      )}
      {number}
    </td>
  );
}

function Text({ line }: { line: Line | undefined }) {
  return (
    <td className={`text ${line === undefined ? "none" : line.kind}`}>
      {line && (
        <>
          <Box component="span" aria-hidden sx={{ userSelect: "none", color: "text.secondary", mr: 0.75 }}>
            {SIGNS[line.kind]}
          </Box>
          <Box component="span" sx={{ position: "absolute", left: -9999 }}>
            {WORDS[line.kind]}
          </Box>
          {line.text}
        </>
      )}
    </td>
  );
}

function Under({ remarks, places, columns }: { remarks: Remarks | undefined; places: [Side, number | undefined][]; columns: number }) {
  const said = places.map(([side, line]) => (line === undefined ? null : remarks?.under(side, line))).filter(Boolean);
  if (said.length === 0) {
    return null;
  }
  return (
    <tr>
      <Box component="td" colSpan={columns} sx={{ fontFamily: "fontFamily", fontSize: "0.875rem", bgcolor: "background.default", borderBlock: "1px solid var(--mui-palette-divider)" }}>
        {said.map((one, at) => (
          <Box key={at} sx={{ p: 1.5, maxWidth: 820 }}>
            {one}
          </Box>
        ))}
      </Box>
    </tr>
  );
}

function Split({ blocks, remarks }: { blocks: Block<Pair>[]; remarks?: Remarks }) {
  return (
    <table>
      <colgroup>
        <col style={{ width: 44 }} />
        <col />
        <col style={{ width: 44 }} />
        <col />
      </colgroup>
      <Box component="thead" sx={{ position: "absolute", left: -9999 }}>
        <tr>
          <th>Old line</th>
          <th>Old text</th>
          <th>New line</th>
          <th>New text</th>
        </tr>
      </Box>
      <tbody>
        {blocks.map((block, index) => (
          <Unfolded
            key={index}
            block={block}
            columns={4}
            row={({ left, right }, key) => (
              <Fragment key={key}>
                <tr>
                  <Number side="left" line={left} remarks={remarks} />
                  <Text line={left} />
                  <Number side="right" line={right} remarks={remarks} />
                  <Text line={right} />
                </tr>
                <Under remarks={remarks} columns={4} places={[["left", left?.kind === "removed" ? left.left : undefined], ["right", right?.right]]} />
              </Fragment>
            )}
          />
        ))}
      </tbody>
    </table>
  );
}

function Unified({ blocks, remarks }: { blocks: Block<Line>[]; remarks?: Remarks }) {
  return (
    <table>
      <Box component="thead" sx={{ position: "absolute", left: -9999 }}>
        <tr>
          <th>Line</th>
          <th>Text</th>
        </tr>
      </Box>
      <tbody>
        {blocks.map((block, index) => (
          <Unfolded
            key={index}
            block={block}
            columns={2}
            row={(line, key) => (
              <Fragment key={key}>
                <tr>
                  <Number side={line.kind === "removed" ? "left" : "right"} line={line} remarks={remarks} />
                  <Text line={line} />
                </tr>
                <Under remarks={remarks} columns={2} places={[["left", line.kind === "removed" ? line.left : undefined], ["right", line.right]]} />
              </Fragment>
            )}
          />
        ))}
      </tbody>
    </table>
  );
}
