import { Alert, Box, Button, TextField, Typography } from "@mui/material";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api } from "../../api/client";
import { queries } from "../../api/queries";
import type { State, Task } from "../../api/types";
import { absolute, duration } from "../../lib/time";
import { mono } from "../../theme/theme";
import { Failure, LinkButton, Loading, Page, Section } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";
import { stepsOf, useTaskEvents } from "./events";

const route = getRouteApi("/runs/$taskId");

const STATES: Record<string, State> = {
  open: "pending",
  processing: "running",
  completed: "ok",
  failed: "failed",
  cancelled: "deleted",
  skipped: "deleted",
  waiting: "waiting",
};

export function Run() {
  const { taskId } = route.useParams();
  const task = useQuery(queries.task(taskId));
  const title = task.data?.spec.templateInfo?.entity?.metadata?.title ?? task.data?.spec.templateInfo?.entityRef ?? "Run";
  return (
    <Page
      title={title}
      crumbs={[{ label: "Home", to: "/" }]}
      below={task.data && <>Run {taskId.slice(0, 8)} by {task.data.createdBy ?? task.data.spec.user?.ref ?? "unknown"}, <When at={task.data.createdAt} /></>}
    >
      {task.isPending && <Loading />}
      {task.isError && <Failure error={task.error} retry={() => void task.refetch()} />}
      {task.data && <Content task={task.data} />}
    </Page>
  );
}

function Content({ task }: { task: Task }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const { events, done } = useTaskEvents(task.id);
  useEffect(() => {
    if (done) {
      void client.invalidateQueries({ queryKey: ["task", task.id] });
    }
  }, [done, client, task.id]);
  const cancel = useMutation({ mutationFn: () => api.cancelTask(task.id) });
  const retry = useMutation({
    mutationFn: () => api.retryTask(task.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ["task", task.id] }),
  });
  const completion = events.find((event) => event.type === "completion");
  const error = completion?.body.error;
  const status = completion ? (error ? "failed" : "completed") : done ? task.status : task.status === "open" ? "processing" : task.status;
  const steps = stepsOf(task, events);
  const template = /^template:([^/]+)\/(.+)$/.exec(task.spec.templateInfo?.entityRef ?? "");
  return (
    <>
      <Box sx={{ display: "flex", alignItems: "center", gap: 2, flexWrap: "wrap", mb: 3 }}>
        <StateMark state={STATES[status] ?? "running"} word={status} />
        {task.road && (
          <LinkButton to="/roads/$road" params={{ road: task.road }} variant="contained">
            Follow the road
          </LinkButton>
        )}
        {!done && (
          <Button variant="outlined" color="inherit" loading={cancel.isPending} onClick={() => cancel.mutate()}>
            Cancel run
          </Button>
        )}
        {(status === "failed" || status === "cancelled") && (
          <Button variant="outlined" loading={retry.isPending} onClick={() => retry.mutate()}>
            Retry from here
          </Button>
        )}
        {done && template && (
          <Button
            variant="text"
            onClick={() => {
              const values = encodeURIComponent(JSON.stringify(task.spec.parameters));
              void navigate({ href: `/create/${template[1]}/${template[2]}?formData=${values}` });
            }}
          >
            Start over with the same values
          </Button>
        )}
      </Box>
      {(cancel.error ?? retry.error) && <Failure error={cancel.error ?? retry.error} />}
      {error && (
        <Alert severity="error" variant="outlined" sx={{ mb: 3, overflowWrap: "anywhere" }}>
          {error.message}
        </Alert>
      )}
      <Section title="Steps">
        <Box component="ol" sx={{ listStyle: "none", p: 0, m: 0, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}>
          {steps.map((step, index) => (
            <Box
              component="li"
              key={step.id}
              sx={{ display: "flex", gap: 2, alignItems: "center", px: 2, py: 1, minHeight: 44, borderTop: index === 0 ? 0 : "1px solid var(--mui-palette-divider)" }}
            >
              <StateMark state={STATES[step.status] ?? "pending"} word={step.status} />
              <Typography sx={{ flex: 1 }}>{step.name}</Typography>
              <Typography variant="body2" color="textSecondary" sx={{ fontFamily: mono, display: { xs: "none", sm: "block" } }}>
                {step.action}
              </Typography>
              <Typography variant="body2" color="textSecondary">
                {step.took === null ? "" : duration(step.took)}
              </Typography>
            </Box>
          ))}
        </Box>
      </Section>
      <Section title="Log">
        <Log lines={events.filter((event) => event.type === "log").map((event) => ({ at: event.createdAt, step: event.body.stepId, text: event.body.message ?? "" }))} />
      </Section>
      <Outputs output={completion?.body.output} />
    </>
  );
}

function Log({ lines }: { lines: { at: string; step?: string; text: string }[] }) {
  const [search, setSearch] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const shown = lines.filter((line) => line.text.toLowerCase().includes(search.toLowerCase()));
  const count = shown.length;
  useEffect(() => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [count]);
  const text = lines.map((line) => `${line.at} ${line.text}`).join("\n");
  return (
    <>
      <Box sx={{ display: "flex", gap: 1, mb: 1 }}>
        <TextField label="Find in the log" value={search} onChange={(event) => setSearch(event.target.value)} sx={{ maxWidth: 320 }} />
        <Button component="a" href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`} download="run.log" variant="outlined" color="inherit">
          Download
        </Button>
      </Box>
      <Box
        ref={box}
        role="log"
        aria-live="polite"
        aria-label="Log of the run"
        tabIndex={0}
        sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", p: 1.5, maxHeight: 380, overflow: "auto", fontFamily: mono, fontSize: "0.78rem", lineHeight: 1.65 }}
      >
        {shown.length === 0 && <Typography color="textSecondary">{search ? "No line matches." : "Nothing yet."}</Typography>}
        {shown.map((line, index) => (
          <Box key={index} sx={{ display: "flex", gap: 1.5 }}>
            <Box component="span" title={absolute(line.at)} sx={{ color: "text.secondary", flex: "none" }}>
              {new Date(line.at).toLocaleTimeString("en", { hour12: false })}
            </Box>
            <Box component="span" sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {line.text}
            </Box>
          </Box>
        ))}
      </Box>
    </>
  );
}

function Outputs({ output }: { output: unknown }) {
  const known = (output ?? {}) as { links?: { title?: string; url?: string }[]; text?: { title?: string; content?: string }[] };
  const links = (known.links ?? []).filter((link) => typeof link.url === "string" && /^https?:/.test(link.url));
  const texts = known.text ?? [];
  if (links.length === 0 && texts.length === 0) {
    return null;
  }
  return (
    <Section title="Output">
      <Box sx={{ display: "grid", gap: 1.5 }}>
        {texts.map((text, index) => (
          <Box key={index}>
            <Typography variant="h3">{text.title}</Typography>
            <Typography sx={{ whiteSpace: "pre-wrap" }}>{(text.content ?? "").replace(/\*\*(.+?)\*\*/g, "$1")}</Typography>
          </Box>
        ))}
        {links.map((link, index) => (
          <Box key={index} component="a" href={link.url} rel="noreferrer" sx={{ color: "primary.main", overflowWrap: "anywhere" }}>
            {link.title ?? link.url}
          </Box>
        ))}
      </Box>
    </Section>
  );
}
