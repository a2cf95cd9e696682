import { Box, Button, Chip, Dialog, DialogActions, DialogContent, DialogTitle, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { ABSENT, devops } from "../../api/devops";
import { devopsQueries, gitKey } from "../../api/devopsQueries";
import type { Ref } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import { branchNameTrouble, shortRef } from "../../lib/gitversion";
import { Empty, Failure, Link, Loading } from "../../ui/Page";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";
import { NewPullRequest } from "../pullrequests/NewPullRequest";
import type { View } from "./RepositoryPage";

const route = getRouteApi("/repos/$org/$project/$repo");

export function Branches({ view }: { view: View }) {
  const refs = useQuery(devopsQueries.refs(view.place, "heads/"));
  const [filter, setFilter] = useState("");
  const all = refs.data ?? [];
  const base = all.find((ref) => ref.name === view.repository.defaultBranch);
  const shown = all.filter((ref) => shortRef(ref.name).toLowerCase().includes(filter.trim().toLowerCase()));
  shown.sort((left, right) => Number(right === base) - Number(left === base) || left.name.localeCompare(right.name));
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, mb: 2 }}>
        <TextField label="Filter" value={filter} onChange={(event) => setFilter(event.target.value)} slotProps={{ htmlInput: { "data-filter": true } }} sx={{ flex: "1 1 200px", maxWidth: 360 }} />
        {view.host.shared && <NewBranch view={view} refs={all} />}
      </Box>
      {refs.isPending && <Loading />}
      {refs.isError && <Failure error={refs.error} retry={() => void refs.refetch()} />}
      {shown.length > 0 && (
        <TableBox label="Branches">
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Branch</TableCell>
                <TableCell>Last commit</TableCell>
                <TableCell>Compared with {shortRef(base?.name)}</TableCell>
                <TableCell>Actions</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {shown.map((ref) => (
                <Row key={ref.name} view={view} branch={ref} base={base} branches={all} />
              ))}
            </TableBody>
          </Table>
        </TableBox>
      )}
      {refs.data && shown.length === 0 && <Empty title={filter === "" ? "No branches" : `No branch matches “${filter}”`} />}
    </>
  );
}

function Row({ view, branch, base, branches }: { view: View; branch: Ref; base: Ref | undefined; branches: Ref[] }) {
  const search = route.useSearch();
  const name = shortRef(branch.name);
  const commit = useQuery(devopsQueries.commit(view.place, branch.objectId));
  const isBase = branch === base;
  const compared = useQuery({
    ...devopsQueries.compare(view.place, { type: "commit", name: base?.objectId ?? "" }, { type: "commit", name: branch.objectId }),
    enabled: base !== undefined && !isBase,
    retry: false,
  });
  const [asking, setAsking] = useState<"delete" | "request">();
  const ahead = compared.data?.aheadCount;
  return (
    <TableRow hover>
      <TableCell>
        <Link to="." search={{ host: search.host, version: `GB${name}` }} sx={{ fontWeight: 560, overflowWrap: "anywhere" }}>
          {name}
        </Link>
        {isBase && <Chip size="small" label="default" sx={{ ml: 1 }} />}
      </TableCell>
      <TableCell>
        {commit.data && (
          <>
            <span>{commit.data.comment.split("\n")[0]}</span>{" "}
            <Typography component="span" variant="body2" color="textSecondary">
              {commit.data.author.name}, <When at={commit.data.author.date} />
            </Typography>
          </>
        )}
      </TableCell>
      <TableCell className="figures">{isBase ? "–" : compared.data ? `${ahead} ahead, ${compared.data.behindCount} behind` : compared.isError ? "not told" : "…"}</TableCell>
      <TableCell>
        {!isBase && view.host.shared && (
          <Box sx={{ display: "flex", gap: 0.5 }}>
            <Button size="small" disabled={ahead === 0} onClick={() => setAsking("request")} aria-label={`Open pull request from ${name}`}>
              Open pull request
            </Button>
            <Button size="small" color="inherit" onClick={() => setAsking("delete")} aria-label={`Delete ${name}`}>
              Delete
            </Button>
          </Box>
        )}
        {asking === "delete" && <DeleteBranch view={view} branch={branch} ahead={ahead} onClose={() => setAsking(undefined)} />}
        {asking === "request" && (
          <NewPullRequest place={view.place} source={name} target={shortRef(base?.name)} title={commit.data?.comment.split("\n")[0] ?? name} branches={branches.map((ref) => shortRef(ref.name))} onClose={() => setAsking(undefined)} />
        )}
      </TableCell>
    </TableRow>
  );
}

