import { Box, Button, Tab, Tabs, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildKey, buildQueries } from "../../api/buildQueries";
import { HostError } from "../../api/devops";
import { devopsQueries, gitKey } from "../../api/devopsQueries";
import type { RepositoryPlace } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import { keepDraft } from "../../lib/draft";
import { cleanPath } from "../../lib/gitversion";
import { useKept } from "../../lib/kept";
import { STARTER } from "../../lib/pipelineFile";
import { Failure, LinkButton, Loading } from "../../ui/Page";
import { Source } from "../../ui/source/Source";
import { commitEdit, headOf } from "../repositories/commit";
import { repositoryLink } from "../repositories/place";
import { PipelineSource } from "./PipelineSource";
import { pipelineLink, runLink, type Somewhere } from "./place";
import { usePipelineCheck } from "./usePipelineCheck";

interface SaveProps {
  somewhere: Somewhere;
  repository: { id: string; name: string };
  branch: string;
  path: string;
  isNew: boolean;
}

// The file of a new pipeline, what is wrong with it, what it becomes; then its name and an end to it.
export function SavePipeline(props: SaveProps) {
  const { somewhere, repository, branch, path, isNew } = props;
  const place = { ...somewhere.place, repository: repository.name };
  const text = useQuery({ ...devopsQueries.text(place, path, { type: "branch", name: branch }), enabled: !isNew });
  const definitions = useQuery(buildQueries.definitions(somewhere.place));
  if (text.isError) {
    return <Failure error={text.error} retry={() => void text.refetch()} />;
  }
  if (definitions.isPending || (!isNew && text.isPending)) {
    return <Loading rows={6} />;
  }
  if (!isNew && text.data?.text === undefined) {
    return <Failure error={new Error(`${path} is not a text.`)} />;
  }
  return <Form {...props} place={place} begun={isNew ? STARTER : (text.data?.text ?? "")} taken={(definitions.data ?? []).map((one) => one.name.toLowerCase())} />;
}

function Form({ somewhere, repository, branch, path, isNew, place, begun, taken }: SaveProps & { place: RepositoryPlace; begun: string; taken: string[] }) {
  const { isFirst } = somewhere;
  const navigate = useNavigate();
  const file = cleanPath(path);
  const [kept, setKept] = useKept<string>(["new-pipeline", place.host, repository.id, branch, file]);
  const text = kept ?? begun;
  const isChanged = isNew || text !== begun;
  const check = usePipelineCheck(place, branch, file, text);
  const [shown, setShown] = useState<"file" | "final">("file");
  const free = (wanted: string) => [wanted, ...Array.from({ length: 99 }, (_, at) => `${wanted} ${at + 2}`)].find((one) => !taken.includes(one.toLowerCase())) ?? wanted;
  const proposed = free(/^azure-pipelines\.ya?ml$/i.test(file) ? repository.name : `${repository.name} ${file.replace(/\.ya?ml$/i, "").split("/").at(-1)}`);
  const [typed, setTyped] = useState<string>();
  const name = typed ?? proposed;
  const isTaken = taken.includes(name.trim().toLowerCase());
  const create = useMutation({
    mutationFn: async (andRun: boolean) => {
      if (isChanged) {
        const base = await headOf(place, branch);
        await commitEdit({ place, from: branch, base, to: branch, path: file, text, isNew, message: `${isNew ? "Add" : "Edit"} ${file}` });
        setKept(undefined);
      }
      const made = await builds.createDefinition(somewhere.place, { name: name.trim(), repository: repository.id, path });
      // A file that cannot be run is saved all the same; its page says why.
      const run = andRun ? await builds.run(somewhere.place, made.id, { resources: { repositories: { self: { refName: `refs/heads/${branch}` } } } }).catch(() => undefined) : undefined;
      return { made, run, refused: andRun && run === undefined };
    },
    onSuccess: ({ made, run, refused }) => {
      void queryClient.invalidateQueries({ queryKey: buildKey(somewhere.place) });
      const pipeline = pipelineLink(somewhere.place, made.id, isFirst);
      void (run ? navigate(runLink(somewhere.place, run.id, isFirst)) : navigate({ ...pipeline, search: { ...pipeline.search, ...(refused && { tab: "yaml" as const }) } }));
    },
    onSettled: () => void queryClient.invalidateQueries({ queryKey: gitKey(place) }),
  });
  const verb = isChanged ? `Commit to ${branch}, save` : "Save";
  const isOff = isTaken || name.trim() === "" || text.trim() === "";
  return (
    <>
      <Box component="form" onSubmit={(event: React.FormEvent) => (event.preventDefault(), create.mutate(true))} sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "flex-start" }}>
        <TextField label="Name" required value={name} error={isTaken} helperText={isTaken ? "There is a pipeline of this name already." : undefined} onChange={(event) => setTyped(event.target.value)} sx={{ flex: "1 1 240px", maxWidth: 460 }} />
        <Button type="submit" variant="contained" loading={create.isPending} disabled={isOff}>
          {verb} and run
        </Button>
        <Button variant="outlined" color="inherit" loading={create.isPending} disabled={isOff} onClick={() => create.mutate(false)}>
          {verb}
        </Button>
      </Box>
      {create.isError && <Refusal error={create.error} place={place} isFirst={isFirst} branch={branch} file={file} text={text} isNew={isNew} />}
      <Box sx={{ minWidth: 0 }}>
        <Tabs value={shown} onChange={(_, to: "file" | "final") => setShown(to)} variant="scrollable" aria-label="What of the pipeline is shown" sx={{ mb: 1 }}>
          <Tab value="file" label={isNew ? `${file} (new)` : isChanged ? `${file} (changed)` : file} />
          <Tab value="final" label="What it becomes" />
        </Tabs>
        {shown === "file" && <PipelineSource text={text} path={file} label={`Text of ${file}`} check={check} onChange={(next) => setKept(next === begun ? undefined : next)} />}
        {shown === "final" &&
          (check.compiled?.finalYaml ? (
            <Source text={check.compiled.finalYaml} path={path} label="The expanded file" />
          ) : (
            <Typography color="textSecondary">{check.isChecking ? "Expanding…" : "Nothing yet: mend what is wrong with the file first."}</Typography>
          ))}
        {kept !== undefined && (
          <Button size="small" color="inherit" onClick={() => setKept(undefined)} sx={{ mt: 1 }}>
            Throw my changes away
          </Button>
        )}
      </Box>
    </>
  );
}

// Where a branch takes no direct push, the repository's editor makes a pull request of the text.
function Refusal({ error, place, isFirst, branch, file, text, isNew }: { error: Error; place: RepositoryPlace; isFirst: boolean; branch: string; file: string; text: string; isNew: boolean }) {
  const isPush = error instanceof HostError && /TF402455|\/forge\//.test(error.message);
  const link = repositoryLink(place, isFirst);
  const carry = () =>
    keepDraft([place.host, place.organization, place.project ?? "", place.repository, branch, isNew ? "new" : "edit", isNew ? "" : file], { text, path: file, message: "", base: "", savedAt: new Date().toISOString() });
  return (
    <Box sx={{ display: "grid", gap: 1, justifyItems: "start" }}>
      <Failure error={error} />
      {isPush && (
        <LinkButton {...link} search={{ ...link.search, version: `GB${branch}`, view: isNew ? ("new" as const) : ("edit" as const), path: isNew ? undefined : `/${file}` }} variant="outlined" onClick={carry}>
          Propose the file by pull request first
        </LinkButton>
      )}
    </Box>
  );
}
