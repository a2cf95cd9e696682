import { Box, Chip, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from "@mui/material";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { devopsQueries } from "../../api/devopsQueries";
import type { Host, Repository } from "../../api/devopsTypes";
import { shortRef } from "../../lib/gitversion";
import { mono } from "../../theme/theme";
import { CopyButton } from "../../ui/Code";
import { Empty, Failure, Link, Loading, Page, Section } from "../../ui/Page";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";
import { repositoryLink } from "./place";

export function Repositories() {
  const hosts = useQuery(devopsQueries.hosts());
  const [filter, setFilter] = useState("");
  const places = (hosts.data ?? []).flatMap((host) => host.organizations.map((organization) => ({ host, organization })));
  return (
    <Page title="Repositories" below="Files, branches and history on every Git host that is set up.">
      {hosts.isPending && <Loading />}
      {hosts.isError && <Failure error={hosts.error} retry={() => void hosts.refetch()} />}
      {hosts.data && places.length === 0 && (
        <Empty title="No organization is known">Name organizations beside the credentials under integrations.azure in the configuration.</Empty>
      )}
      {places.length > 0 && (
        <TextField label="Filter" value={filter} onChange={(event) => setFilter(event.target.value)} slotProps={{ htmlInput: { "data-filter": true } }} sx={{ maxWidth: 360, mb: 2 }} />
      )}
      {places.map(({ host, organization }) => (
        <Organization
          key={`${host.host}/${organization}`}
          host={host}
          isFirst={hosts.data?.[0] === host}
          organization={organization}
          filter={filter.trim().toLowerCase()}
        />
      ))}
    </Page>
  );
}

function Organization({ host, isFirst, organization, filter }: { host: Host; isFirst: boolean; organization: string; filter: string }) {
  const place = { host: host.host, organization };
  const projects = useQuery(devopsQueries.projects(place));
  const lists = useQueries({ queries: (projects.data ?? []).map((project) => devopsQueries.repositories({ ...place, project: project.name })) });
  const failed = projects.error ?? lists.find((one) => one.isError)?.error;
  const repositories = lists.flatMap((one) => one.data ?? []);
  const shown = repositories.filter((one) => `${one.project.name}/${one.name}`.toLowerCase().includes(filter));
  return (
    <Section
      title={organization}
      actions={
        <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
          {host.host} {!host.shared && <Chip size="small" label="read only" sx={{ ml: 1 }} />}
        </Typography>
      }
    >
      {(projects.isPending || lists.some((one) => one.isPending)) && <Loading rows={3} />}
      {failed && <Failure error={failed} retry={() => void projects.refetch()} />}
      {!failed && !projects.isPending && lists.every((one) => !one.isPending) && repositories.length === 0 && (
        <Empty title="No repositories yet">A template that publishes to {host.host} makes one, or push a new one with git.</Empty>
      )}
      {shown.length > 0 && (
        <TableBox label={`Repositories of ${organization}`}>
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Repository</TableCell>
                <TableCell>Project</TableCell>
                <TableCell>Default branch</TableCell>
                <TableCell>Last commit</TableCell>
                <TableCell>Clone</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {shown.map((repository) => (
                <Row key={repository.id} host={host} isFirst={isFirst} organization={organization} repository={repository} />
              ))}
            </TableBody>
          </Table>
        </TableBox>
      )}
      {repositories.length > 0 && shown.length === 0 && <Empty title={`No repository matches “${filter}”`} />}
    </Section>
  );
}

function Row({ host, isFirst, organization, repository }: { host: Host; isFirst: boolean; organization: string; repository: Repository }) {
  const place = { host: host.host, organization, project: repository.project.name, repository: repository.name };
  const newest = useQuery({ ...devopsQueries.commits(place, { top: 1 }), enabled: repository.defaultBranch !== undefined });
  const commit = newest.data?.[0];
  return (
    <TableRow hover>
      <TableCell>
        <Link {...repositoryLink(place, isFirst)} sx={{ fontWeight: 560 }}>
          {repository.name}
        </Link>
      </TableCell>
      <TableCell>{repository.project.name}</TableCell>
      <TableCell sx={{ fontFamily: mono }}>{repository.defaultBranch ? shortRef(repository.defaultBranch) : "empty"}</TableCell>
      <TableCell>
        {commit ? (
          <>
            <Box component="span" sx={{ mr: 1 }}>
              {commit.comment.split("\n")[0]}
            </Box>
            <Typography component="span" variant="body2" color="textSecondary">
              {commit.author.name}, <When at={commit.author.date} />
            </Typography>
          </>
        ) : (
          "–"
        )}
      </TableCell>
      <TableCell>
        <CopyButton text={repository.remoteUrl} label={`Copy the clone URL of ${repository.name}`} />
      </TableCell>
    </TableRow>
  );
}
