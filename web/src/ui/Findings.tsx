import { Box, Typography } from "@mui/material";
import type { Diagnostic, Label } from "../api/types";
import { mono } from "../theme/theme";

const COLOUR = { error: "state.failed", warning: "state.degraded", info: "state.running" } as const;

// Diagnostics: where, what was found, who says otherwise, the fix. Places in the file that can be opened are buttons.
export function Findings({ diagnostics, onOpen, opens }: { diagnostics: Diagnostic[]; onOpen?: (label: Label) => void; opens?: string }) {
  return (
    <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0, mt: 1, display: "grid", gap: 1.5 }}>
      {diagnostics.map((diagnostic, index) => (
        <Box component="li" key={`${diagnostic.code}-${index}`} sx={{ borderLeft: 3, borderColor: COLOUR[diagnostic.severity], pl: 1.5 }}>
          <Typography sx={{ overflowWrap: "anywhere" }}>
            <Box component="strong" sx={{ color: COLOUR[diagnostic.severity], mr: 1 }}>
              {diagnostic.severity} {diagnostic.code}
            </Box>
            {diagnostic.message}
          </Typography>
          {diagnostic.labels?.map((label, at) => (
            <Typography key={at} variant="body2" color="textSecondary" sx={{ fontFamily: mono, overflowWrap: "anywhere" }}>
              {onOpen && label.file === opens ? (
                <Box component="button" type="button" onClick={() => onOpen(label)} sx={{ font: "inherit", color: "primary.main", bgcolor: "transparent", border: 0, p: 0, minHeight: 24, cursor: "pointer", textAlign: "left", "&:hover": { textDecoration: "underline" } }}>
                  {label.file}:{label.line}:{label.column}
                </Box>
              ) : (
                `${label.file}:${label.line}:${label.column}`
              )}{" "}
              {label.path} {label.text && `· ${label.text}`}
            </Typography>
          ))}
          {diagnostic.effect && <Typography variant="body2">Effect: {diagnostic.effect}</Typography>}
          {diagnostic.help && (
            <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
              Help: {diagnostic.help}
            </Typography>
          )}
        </Box>
      ))}
    </Box>
  );
}
