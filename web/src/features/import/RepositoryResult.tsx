import { Alert, Box, Button, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "../../api/client";
import type { AnalyzeResult } from "../../api/types";
import { yamlOf } from "../../lib/yaml";
import { Code } from "../../ui/Code";
import { Empty, Loading, Section } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { TableBox } from "../../ui/TableBox";
import { EntityLink } from "./EntityEffects";
import { Imported } from "./Imported";
import { Refusal } from "./Refusal";

// A whole repository: the catalog files that are in it, or one that could be added.
export function RepositoryResult({ url }: { url: string }) {
  const client = useQueryClient();
  const analysis = useQuery({ queryKey: ["analyze", url], queryFn: () => api.analyzeLocation(url), retry: false, staleTime: 0, gcTime: 0 });
  const targets = [...new Set((analysis.data?.existingEntityFiles ?? []).filter((file) => !file.isRegistered).map((file) => file.location.target))];
  const register = useMutation({
    mutationFn: async () => {
      for (const target of targets) {
        await api.registerLocation(target);
      }
    },
    onSettled: () => Promise.all(["entities", "facets", "locations"].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
  if (analysis.isPending) {
    return (
      <Section title="What is in the repository">
        <Loading rows={3} />
      </Section>
    );
  }
  if (analysis.isError) {
    return <Refusal error={analysis.error} url={url} retry={() => void analysis.refetch()} />;
  }
  const { existingEntityFiles, generateEntities } = analysis.data;
  if (register.isSuccess) {
    return <Imported items={existingEntityFiles.map(({ entity }) => ({ entity, known: null, effect: "added" }))} />;
  }
  if (existingEntityFiles.length === 0 && generateEntities.length === 0) {
    return (
      <Section title="What is in the repository">
        <Empty title="No catalog file was found">Add a catalog-info.yaml to the repository, then analyze its address.</Empty>
      </Section>
    );
  }
  return (
    <Section title="What is in the repository">
      {existingEntityFiles.length > 0 && <Files files={existingEntityFiles} />}
      {existingEntityFiles.length === 0 && generateEntities.map((generated, index) => <Proposal key={index} generated={generated} />)}
      {register.isError && <Refusal error={register.error} url={url} retry={() => register.mutate()} />}
      {existingEntityFiles.length > 0 && (
        <Box sx={{ mt: 2 }}>
          <Button variant="contained" disabled={targets.length === 0} loading={register.isPending} onClick={() => register.mutate()}>
            {targets.length === 0 ? "Everything is registered already" : targets.length === 1 ? "Import" : `Import ${targets.length} files`}
          </Button>
        </Box>
      )}
    </Section>
  );
}

function Files({ files }: { files: AnalyzeResult["existingEntityFiles"] }) {
  return (
    <TableBox label="Catalog files">
      <Table size="small">
        <TableHead>
          <TableRow>
            <TableCell>Entity</TableCell>
            <TableCell>Kind</TableCell>
            <TableCell>Effect</TableCell>
            <TableCell>File</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {files.map(({ entity, isRegistered, location }) => (
            <TableRow key={`${location.target} ${entity.kind} ${entity.metadata.name}`}>
              <TableCell>{isRegistered ? <EntityLink entity={entity} /> : (entity.metadata.title ?? entity.metadata.name)}</TableCell>
              <TableCell>{entity.kind}</TableCell>
              <TableCell>
                <StateMark state={isRegistered ? "pending" : "ok"} word={isRegistered ? "is there already" : "would be added"} />
              </TableCell>
              <TableCell sx={{ overflowWrap: "anywhere" }}>{location.target}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableBox>
  );
}

function Proposal({ generated }: { generated: AnalyzeResult["generateEntities"][number] }) {
  const open = generated.fields.filter((field) => field.state !== "analysisSuggestedValue");
  return (
    <>
      <Alert severity="info" variant="outlined" sx={{ mb: 2 }}>
        The repository has no catalog file. Add this one as catalog-info.yaml, by a commit or a pull request, then analyze the address of that file.
      </Alert>
      <Code text={yamlOf(generated.entity)} label="Proposed catalog-info.yaml" />
      {open.length > 0 && (
        <>
          <Typography sx={{ mt: 2, fontWeight: 580 }}>Fill in before:</Typography>
          <Box component="ul" sx={{ mt: 0.5, pl: 3 }}>
            {open.map((field) => (
              <li key={field.field}>
                <code>{field.field}</code>: {field.description}
              </li>
            ))}
          </Box>
        </>
      )}
    </>
  );
}
