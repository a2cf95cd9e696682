import { Box, Button, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { words } from "../../api/errors";
import { devopsQueries } from "../../api/devopsQueries";
import type { ApplicationEffect, ObjectEffect, PipelineEffect, ResourceEffect } from "../../api/devopsTypes";
import { amounts } from "../../lib/effect";
import { Findings } from "../../ui/Findings";
import { Link, Loading, Section } from "../../ui/Page";
import type { Review } from "./PullRequestPage";

const VERBS = { create: "creates", change: "changes", delete: "deletes" } as const;
const COLOURS = { create: "state.ok", change: "state.running", delete: "state.failed" } as const;
const SIGNS = { create: "+", change: "~", delete: "−" } as const;

// What follows from a claim is counted by layer: its kinds are in the list.
const LAYERS: Record<string, string> = { composite: "composite resource", managed: "managed resource", cloud: "cloud resource", secret: "connection secret" };

// What merging does, before it is merged.
export function EffectCard({ review }: { review: Review }) {
  const effect = useQuery({ ...devopsQueries.effect(review.place), retry: false });
  const done = review.request.status === "completed";
  return (
    <Section title={done ? "What merging this did" : "What merging this does"}>
      <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", px: 2, py: 1.5 }}>
        {effect.isPending && <Loading rows={2} />}
        {effect.isError && <Typography color="textSecondary">This cannot be said now: {words(effect.error)}</Typography>}
        {effect.data && effect.data.applications.length + effect.data.pipelines.filter((pipeline) => pipeline.runs).length === 0 && (
          <Typography>
            {effect.data.files} {effect.data.files === 1 ? "file changes" : "files change"}. No Application follows {effect.data.files === 1 ? "it" : "them"}, and no pipeline runs.
          </Typography>
        )}
        {effect.data?.applications.map((application, at) => (
          <Application key={`${application.namespace}/${application.name}`} application={application} isFirst={at === 0} />
        ))}
        {effect.data?.pipelines.map((pipeline, at) => (
          <Pipeline key={pipeline.id} pipeline={pipeline} isFirst={at === 0 && effect.data.applications.length === 0} />
        ))}
        {effect.data?.notes?.map((note) => (
          <Typography key={note} variant="body2" color="textSecondary">
            {note}
          </Typography>
        ))}
      </Box>
    </Section>
  );
}

function Application({ application, isFirst }: { application: ApplicationEffect; isFirst: boolean }) {
  const [open, setOpen] = useState(false);
  const rows: (ObjectEffect | ResourceEffect)[] = application.resources.length > 0 ? [...application.objects.filter((one) => one.action === "change"), ...application.resources] : application.objects;
  const said = amounts(rows.map((row) => ({ action: row.action, kind: "layer" in row ? (LAYERS[row.layer] ?? row.kind) : row.kind })));
  const deletes = rows.some((row) => row.action === "delete");
  return (
    <Box sx={{ py: 1, borderTop: isFirst ? 0 : 1, borderColor: "divider" }}>
      <Typography component="div" sx={{ overflowWrap: "anywhere" }}>
        Application{" "}
        <Link to="/applications/$namespace/$name" params={{ namespace: application.namespace, name: application.name }} sx={{ fontWeight: 600 }}>
          {application.name}
        </Link>{" "}
        {application.automatic ? "syncs by itself" : "waits for somebody to sync it"}: {said === "" ? `${application.files.length} ${application.files.length === 1 ? "file" : "files"}, no object changes` : said}.
      </Typography>
      {deletes && !application.prunes && (
        <Typography variant="body2" color="textSecondary">
          It does not prune by itself: what is deleted here stays in the cluster until it is synced with pruning.
        </Typography>
      )}
      {application.unread > 0 && (
        <Typography variant="body2" color="textSecondary">
          {application.unread} more files were not looked into.
        </Typography>
      )}
      {rows.length > 0 && (
        <Button size="small" onClick={() => setOpen(!open)} aria-expanded={open} sx={{ ml: -0.5 }}>
          {open ? "Hide what" : "Show what"}
        </Button>
      )}
      {open && (
        <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0, mt: 0.5 }}>
          {rows.map((row, at) => (
            <Box component="li" key={at} sx={{ display: "flex", flexWrap: "wrap", columnGap: 1, py: 0.25, overflowWrap: "anywhere" }}>
              <Box component="span" sx={{ color: COLOURS[row.action], minWidth: 76 }}>
                {SIGNS[row.action]} {VERBS[row.action]}
              </Box>
              <span>
                {row.kind} <strong>{"namespace" in row && row.namespace ? `${row.namespace}/${row.name ?? ""}` : row.name}</strong>
              </span>
              <Box component="span" sx={{ color: "text.secondary" }}>
                {"file" in row ? row.file : `${row.layer}${row.summary ? `, ${row.summary}` : ""}`}
              </Box>
            </Box>
          ))}
        </Box>
      )}
      {application.diagnostics.length > 0 && <Findings diagnostics={application.diagnostics} />}
    </Box>
  );
}

function Pipeline({ pipeline, isFirst }: { pipeline: PipelineEffect; isFirst: boolean }) {
  return (
    <Box sx={{ py: 1, borderTop: isFirst ? 0 : 1, borderColor: "divider" }}>
      <Typography>
        Pipeline <strong>{pipeline.name}</strong> {pipeline.runs ? "runs" : "does not run"}: {pipeline.why}.
        {pipeline.runs && pipeline.stages.length > 0 && ` Stages: ${pipeline.stages.join(" → ")}.`}
      </Typography>
      {pipeline.diagnostics.length > 0 && <Findings diagnostics={pipeline.diagnostics} />}
    </Box>
  );
}
