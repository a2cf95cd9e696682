import { Box, Table, TableBody, TableCell, TableHead, TableRow, TextField, ToggleButton, ToggleButtonGroup, Typography } from "@mui/material";
import { useQueries, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { devopsQueries } from "../../api/devopsQueries";
import type { Host, Place, PullRequest } from "../../api/devopsTypes";
import { shortRef } from "../../lib/gitversion";
import { nameOfPerson, standing } from "../../lib/pullrequest";
import { Empty, Failure, Link, Loading, Page } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";

const route = getRouteApi("/pullrequests");

interface Found {
  request: PullRequest;
  host: Host;
  place: Place;
  // The person's own id at that host.
  me: string | undefined;
}

const isMine = ({ request, me }: Found) => request.createdBy.id === me;
// Somebody else's, ready, and this person has not said anything yet.
const isToReview = (found: Found) =>
  !isMine(found) && found.request.isDraft !== true && !(found.request.reviewers ?? []).some((reviewer) => reviewer.id === found.me && reviewer.vote !== 0);

// Pull requests of one state from all hosts, organizations and projects.
function useFound(status: string) {
  const hosts = useQuery(devopsQueries.hosts());
  const places = (hosts.data ?? []).flatMap((host) => host.organizations.map((organization) => ({ host, place: { host: host.host, organization } })));
  const people = useQueries({ queries: places.map(({ place }) => ({ ...devopsQueries.me(place), retry: false })) });
  const projects = useQueries({ queries: places.map(({ place }) => devopsQueries.projects(place)) });
  const each = places.flatMap(({ host, place }, at) =>
    (projects[at]?.data ?? []).map((project) => ({ host, me: host.shared ? people[at]?.data?.authenticatedUser.id : undefined, place: { ...place, project: project.name } })),
  );
  const lists = useQueries({ queries: each.map(({ place }) => devopsQueries.pullRequests(place, status)) });
  const found = lists.flatMap((list, at) => {
    const origin = each[at];
    return origin ? (list.data ?? []).map((request): Found => ({ request, ...origin })) : [];
  });
  found.sort((left, right) => right.request.creationDate.localeCompare(left.request.creationDate));
  const asked = [hosts, ...projects, ...lists];
  return { found, isPending: asked.some((one) => one.isPending), failed: asked.find((one) => one.isError), first: hosts.data?.[0]?.host };
}

export function PullRequests() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const status = search.status ?? "active";
  const { found, isPending, failed, first } = useFound(status);
  const filter = (search.q ?? "").trim().toLowerCase();
  const matching = found.filter(({ request }) => `${request.title} ${request.repository.name} ${request.pullRequestId} ${nameOfPerson(request.createdBy)} ${request.sourceRefName}`.toLowerCase().includes(filter));
  const sets = { all: matching, mine: matching.filter(isMine), review: matching.filter(isToReview) };
  const of = search.of ?? "all";
  const shown = sets[of];
  return (
    <Page title="Pull requests" below="What waits to be looked at and merged, on every Git host that is set up.">
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, mb: 2, alignItems: "center" }}>
        <TextField
          label="Filter"
          value={search.q ?? ""}
          onChange={(event) => void navigate({ search: (old) => ({ ...old, q: event.target.value || undefined }), replace: true })}
          slotProps={{ htmlInput: { "data-filter": true } }}
          sx={{ flex: "1 1 220px", maxWidth: 360 }}
        />
        <Choice
          label="State"
          value={status}
          options={[
            ["active", "Active"],
            ["completed", "Completed"],
            ["abandoned", "Abandoned"],
          ]}
          onChange={(value) => void navigate({ search: (old) => ({ ...old, status: value === "active" ? undefined : (value as "completed") }) })}
        />
        <Choice
          label="Whose"
          value={of}
          options={[
            ["all", `All ${sets.all.length}`],
            ["mine", `Mine ${sets.mine.length}`],
            ["review", `To review ${sets.review.length}`],
          ]}
          onChange={(value) => void navigate({ search: (old) => ({ ...old, of: value === "all" ? undefined : (value as "mine") }) })}
        />
      </Box>
      {failed && (
        <Box sx={{ mb: 2 }}>
          <Failure error={failed.error} retry={() => void failed.refetch()} />
        </Box>
      )}
      {isPending && <Loading />}
      {!isPending && !failed && shown.length === 0 && <Nothing filter={filter} status={status} of={of} />}
      {shown.length > 0 && (
        <TableBox label="Pull requests">
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Title</TableCell>
                <TableCell>State</TableCell>
                <TableCell>Repository</TableCell>
                <TableCell>Branches</TableCell>
                <TableCell>Votes</TableCell>
                <TableCell>{status === "active" ? "Opened" : "Closed"}</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {shown.map((one) => (
                <Row key={`${one.place.host} ${one.place.organization} ${one.request.pullRequestId}`} one={one} isFirst={one.host.host === first} />
              ))}
            </TableBody>
          </Table>
        </TableBox>
      )}
    </Page>
  );
}

