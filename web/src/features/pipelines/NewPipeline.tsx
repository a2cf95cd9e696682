import { Autocomplete, Box, Button, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildKey, buildQueries } from "../../api/buildQueries";
import { devopsQueries } from "../../api/devopsQueries";
import { queryClient } from "../../api/queries";
import { cleanPath, shortRef } from "../../lib/gitversion";
import { Empty, Failure, Loading, Page } from "../../ui/Page";
import { Source } from "../../ui/source/Source";
import { pipelineLink, runLink, type Somewhere } from "./place";
import { ExpandedYaml } from "./Preview";

// A pipeline from a file that is there: project, repository, branch, file; what it becomes; save.
export function NewPipeline({ projects, isPending, failed }: { projects: Somewhere[]; isPending: boolean; failed: unknown }) {
  const [chosen, setChosen] = useState<Somewhere>();
  const project = chosen ?? projects[0];
  return (
    <Page title="New pipeline" crumbs={[{ label: "Pipelines", to: "/pipelines" }]} below="From a file that lies in a repository already.">
      {isPending && <Loading />}
      {failed !== undefined && failed !== null && <Failure error={failed} />}
      {!isPending && !project && !failed && <Empty title="No host here takes new pipelines">Hosts that know other people are only read here.</Empty>}
      {project && (
        <Box sx={{ display: "grid", gap: 2, maxWidth: 960 }}>
          <Autocomplete
            options={projects}
            value={project}
            disableClearable
            getOptionLabel={(one) => `${one.place.organization}/${one.place.project}`}
            isOptionEqualToValue={(left, right) => left.projectId === right.projectId}
            onChange={(_, next) => setChosen(next)}
            renderInput={(params) => <TextField {...params} label="Project" />}
            sx={{ maxWidth: 460 }}
          />
          <Choose key={project.projectId} somewhere={project} />
        </Box>
      )}
    </Page>
  );
}

function Choose({ somewhere }: { somewhere: Somewhere }) {
  const { place } = somewhere;
  const repositories = useQuery(devopsQueries.repositories(place));
  const [repository, setRepository] = useState<string | null>(null);
  const [wantedBranch, setBranch] = useState<string | null>(null);
  const [wantedPath, setPath] = useState<string | null>(null);
  const known = repositories.data?.find((one) => one.name === repository);
  const branch = wantedBranch ?? shortRef(known?.defaultBranch);
  const at = { ...place, repository: known?.name ?? "" };
  const refs = useQuery({ ...devopsQueries.refs(at, "heads/"), enabled: known !== undefined });
  const files = useQuery({ ...buildQueries.yamlFiles(place, known?.name ?? "", branch), enabled: known !== undefined && branch !== "" });
  const likely = files.data?.find((path) => /azure-pipelines\.ya?ml$/i.test(path));
  const path = wantedPath ?? likely ?? null;
  return (
    <>
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" }, maxWidth: 960 }}>
        <Autocomplete options={(repositories.data ?? []).map((one) => one.name)} value={repository} onChange={(_, next) => (setRepository(next), setBranch(null), setPath(null))} renderInput={(params) => <TextField {...params} label="Repository" required />} />
        <Autocomplete options={(refs.data ?? []).map((ref) => shortRef(ref.name))} value={branch || null} disabled={!known} onChange={(_, next) => (setBranch(next), setPath(null))} renderInput={(params) => <TextField {...params} label="Branch" required />} />
      </Box>
      <Autocomplete options={files.data ?? []} value={path} disabled={!known || !files.data} noOptionsText="There is no YAML file on this branch" onChange={(_, next) => setPath(next)} renderInput={(params) => <TextField {...params} label="File" required />} sx={{ maxWidth: 960 }} />
      {repositories.isError && <Failure error={repositories.error} />}
      {files.isError && <Failure error={files.error} />}
      {known && path && branch && <Save key={`${known.id} ${path}`} somewhere={somewhere} repository={{ id: known.id, name: known.name }} branch={branch} path={path} />}
    </>
  );
}

function Save({ somewhere, repository, branch, path }: { somewhere: Somewhere; repository: { id: string; name: string }; branch: string; path: string }) {
  const { place, isFirst } = somewhere;
  const navigate = useNavigate();
  const definitions = useQuery(buildQueries.definitions(place));
  const text = useQuery(devopsQueries.text({ ...place, repository: repository.name }, path, { type: "branch", name: branch }));
  const file = cleanPath(path);
  const taken = (definitions.data ?? []).map((one) => one.name.toLowerCase());
  const proposed = /^azure-pipelines\.ya?ml$/i.test(file) ? repository.name : `${repository.name} ${file.replace(/\.ya?ml$/i, "").split("/").at(-1)}`;
  const [typed, setTyped] = useState<string>();
  const name = typed ?? proposed;
  const isTaken = taken.includes(name.trim().toLowerCase());
  // The host previews a file only for a pipeline that it knows: one of the same repository lends itself.
  const lender = definitions.data?.find((one) => one.repository?.id === repository.id);
  const create = useMutation({
    mutationFn: async (andRun: boolean) => {
      const made = await builds.createDefinition(place, { name: name.trim(), repository: repository.id, path });
      // A file that cannot be run is saved all the same; its page says why.
      const run = andRun ? await builds.run(place, made.id, { resources: { repositories: { self: { refName: `refs/heads/${branch}` } } } }).catch(() => undefined) : undefined;
      return { made, run, refused: andRun && run === undefined };
    },
    onSuccess: ({ made, run, refused }) => {
      void queryClient.invalidateQueries({ queryKey: buildKey(place) });
      const pipeline = pipelineLink(place, made.id, isFirst);
      void (run ? navigate(runLink(place, run.id, isFirst)) : navigate({ ...pipeline, search: { ...pipeline.search, ...(refused && { tab: "yaml" as const }) } }));
    },
  });
  return (
    <>
      <Box component="form" onSubmit={(event) => (event.preventDefault(), create.mutate(true))} sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "flex-start" }}>
        <TextField label="Name" required value={name} error={isTaken} helperText={isTaken ? "There is a pipeline of this name already." : undefined} onChange={(event) => setTyped(event.target.value)} sx={{ flex: "1 1 240px", maxWidth: 460 }} />
        <Button type="submit" variant="contained" loading={create.isPending} disabled={isTaken || name.trim() === ""}>
          Save and run
        </Button>
        <Button variant="outlined" color="inherit" loading={create.isPending} disabled={isTaken || name.trim() === ""} onClick={() => create.mutate(false)}>
          Save
        </Button>
      </Box>
      {create.isError && <Failure error={create.error} />}
      {(text.isPending || definitions.isPending) && <Loading rows={6} />}
      {text.isError && <Failure error={text.error} retry={() => void text.refetch()} />}
      {text.data?.text !== undefined && definitions.data && (
        <Box component="section" aria-label="What it becomes">
          <Typography variant="h2" sx={{ mb: 1 }}>
            {lender ? "What it becomes" : file}
          </Typography>
          {lender ? (
            <ExpandedYaml place={place} id={lender.id} request={{ resources: { repositories: { self: { refName: `refs/heads/${branch}` } } }, yamlOverride: text.data.text }} path={file} lentBy={cleanPath(lender.process?.yamlFilename)} />
          ) : (
            <>
              <Typography color="textSecondary" sx={{ mb: 1 }}>
                It is checked and expanded once it is saved.
              </Typography>
              <Source text={text.data.text} path={file} label={file} />
            </>
          )}
        </Box>
      )}
    </>
  );
}
