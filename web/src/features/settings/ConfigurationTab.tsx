import { Box, Chip, TableCell, TableRow, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { queries } from "../../api/queries";
import type { Configuration } from "../../api/types";
import { mono } from "../../theme/theme";
import { Findings } from "../../ui/Findings";
import { FilteredTable } from "../../ui/FilteredTable";
import { Failure, Loading, Section } from "../../ui/Page";

// Every value of app-config.yaml, of the environment and of the defaults, with where it comes from.
export function ConfigurationTab() {
  const configuration = useQuery(queries.configuration());
  if (configuration.isPending) {
    return <Loading rows={8} />;
  }
  if (configuration.isError) {
    return <Failure error={configuration.error} retry={() => void configuration.refetch()} />;
  }
  const { files, diagnostics } = configuration.data;
  return (
    <>
      <Typography color="textSecondary" sx={{ mb: 2, maxWidth: 720 }}>
        {files.length > 0 ? `Read at the start from ${files.join(", ")}, each covering those before it, then from the environment.` : "No configuration file was read; app-config.yaml of the directory where Pave starts would be."}{" "}
        Same as: <code>pave config show --origin</code>
      </Typography>
      {diagnostics.length > 0 && (
        <Section title="Findings">
          <Findings diagnostics={diagnostics} />
        </Section>
      )}
      <Section title="Values">
        <Values entries={configuration.data.entries} />
      </Section>
    </>
  );
}

function Values({ entries }: { entries: Configuration["entries"] }) {
  return (
    <FilteredTable
      label="Configuration"
      filterLabel="Filter by key or origin"
      headings={["Key", "Value", "Comes from"]}
      items={entries}
      text={(entry) => `${entry.path} ${entry.origin.text}`}
      row={(entry) => (
        <TableRow key={entry.path}>
          <TableCell sx={{ fontFamily: mono, overflowWrap: "anywhere" }}>{entry.path}</TableCell>
          <TableCell sx={{ fontFamily: mono, overflowWrap: "anywhere" }}>
            {typeof entry.value === "string" ? entry.value || <Empties /> : JSON.stringify(entry.value)}
            {entry.secret && <Chip size="small" variant="outlined" label="secret" sx={{ ml: 1, height: 20 }} />}
          </TableCell>
          <TableCell sx={{ overflowWrap: "anywhere", color: entry.origin.kind === "default" ? "text.secondary" : undefined }}>{entry.origin.text}</TableCell>
        </TableRow>
      )}
    />
  );
}

function Empties() {
  return (
    <Box component="span" sx={{ color: "text.secondary" }}>
      empty
    </Box>
  );
}