function Choice({ label, value, options, onChange }: { label: string; value: string; options: [string, string][]; onChange: (value: string) => void }) {
  return (
    <ToggleButtonGroup exclusive size="small" value={value} aria-label={label} onChange={(_, next: string | null) => next !== null && onChange(next)} sx={{ "& .MuiToggleButton-root": { textTransform: "none", px: 1.5, minHeight: 36, color: "text.secondary" } }}>
      {options.map(([name, words]) => (
        <ToggleButton key={name} value={name} className="figures">
          {words}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

function Nothing({ filter, status, of }: { filter: string; status: string; of: string }) {
  if (filter !== "") {
    return <Empty title={`No pull request matches “${filter}”`} />;
  }
  if (of === "review") {
    return <Empty title="Nothing waits for you" />;
  }
  return (
    <Empty title={`No ${status} pull requests${of === "mine" ? " of yours" : ""}`}>
      {status === "active" && "Templates open them; so does the editor of a repository, and every branch under Repositories."}
    </Empty>
  );
}

function Row({ one, isFirst }: { one: Found; isFirst: boolean }) {
  const { request, place } = one;
  const { state, word } = standing(request);
  const votes = (request.reviewers ?? []).filter((reviewer) => reviewer.vote !== 0);
  const approved = votes.filter((reviewer) => reviewer.vote > 0).length;
  const against = votes.length - approved;
  return (
    <TableRow hover>
      <TableCell>
        <Link
          to="/pullrequests/$org/$project/$repo/$id"
          params={{ org: place.organization, project: place.project ?? request.repository.project.name, repo: request.repository.name, id: String(request.pullRequestId) }}
          search={isFirst ? {} : { host: place.host }}
          sx={{ fontWeight: 560, overflowWrap: "anywhere" }}
        >
          {request.title}
        </Link>
        <Typography variant="body2" color="textSecondary">
          !{request.pullRequestId} by {nameOfPerson(request.createdBy)}
        </Typography>
      </TableCell>
      <TableCell>
        <StateMark state={state} word={request.autoCompleteSetBy && request.status === "active" ? `${word}, completes itself` : word} />
      </TableCell>
      <TableCell>{request.repository.name}</TableCell>
      <TableCell sx={{ overflowWrap: "anywhere" }}>
        <code>{shortRef(request.sourceRefName)}</code> → <code>{shortRef(request.targetRefName)}</code>
      </TableCell>
      <TableCell>{votes.length === 0 ? "none yet" : [approved > 0 && `${approved} for`, against > 0 && `${against} against`].filter(Boolean).join(", ")}</TableCell>
      <TableCell>
        <When at={request.status === "active" ? request.creationDate : (request.closedDate ?? request.creationDate)} />
      </TableCell>
    </TableRow>
  );
}
