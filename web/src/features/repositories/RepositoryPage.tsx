import { Alert, Autocomplete, Box, Tab, Tabs, TextField } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import { devopsQueries } from "../../api/devopsQueries";
import type { Host, Repository, RepositoryPlace, Version } from "../../api/devopsTypes";
import { cleanPath, formatVersion, parseVersion, shortRef } from "../../lib/gitversion";
import { useKeys } from "../../lib/keys";
import { Empty, Failure, LinkButton, Loading, Page } from "../../ui/Page";
import { Branches } from "./Branches";
import { Clone } from "./Clone";
import { CommitView } from "./CommitView";
import { Editor } from "./Editor";
import { Files } from "./Files";
import { History } from "./History";
import { WithHost } from "./place";

const route = getRouteApi("/repos/$org/$project/$repo");

export function RepositoryPage() {
  const { repo } = route.useParams();
  const { host } = route.useSearch();
  return (
    <WithHost name={host} title={repo}>
      {(known) => <Known host={known} />}
    </WithHost>
  );
}

// What every view of a repository needs to know.
export interface View {
  host: Host;
  place: RepositoryPlace;
  repository: Repository;
  version: Version;
  path: string;
}

function Known({ host }: { host: Host }) {
  const { org, project, repo } = route.useParams();
  const search = route.useSearch();
  const place = useMemo(() => ({ host: host.host, organization: org, project, repository: repo }), [host.host, org, project, repo]);
  const repository = useQuery(devopsQueries.repository(place));
  const crumbs = [{ label: "Repositories", to: "/repos" }];
  const data = repository.data;
  const version = parseVersion(search.version) ?? (data?.defaultBranch ? { type: "branch" as const, name: shortRef(data.defaultBranch) } : undefined);
  return (
    <Page
      title={data?.name ?? repo}
      crumbs={crumbs}
      below={`${org} / ${project}`}
      actions={
        data && (
          <>
            <LinkButton variant="outlined" color="inherit" to="/pullrequests" search={{ q: data.name }}>
              Pull requests
            </LinkButton>
            <Clone url={data.remoteUrl} />
          </>
        )
      }
    >
      {repository.isPending && <Loading rows={8} />}
      {repository.isError && <Failure error={repository.error} retry={() => void repository.refetch()} />}
      {!host.shared && data && (
        <Alert severity="info" variant="outlined" sx={{ mb: 2 }}>
          Read with the integration's token. Changes are made at {host.host}, where you are known: <a href={data.webUrl}>open it there</a>.
        </Alert>
      )}
      {data && !version && (
        <Empty title="Nothing has been pushed yet" action={<Clone url={data.remoteUrl} />}>
          Clone it, commit something, and push: the first branch becomes the default branch.
        </Empty>
      )}
      {data && version && <Views view={{ host, place, repository: data, version, path: cleanPath(search.path) }} />}
    </Page>
  );
}

function Views({ view }: { view: View }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const shown = search.view === "commits" || search.view === "branches" ? search.view : "files";
  const open = (to: string) => void navigate({ search: (old) => ({ host: old.host, version: old.version, ...(to !== "files" && { view: to as "commits" }) }) });
  useKeys([
    { key: "1", what: "Files", run: () => open("files") },
    { key: "2", what: "Commits", run: () => open("commits") },
    { key: "3", what: "Branches", run: () => open("branches") },
    { key: "e", what: "Edit the file", run: view.path === "" || !view.host.shared ? undefined : () => void navigate({ search: (old) => ({ ...old, view: "edit" }) }) },
  ]);
  if (search.view === "edit" || search.view === "new") {
    return <Editor key={`${search.view} ${view.path} ${formatVersion(view.version)}`} view={view} isNew={search.view === "new"} />;
  }
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "end", gap: 2, mb: 2, borderBottom: 1, borderColor: "divider" }}>
        <Tabs value={shown} onChange={(_, to: string) => open(to)} aria-label="Views of the repository" sx={{ flex: "1 1 auto", minHeight: 40 }}>
          <Tab value="files" label="Files" />
          <Tab value="commits" label="Commits" />
          <Tab value="branches" label="Branches" />
        </Tabs>
        {shown !== "branches" && <VersionPicker view={view} />}
      </Box>
      {search.commit ? <CommitView view={view} id={search.commit} /> : shown === "commits" ? <History view={view} /> : shown === "branches" ? <Branches view={view} /> : <Files view={view} />}
    </>
  );
}

function VersionPicker({ view }: { view: View }) {
  const navigate = route.useNavigate();
  const branches = useQuery(devopsQueries.refs(view.place, "heads/"));
  const tags = useQuery(devopsQueries.refs(view.place, "tags/"));
  const options: Version[] = [
    ...(branches.data ?? []).map((ref): Version => ({ type: "branch", name: shortRef(ref.name) })),
    ...(tags.data ?? []).map((ref): Version => ({ type: "tag", name: shortRef(ref.name) })),
  ];
  const known = options.some((option) => formatVersion(option) === formatVersion(view.version));
  return (
    <Autocomplete<Version, false, true>
      size="small"
      disableClearable
      options={known ? options : [view.version, ...options]}
      value={view.version}
      groupBy={(option) => ({ branch: "Branches", tag: "Tags", commit: "Commit" })[option.type]}
      getOptionLabel={(option) => (option.type === "commit" ? option.name.slice(0, 8) : option.name)}
      getOptionKey={formatVersion}
      isOptionEqualToValue={(left, right) => formatVersion(left) === formatVersion(right)}
      onChange={(_, version) => void navigate({ search: (old) => ({ ...old, line: undefined, commit: undefined, version: formatVersion(version) }) })}
      renderInput={(params) => <TextField {...params} label="Version" />}
      sx={{ width: { xs: "100%", sm: 260 }, mb: 1 }}
    />
  );
}
