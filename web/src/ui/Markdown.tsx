import { Box } from "@mui/material";
import type { ReactNode } from "react";
import { type Block, blocksOf, type Inline } from "../lib/markdown";
import { Code } from "./Code";

// Markdown as elements of the page: nothing of it is ever taken for HTML.

function inline(pieces: Inline[]): ReactNode[] {
  return pieces.map((piece, at) => {
    switch (piece.kind) {
      case "text":
        return piece.text;
      case "code":
        return <code key={at}>{piece.text}</code>;
      case "strong":
        return <strong key={at}>{inline(piece.inside)}</strong>;
      case "emphasis":
        return <em key={at}>{inline(piece.inside)}</em>;
      case "link":
        return (
          <Box component="a" key={at} href={piece.href} rel="noreferrer noopener" sx={{ color: "primary.main" }}>
            {inline(piece.inside)}
          </Box>
        );
    }
  });
}

function block(one: Block, at: number): ReactNode {
  switch (one.kind) {
    case "heading": {
      // Headings of a file stand below those of the page.
      const level = Math.min(one.level + 2, 6) as 3 | 4 | 5 | 6;
      return (
        <Box key={at} component={`h${level}`} sx={{ fontSize: one.level === 1 ? "1.25rem" : one.level === 2 ? "1.0625rem" : "0.9375rem", fontWeight: 620, mt: at === 0 ? 0 : 2.5, mb: 1 }}>
          {inline(one.inside)}
        </Box>
      );
    }
    case "paragraph":
      return (
        <Box key={at} component="p" sx={{ my: 1 }}>
          {inline(one.inside)}
        </Box>
      );
    case "list":
      return (
        <Box key={at} component={one.ordered ? "ol" : "ul"} sx={{ my: 1, pl: 3 }}>
          {one.items.map((item, index) => (
            <li key={index}>{inline(item)}</li>
          ))}
        </Box>
      );
    case "quote":
      return (
        <Box key={at} component="blockquote" sx={{ m: 0, my: 1, pl: 2, borderLeft: 3, borderColor: "divider", color: "text.secondary" }}>
          {inline(one.inside)}
        </Box>
      );
    case "code":
      return (
        <Box key={at} sx={{ my: 1.5 }}>
          <Code text={one.text} label={one.language === "" ? "example" : `example in ${one.language}`} />
        </Box>
      );
    case "table":
      return (
        <Box key={at} sx={{ overflowX: "auto", my: 1.5 }}>
          <Box component="table" sx={{ borderCollapse: "collapse", "& th, & td": { border: 1, borderColor: "divider", px: 1.25, py: 0.5, textAlign: "left", verticalAlign: "top" } }}>
            <thead>
              <tr>
                {one.head.map((cell, index) => (
                  <th key={index}>{inline(cell)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {one.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, column) => (
                    <td key={column}>{inline(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </Box>
        </Box>
      );
    case "rule":
      return <Box key={at} component="hr" sx={{ border: 0, borderTop: 1, borderColor: "divider", my: 2 }} />;
  }
}

export function Markdown({ text }: { text: string }) {
  return <Box sx={{ lineHeight: 1.6, maxWidth: "80ch", overflowWrap: "anywhere", "& code": { bgcolor: "background.default", borderRadius: 0.5, px: 0.5 }, "& pre code": { px: 0 } }}>{blocksOf(text).map(block)}</Box>;
}
