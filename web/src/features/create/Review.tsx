import { Alert, Box, Button, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api } from "../../api/client";
import { ApiError } from "../../api/errors";
import type { Json, JsonObject, Plan, PlannedResource } from "../../api/types";
import { duration } from "../../lib/time";
import { mono } from "../../theme/theme";
import { Code, CopyButton } from "../../ui/Code";
import { Findings } from "../../ui/Findings";
import { Failure, Loading, Section } from "../../ui/Page";
import type { FormPage } from "./schema";
import { TableBox } from "../../ui/TableBox";

const LAYERS: Record<PlannedResource["layer"], string> = {
  claim: "Claim",
  composite: "Composite",
  managed: "Managed",
  cloud: "Cloud",
  secret: "Secret",
};

function shown(value: Json | undefined, secret: boolean): string {
  if (value === undefined || value === null || value === "") {
    return "–";
  }
  return secret ? "******" : typeof value === "string" ? value : JSON.stringify(value);
}

// What was answered, the files it becomes and the resources that come of them. Nothing has been made yet.
export function Review({
  entityRef,
  title,
  pages,
  values,
  secretNames,
  onBack,
  onEdit,
  onCreated,
}: {
  entityRef: string;
  title: string;
  pages: FormPage[];
  values: JsonObject;
  secretNames: ReadonlySet<string>;
  onBack: () => void;
  onEdit: (page: number) => void;
  onCreated: () => void;
}) {
  const navigate = useNavigate();
  const open = Object.fromEntries(Object.entries(values).filter(([key]) => !secretNames.has(key)));
  const plan = useQuery({ queryKey: ["plan", entityRef, open], queryFn: () => api.plan(entityRef, open), staleTime: 0, gcTime: 0, retry: false });
  const run = useMutation({
    mutationFn: () => {
      const secrets = Object.fromEntries([...secretNames].filter((key) => typeof values[key] === "string").map((key) => [key, String(values[key])]));
      return api.createTask(entityRef, values, secrets);
    },
    onSuccess: ({ id }) => {
      onCreated();
      void navigate({ to: "/runs/$taskId", params: { taskId: id } });
    },
  });
  const name = entityRef.split("/")[1] ?? entityRef;
  const command = `pave request new ${name} ${Object.entries(open)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ")}`;
  const blocked = plan.data ? !plan.data.permitted || plan.data.diagnostics.some((diagnostic) => diagnostic.severity === "error") : true;
  return (
    <>
      <Typography color="textSecondary" sx={{ mb: 3 }}>
        Nothing has been made yet.
      </Typography>
      <Section title="Your answers">
        <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: { xs: "2fr 3fr", sm: "220px 1fr" }, maxWidth: 720, rowGap: 0.5, columnGap: 2, alignItems: "center" }}>
          {pages.flatMap((page, index) =>
            Object.entries(page.schema.properties ?? {}).map(([key, property]) => (
              <Box key={key} sx={{ display: "contents" }}>
                <Typography component="dt" color="textSecondary">
                  {(typeof property === "object" && property.title) || key}
                </Typography>
                <Box component="dd" sx={{ m: 0, display: "flex", alignItems: "center", gap: 1 }}>
                  <Typography component="span" sx={{ flex: 1, fontFamily: mono, fontSize: "0.8125rem", overflowWrap: "anywhere" }}>
                    {shown(values[key], secretNames.has(key))}
                  </Typography>
                  <Button size="small" onClick={() => onEdit(index + 1)} aria-label={`Change ${(typeof property === "object" && property.title) || key}`}>
                    Change
                  </Button>
                </Box>
              </Box>
            )),
          )}
        </Box>
      </Section>
      {plan.isPending && <Loading rows={6} />}
      {plan.isError && <Failure error={plan.error} retry={() => void plan.refetch()} />}
      {plan.error instanceof ApiError && plan.error.fields.length > 0 && (
        <Box component="ul">
          {plan.error.fields.map((field, index) => (
            <li key={index}>
              {field.property} {field.message}
            </li>
          ))}
        </Box>
      )}
      {plan.data && <Planned plan={plan.data} />}
      {run.isError && (
        <Box sx={{ mb: 2 }}>
          <Failure error={run.error} />
        </Box>
      )}
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "center" }}>
        <Button variant="outlined" onClick={onBack}>
          Back
        </Button>
        <Button variant="contained" disabled={blocked} loading={run.isPending} onClick={() => run.mutate()}>
          {/^create\b/i.test(title) ? title.charAt(0) + title.slice(1).toLowerCase() : `Run ${title}`}
        </Button>
        {plan.data?.usualSeconds != null && (
          <Typography variant="body2" color="textSecondary">
            usually takes {duration(plan.data.usualSeconds * 1000)}
          </Typography>
        )}
        {plan.data && blocked && (
          <Typography variant="body2" sx={{ color: "state.failed" }}>
            {plan.data.permitted ? "The findings above have to be mended first." : "You may not do this; see above why."}
          </Typography>
        )}
      </Box>
      <Box sx={{ display: "flex", alignItems: "center", gap: 1, mt: 3 }}>
        <Typography variant="body2" color="textSecondary" sx={{ fontFamily: mono, overflowWrap: "anywhere" }}>
          same as: {command}
        </Typography>
        <CopyButton text={command} label="Copy the command" />
      </Box>
    </>
  );
}

function Planned({ plan }: { plan: Plan }) {
  return (
    <>
      {plan.denials.map((denial) => (
        <Alert key={denial} severity="warning" variant="outlined" sx={{ mb: 2, overflowWrap: "anywhere" }}>
          {denial}
        </Alert>
      ))}
      {plan.diagnostics.length > 0 && (
        <Section title="Findings">
          <Findings diagnostics={plan.diagnostics} />
        </Section>
      )}
      <Section title={plan.files.length === 1 ? "One file will be written" : `${plan.files.length} files will be written`}>
        {plan.files.map((file) => (
          <Box key={file.path} sx={{ mb: 2 }}>
            <Typography sx={{ mb: 0.75, overflowWrap: "anywhere" }}>
              <code>{file.path}</code>{" "}
              <Typography component="span" color="textSecondary">
                {file.before === null ? "new" : "replaces what is there"}, on {file.branch} of {file.repository.split("/").at(-1)}
              </Typography>
            </Typography>
            <Code text={file.content} label={file.path} marks={file.pieces} />
          </Box>
        ))}
      </Section>
      <Section title={`${plan.resources.length} resources will come of it`}>
        <TableBox label="Resources that will come of it">
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Layer</TableCell>
                <TableCell>Kind</TableCell>
                <TableCell>Name</TableCell>
                <TableCell>What it is</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {plan.resources.map((resource, index) => (
                <TableRow key={index}>
                  <TableCell sx={{ color: "text.secondary", whiteSpace: "nowrap" }}>{LAYERS[resource.layer]}</TableCell>
                  <TableCell sx={{ overflowWrap: "anywhere", minWidth: 160 }}>{resource.kind}</TableCell>
                  <TableCell sx={{ fontFamily: mono, whiteSpace: { sm: "nowrap" } }}>
                    {resource.namespace ? `${resource.namespace}/` : ""}
                    {resource.name}
                  </TableCell>
                  <TableCell sx={{ overflowWrap: "anywhere", color: resource.layer === "cloud" ? "text.secondary" : undefined }}>{resource.summary}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableBox>
      </Section>
    </>
  );
}
