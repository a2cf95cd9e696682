import { Box } from "@mui/material";
import { lazy, Suspense } from "react";
import { mono } from "../../theme/theme";
import type { SourceProps } from "./SourceEditor";

const SourceEditor = lazy(() => import("./SourceEditor"));

// A file's text with line numbers and colours, to be read or to be edited. The plain text stands there until the rest is loaded.
export function Source(props: SourceProps) {
  return (
    <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, overflow: "hidden", bgcolor: "background.paper", "&:focus-within": props.onChange && { borderColor: "primary.main" } }}>
      <Suspense
        fallback={
          <Box component="pre" tabIndex={0} aria-label={props.label} sx={{ m: 0, p: 1, pl: 7, fontFamily: mono, lineHeight: 1.6, overflow: "auto", minHeight: props.minHeight }}>
            {props.text}
          </Box>
        }
      >
        <SourceEditor {...props} />
      </Suspense>
    </Box>
  );
}
