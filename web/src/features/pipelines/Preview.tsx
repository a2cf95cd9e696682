import { Alert, AlertTitle, Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { buildQueries } from "../../api/buildQueries";
import type { RunRequest } from "../../api/buildTypes";
import type { Place } from "../../api/devopsTypes";
import type { Diagnostic } from "../../api/types";
import { words } from "../../api/errors";
import { refusalOf } from "../../lib/pipelineFile";
import { Findings } from "../../ui/Findings";
import { Failure, Loading } from "../../ui/Page";
import { Source } from "../../ui/source/Source";

// Why a file does not become a run: each finding with its place, where the host names places.
export function Refused({ error, retry }: { error: unknown; retry?: () => void }) {
  const found = refusalOf(words(error));
  if (found.length === 0) {
    return <Failure error={error} retry={retry} />;
  }
  return (
    <Alert severity="warning" variant="outlined">
      <AlertTitle>This file cannot be run as it is</AlertTitle>
      <Findings diagnostics={found} />
    </Alert>
  );
}

// The file as it is run: templates put in, parameters filled in; with all that the host has to say about it.
export function ExpandedYaml({ place, id, request, path }: { place: Place; id: number; request: RunRequest; path: string }) {
  const preview = useQuery(buildQueries.preview(place, id, request));
  if (preview.isPending) {
    return <Loading rows={6} />;
  }
  if (preview.isError) {
    return <Refused error={preview.error} retry={() => void preview.refetch()} />;
  }
  const diagnostics = (preview.data.diagnostics ?? []) as Diagnostic[];
  return (
    <>
      {diagnostics.length > 0 ? (
        <Box sx={{ mb: 2 }}>
          <Findings diagnostics={flattened(diagnostics)} />
        </Box>
      ) : (
        <Typography color="textSecondary" sx={{ mb: 1 }}>
          Nothing is wrong with it.
        </Typography>
      )}
      <Source text={preview.data.finalYaml} path={path} label="The expanded file" />
    </>
  );
}

interface Located {
  location?: { file: string; span: { start: { line: number; column: number } } };
}

// The host writes places as spans; the list wants line and column.
function flattened(diagnostics: Diagnostic[]): Diagnostic[] {
  return diagnostics.map((diagnostic) => ({
    ...diagnostic,
    labels: diagnostic.labels?.map((label) => {
      const { location } = label as Located;
      return location ? { ...label, file: location.file, line: location.span.start.line, column: location.span.start.column } : label;
    }),
  }));
}