function DeleteBranch({ view, branch, ahead, onClose }: { view: View; branch: Ref; ahead: number | undefined; onClose: () => void }) {
  const name = shortRef(branch.name);
  const remove = useMutation({
    mutationFn: () => devops.updateRefs(view.place, [{ name: branch.name, oldObjectId: branch.objectId, newObjectId: ABSENT }]),
    onSuccess: () => {
      onClose();
      void queryClient.invalidateQueries({ queryKey: gitKey(view.place) });
    },
  });
  return (
    <Dialog open onClose={onClose} aria-labelledby="delete-branch">
      <DialogTitle id="delete-branch">Delete branch {name}</DialogTitle>
      <DialogContent>
        <Typography>
          {ahead === undefined ? "Commits that are only on this branch can then be reached by their id alone." : ahead === 0 ? `All its commits are on ${shortRef(view.repository.defaultBranch)} too: nothing is lost.` : `${ahead} ${ahead === 1 ? "commit is" : "commits are"} not on ${shortRef(view.repository.defaultBranch)}.`}{" "}
          To bring it back, make a branch from <code>{branch.objectId.slice(0, 12)}</code>.
        </Typography>
        {remove.isError && (
          <Box sx={{ mt: 2 }}>
            <Failure error={remove.error} />
          </Box>
        )}
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Keep it
        </Button>
        <Button variant="contained" color="error" loading={remove.isPending} onClick={() => remove.mutate()}>
          Delete {name}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function NewBranch({ view, refs }: { view: View; refs: Ref[] }) {
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [from, setFrom] = useState(view.version.type === "commit" ? view.version.name : shortRef(view.repository.defaultBranch));
  const taken = refs.map((ref) => shortRef(ref.name));
  const start = refs.find((ref) => shortRef(ref.name) === from)?.objectId ?? (/^[0-9a-f]{40}$/.test(from) ? from : undefined);
  const trouble = branchNameTrouble(name, taken);
  const make = useMutation({
    mutationFn: () => devops.updateRefs(view.place, [{ name: `refs/heads/${name}`, oldObjectId: ABSENT, newObjectId: start ?? "" }]),
    onSuccess: () => {
      setOpen(false);
      setName("");
      void queryClient.invalidateQueries({ queryKey: gitKey(view.place) });
    },
  });
  return (
    <>
      <Button variant="outlined" onClick={() => setOpen(true)}>
        New branch
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} fullWidth maxWidth="xs" aria-labelledby="new-branch">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!trouble && start) {
              make.mutate();
            }
          }}
        >
          <DialogTitle id="new-branch">New branch</DialogTitle>
          <DialogContent sx={{ display: "grid", gap: 2 }}>
            <TextField label="Name" value={name} autoFocus onChange={(event) => setName(event.target.value)} error={name !== "" && trouble !== undefined} helperText={name === "" ? undefined : trouble} sx={{ mt: 1 }} />
            <TextField label="From branch or commit" value={from} onChange={(event) => setFrom(event.target.value.trim())} error={!start} helperText={start ? `stands at ${start.slice(0, 12)}` : "no branch of this name, and not the whole id of a commit"} />
            {make.isError && <Failure error={make.error} />}
          </DialogContent>
          <DialogActions>
            <Button color="inherit" onClick={() => setOpen(false)}>
              Leave
            </Button>
            <Button type="submit" variant="contained" disabled={trouble !== undefined || !start} loading={make.isPending}>
              Create branch
            </Button>
          </DialogActions>
        </form>
      </Dialog>
    </>
  );
}
