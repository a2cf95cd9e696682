import { Autocomplete, Box, TextField } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { buildQueries } from "../../api/buildQueries";
import { devopsQueries } from "../../api/devopsQueries";
import { cleanPath, shortRef } from "../../lib/gitversion";
import { Empty, Failure, Loading, Page } from "../../ui/Page";
import type { Somewhere } from "./place";
import { SavePipeline } from "./SavePipeline";

// A pipeline from a file that is there or is written here: project, repository, branch, file; what it becomes; save.
export function NewPipeline({ projects, isPending, failed }: { projects: Somewhere[]; isPending: boolean; failed: unknown }) {
  const [chosen, setChosen] = useState<Somewhere>();
  const project = chosen ?? projects[0];
  return (
    <Page title="New pipeline" crumbs={[{ label: "Pipelines", to: "/pipelines" }]} below="From a file that lies in a repository, or that you write here.">
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
      <Autocomplete
        freeSolo
        autoSelect
        options={files.data ?? []}
        value={path}
        disabled={!known || !files.data}
        onChange={(_, next) => setPath(next === null || cleanPath(next.trim()) === "" ? null : `/${cleanPath(next.trim())}`)}
        renderInput={(params) => <TextField {...params} label="File" required helperText={files.data?.length === 0 ? "There is no YAML file on this branch; name one to write it here." : "One that is there, or the name of one to write here."} />}
        sx={{ maxWidth: 960 }}
      />
      {repositories.isError && <Failure error={repositories.error} />}
      {files.isError && <Failure error={files.error} />}
      {known && path && branch && files.data && (
        <SavePipeline key={`${known.id} ${branch} ${path}`} somewhere={somewhere} repository={{ id: known.id, name: known.name }} branch={branch} path={path} isNew={!files.data.includes(path)} />
      )}
    </>
  );
}
