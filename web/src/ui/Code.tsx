import { Box, Button } from "@mui/material";
import { useState } from "react";
import { mono } from "../theme/theme";

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <Button size="small" variant="text" onClick={copy} aria-label={label} sx={{ minWidth: 0 }}>
      {copied ? "Copied" : "Copy"}
    </Button>
  );
}

// Text of a file; `marks` are stretches that came from an answer of the person.
export function Code({
  text,
  label,
  marks = [],
}: {
  text: string;
  label: string;
  marks?: { start: number; end: number; source: string }[];
}) {
  const pieces: React.ReactNode[] = [];
  let at = 0;
  for (const mark of [...marks].sort((left, right) => left.start - right.start)) {
    if (mark.start < at) {
      continue;
    }
    pieces.push(text.slice(at, mark.start));
    pieces.push(
      <Box
        component="mark"
        key={mark.start}
        title={`from ${mark.source}`}
        sx={{ bgcolor: "transparent", color: "primary.main", fontWeight: 600, borderBottom: "1px dashed", borderColor: "primary.main" }}
      >
        {text.slice(mark.start, mark.end)}
      </Box>,
    );
    at = mark.end;
  }
  pieces.push(text.slice(at));
  return (
    <Box sx={{ position: "relative" }}>
      <Box sx={{ position: "absolute", top: 1, right: 1, m: 0.5, bgcolor: "background.default", borderRadius: 1 }}>
        <CopyButton text={text} label={`Copy ${label}`} />
      </Box>
      <Box
        component="pre"
        tabIndex={0}
        aria-label={label}
        sx={{
          m: 0,
          p: 2,
          pr: 9,
          border: 1,
          borderColor: "divider",
          borderRadius: 1,
          bgcolor: "background.default",
          fontFamily: mono,
          fontSize: "0.78rem",
          lineHeight: 1.6,
          overflow: "auto",
          maxHeight: 520,
          whiteSpace: "pre",
        }}
      >
        {pieces}
      </Box>
    </Box>
  );
}
