import { Alert, Box, Button, FormControlLabel, Radio, RadioGroup, Tab, Tabs, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { devops, HostError } from "../../api/devops";
import { devopsQueries, gitKey } from "../../api/devopsQueries";
import { queryClient } from "../../api/queries";
import { branchNameTrouble, cleanPath, nameOf, proposedBranch, shortRef } from "../../lib/gitversion";
import { dropDraft, keepDraft, readDraft } from "../../lib/draft";
import { TextDiff } from "../../ui/TextDiff";
import { Failure } from "../../ui/Page";
import { Source } from "../../ui/source/Source";
import { When } from "../../ui/When";
import { commitEdit } from "./commit";
import { type Beginning, beginning } from "./Editor";
import type { View } from "./RepositoryPage";
import { PipelineSource } from "../pipelines/PipelineSource";
import { useIsPipeline, usePipelineCheck } from "../pipelines/usePipelineCheck";
import { Stale } from "./Stale";

const route = getRouteApi("/repos/$org/$project/$repo");

// A path as a person types it, checked as the host will check it.
function pathTrouble(path: string): string | undefined {
  if (path === "" || path.endsWith("/")) {
    return "A file needs a name.";
  }
  return path.split("/").some((part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git") ? "Git does not keep such a path." : undefined;
}

export function EditForm({ view, isNew, begun }: { view: View; isNew: boolean; begun: Beginning }) {
  const navigate = route.useNavigate();
  const branch = view.version.name;
  const of = useMemo(
    () => [view.place.host, view.place.organization, view.place.project ?? "", view.place.repository, branch, isNew ? "new" : "edit", view.path],
    [view.place, view.path, branch, isNew],
  );
  const [kept] = useState(() => readDraft(of));
  const [base, setBase] = useState(begun);
  const [text, setText] = useState(kept?.text ?? begun.text);
  const folder = view.path === "" ? "" : `${view.path}/`;
  const [path, setPath] = useState(kept?.path ?? (isNew ? folder : view.path));
  const clean = cleanPath(path);
  const proposed = isNew ? `Add ${nameOf(clean) || "a file"}` : clean === view.path ? `Edit ${nameOf(view.path)}` : `Move ${view.path} to ${clean}`;
  const [message, setMessage] = useState(kept?.message ?? "");
  const refs = useQuery(devopsQueries.refs(view.place, "heads/"));
  const taken = (refs.data ?? []).map((ref) => shortRef(ref.name));
  const [onto, setOnto] = useState<"same" | "new">("same");
  const [typedBranch, setTypedBranch] = useState<string>();
  const target = onto === "same" ? branch : (typedBranch ?? proposedBranch(clean || "file", taken));
  const [shown, setShown] = useState<"text" | "changes">("text");
  const [isKept, setIsKept] = useState(true);
  const changed = text !== base.text || (!isNew && clean !== view.path) || (isNew && text !== "");
  const committed = useRef(false);
  useEffect(() => {
    if (committed.current) {
      return;
    }
    if (changed) {
      setIsKept(keepDraft(of, { text, path, message, base: base.head, savedAt: new Date().toISOString() }));
    } else {
      dropDraft(of);
    }
  }, [of, text, path, message, base, changed]);
  useEffect(() => {
    // The draft is kept, but leaving by accident is still a nuisance where storage is forbidden.
    const warn = (event: BeforeUnloadEvent) => {
      if (changed && !isKept) {
        event.preventDefault();
      }
    };
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [changed, isKept]);

  const commit = useMutation({
    mutationFn: async (on: Beginning) => {
      const said = message.trim() === "" ? proposed : message.trim();
      const movedFrom = !isNew && clean !== view.path ? view.path : undefined;
      await commitEdit({ place: view.place, from: branch, base: on.head, to: target, path: clean, movedFrom, text, isNew, message: said });
      if (onto === "same") {
        return undefined;
      }
      const [title = proposed, ...rest] = said.split("\n");
      return devops.createPullRequest(view.place, {
        sourceRefName: `refs/heads/${target}`,
        targetRefName: `refs/heads/${branch}`,
        title,
        description: rest.join("\n").trim(),
      });
    },
    onSuccess: (request) => {
      committed.current = true;
      dropDraft(of);
      void queryClient.invalidateQueries({ queryKey: gitKey(view.place) });
      if (request) {
        void navigate({
          to: "/pullrequests/$org/$project/$repo/$id",
          params: { org: view.place.organization, project: view.place.project ?? "", repo: view.place.repository, id: String(request.pullRequestId) },
          search: (old: { host?: string }) => (old.host === undefined ? {} : { host: old.host }),
        });
      } else {
        void navigate({ search: (old) => ({ ...old, view: undefined, path: `/${clean}` }) });
      }
    },
  });
  const newest = useMutation({ mutationFn: () => beginning(view, isNew) });
  const isStale = commit.error instanceof HostError && commit.error.stale;
  const trouble = pathTrouble(clean) ?? (onto === "new" ? branchNameTrouble(target, taken) : undefined);
  const why = !changed ? "Nothing has changed yet." : trouble;
  const leave = () => void navigate({ search: (old) => ({ ...old, view: undefined, path: isNew && view.path === "" ? undefined : `/${view.path}` }) });
  const discard = () => {
    setText(base.text);
    setPath(isNew ? folder : view.path);
    setMessage("");
    dropDraft(of);
  };
  const isPipeline = useIsPipeline(view.place, clean);
  const check = usePipelineCheck(view.place, branch, clean, text, isPipeline);
  const save = () => !why && !commit.isPending && commit.mutate(base);
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "end", gap: 2, mb: 1.5 }}>
        <TextField label="Path" value={path} onChange={(event) => setPath(event.target.value)} error={path !== folder && pathTrouble(clean) !== undefined} autoFocus={isNew} sx={{ flex: "1 1 320px" }} />
        <Typography variant="body2" color="textSecondary" sx={{ py: 1 }}>
          on <strong>{branch}</strong>, from commit {base.head.slice(0, 8)}
        </Typography>
      </Box>
      {kept && (
        <Alert severity="info" variant="outlined" sx={{ mb: 1.5 }} action={changed && <Button size="small" color="inherit" onClick={discard}>Throw the draft away</Button>}>
          Your draft was kept, <When at={kept.savedAt} />.{kept.base !== base.head && " The branch has moved on since; compare under Changes before you commit."}
        </Alert>
      )}
      {!isKept && (
        <Alert severity="warning" variant="outlined" sx={{ mb: 1.5 }}>
          This browser keeps no drafts (storage is full or forbidden). Commit before you leave the page.
        </Alert>
      )}
      <Tabs value={shown} onChange={(_, to: "text" | "changes") => setShown(to)} aria-label="What of the edit is shown" sx={{ mb: 1 }}>
        <Tab value="text" label="Text" />
        <Tab value="changes" label="Changes" />
      </Tabs>
      {shown === "text" && isPipeline ? (
        <PipelineSource text={text} path={clean} label={`Text of ${clean}`} check={check} onChange={setText} onSave={save} />
      ) : shown === "text" ? (
        <Source text={text} path={clean} label={`Text of ${clean || "the new file"}`} onChange={setText} onSave={save} minHeight="320px" />
      ) : (
        <TextDiff before={base.text} after={text} path={clean} />
      )}
      <Box component="section" aria-label="Commit" sx={{ mt: 2, p: 2, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", display: "grid", gap: 1.5 }}>
        <TextField label="Commit message" placeholder={proposed} value={message} onChange={(event) => setMessage(event.target.value)} multiline maxRows={6} slotProps={{ inputLabel: { shrink: true } }} />
        <RadioGroup value={onto} onChange={(event) => setOnto(event.target.value === "new" ? "new" : "same")} aria-label="Where the commit goes">
          <FormControlLabel value="same" control={<Radio size="small" />} label={`Commit to ${branch} directly`} />
          <FormControlLabel value="new" control={<Radio size="small" />} label="Commit to a new branch and open a pull request, so that others look first" />
        </RadioGroup>
        {onto === "new" && (
          <TextField label="New branch" value={target} onChange={(event) => setTypedBranch(event.target.value)} error={branchNameTrouble(target, taken) !== undefined} helperText={branchNameTrouble(target, taken)} sx={{ maxWidth: 420 }} />
        )}
        {isStale && commit.error ? (
          <Stale
            error={commit.error}
            base={base}
            newest={newest}
            path={view.path}
            onRebase={(on) => {
              setBase(on);
              commit.reset();
              newest.reset();
            }}
          />
        ) : (
          commit.isError && <Failure error={commit.error} />
        )}
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
          <Button variant="contained" disabled={why !== undefined} loading={commit.isPending} onClick={() => commit.mutate(base)}>
            {onto === "same" ? `Commit to ${branch}` : "Commit and open pull request"}
          </Button>
          <Button color="inherit" onClick={leave}>
            Leave
          </Button>
          <Typography variant="body2" color="textSecondary" role="status">
            {why ?? (isKept ? "Kept as a draft in this browser. Ctrl S commits." : "")}
          </Typography>
        </Box>
      </Box>
    </>
  );
}
