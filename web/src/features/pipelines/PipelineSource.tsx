import { Box, Typography } from "@mui/material";
import { useState } from "react";
import type { Diagnostic, Label } from "../../api/types";
import { words } from "../../api/errors";
import { Findings } from "../../ui/Findings";
import { Source } from "../../ui/source/Source";
import type { Finding, Spot } from "../../ui/source/SourceEditor";

// What the editor marks: findings of this very file, each at its line and column.
export function marksOf(diagnostics: Diagnostic[], path: string): Finding[] {
  return diagnostics.flatMap(({ labels, message, help, severity, code }) =>
    (labels ?? [])
      .slice(0, 1)
      .filter((label) => label.file === path)
      .map(({ line, column }) => ({ line, column, severity, message: `${code ? `${code}: ` : ""}${message}${help ? `; ${help}` : ""}` })),
  );
}

// A pipeline's text in an editor, with what is wrong with it marked where it stands and listed below.
export function PipelineSource({
  text,
  path,
  label,
  check,
  onChange,
  onSave,
}: {
  text: string;
  path: string;
  label: string;
  check: { compiled: { diagnostics: Diagnostic[] } | undefined; error: Error | null; isChecking: boolean };
  onChange?: (text: string) => void;
  onSave?: () => void;
}) {
  const [spot, setSpot] = useState<Spot>();
  const diagnostics = check.compiled?.diagnostics ?? [];
  const go = ({ file, line, column }: Label) => file === path && setSpot({ line, column });
  return (
    <>
      <Source text={text} path={path} label={label} onChange={onChange} onSave={onSave} minHeight={onChange && "320px"} findings={marksOf(diagnostics, path)} spot={spot} />
      <Box component="section" aria-label="Check of the pipeline" sx={{ mt: 1 }}>
        <Typography variant="body2" color="textSecondary" role="status">
          {saidOf(check, diagnostics)}
        </Typography>
        {diagnostics.length > 0 && <Findings diagnostics={diagnostics} onOpen={go} opens={path} />}
      </Box>
    </>
  );
}

function saidOf(check: { error: Error | null; isChecking: boolean; compiled: unknown }, diagnostics: Diagnostic[]): string {
  if (check.error) {
    return `It cannot be checked: ${words(check.error)}`;
  }
  if (check.compiled === undefined || check.isChecking) {
    return "Checking…";
  }
  if (diagnostics.length === 0) {
    return "Nothing is wrong with it.";
  }
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  return errors > 0 ? `It cannot be run as it is: ${errors === 1 ? "one error" : `${errors} errors`}.` : "It runs, but look at this:";
}
