import { Alert, Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Fragment, useState } from "react";
import { devops } from "../../api/devops";
import { devopsQueries } from "../../api/devopsQueries";
import type { Item } from "../../api/devopsTypes";
import { cleanPath, nameOf, parentOf } from "../../lib/gitversion";
import { bytes } from "../../lib/size";
import { Empty, Failure, Link, LinkButton, Loading, Section } from "../../ui/Page";
import { Markdown } from "../../ui/Markdown";
import { Source } from "../../ui/source/Source";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";
import { headOf } from "./commit";
import type { View } from "./RepositoryPage";

const route = getRouteApi("/repos/$org/$project/$repo");

export function Files({ view }: { view: View }) {
  const items = useQuery(devopsQueries.items(view.place, `/${view.path}`, view.version));
  const self = items.data?.find((item) => cleanPath(item.path) === view.path);
  const isFolder = view.path === "" || self?.isFolder === true || self?.gitObjectType === "tree";
  return (
    <>
      <Trail view={view} isFolder={isFolder} isKnown={items.isSuccess} />
      {items.isPending && <Loading rows={6} />}
      {items.isError && <Failure error={items.error} retry={() => void items.refetch()} />}
      {items.data && (isFolder ? <Folder view={view} items={items.data.filter((item) => item !== self)} /> : <File view={view} />)}
    </>
  );
}

function Trail({ view, isFolder, isKnown }: { view: View; isFolder: boolean; isKnown: boolean }) {
  const search = route.useSearch();
  const parts = view.path === "" ? [] : view.path.split("/");
  const canEdit = view.host.shared && view.version.type === "branch";
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, mb: 1.5, minHeight: 36 }}>
      <Box component="nav" aria-label="Path" sx={{ flex: "1 1 200px", minWidth: 0, overflowWrap: "anywhere", lineHeight: "26px", "& a": { display: "inline-block" } }}>
        <Link to="." search={{ ...search, path: undefined, line: undefined }} sx={{ fontWeight: 560 }}>
          {view.repository.name}
        </Link>
        {parts.map((part, at) => (
          <Fragment key={at}>
            <Box component="span" aria-hidden sx={{ mx: 0.75, color: "text.secondary" }}>
              /
            </Box>
            {at === parts.length - 1 ? (
              <Box component="span" aria-current="page" sx={{ fontWeight: 620 }}>
                {part}
              </Box>
            ) : (
              <Link to="." search={{ ...search, path: `/${parts.slice(0, at + 1).join("/")}`, line: undefined }}>
                {part}
              </Link>
            )}
          </Fragment>
        ))}
      </Box>
      {view.path !== "" && (
        <LinkButton size="small" color="inherit" to="." search={{ ...search, view: "commits", line: undefined }}>
          History
        </LinkButton>
      )}
      {canEdit && isFolder && isKnown && (
        <LinkButton size="small" variant="outlined" to="." search={{ ...search, view: "new", line: undefined }}>
          New file
        </LinkButton>
      )}
      {canEdit && !isFolder && isKnown && <DeleteFile view={view} />}
      {canEdit && !isFolder && isKnown && (
        <LinkButton size="small" variant="outlined" to="." search={{ ...search, view: "edit", line: undefined }}>
          Edit
        </LinkButton>
      )}
    </Box>
  );
}

const ICONS = {
  folder: "M3.5 6.5a1 1 0 0 1 1-1h4l2 2h8a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-14a1 1 0 0 1-1-1z",
  file: "M6.5 4h7l4 4v12h-11zM13.5 4v4h4",
};

export function ItemIcon({ folder }: { folder: boolean }) {
  return (
    <Box component="svg" viewBox="0 0 24 24" aria-hidden sx={{ width: 18, height: 18, flex: "none", color: folder ? "primary.main" : "text.secondary" }}>
      <path d={folder ? ICONS.folder : ICONS.file} fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" />
    </Box>
  );
}

const isFolderItem = (item: Item) => item.isFolder === true || item.gitObjectType === "tree";
const README = /^readme(\.md|\.markdown|\.txt)?$/i;
// Rows whose last commit is asked for one by one; beyond it the list stays quick.
const EAGER = 40;

function Folder({ view, items }: { view: View; items: Item[] }) {
  const search = route.useSearch();
  const sorted = [...items].sort((left, right) => Number(isFolderItem(right)) - Number(isFolderItem(left)) || left.path.localeCompare(right.path));
  const readme = items.find((item) => !isFolderItem(item) && README.test(nameOf(item.path)));
  if (items.length === 0) {
    return <Empty title="An empty folder" />;
  }
  return (
    <>
      <TableBox label="Files">
        <Table size="small">
          <TableHead>
            <TableRow>
              <TableCell>Name</TableCell>
              <TableCell>Last commit</TableCell>
              <TableCell>When</TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {sorted.map((item, at) => (
              <TableRow key={item.path} hover>
                <TableCell>
                  <Box sx={{ display: "flex", gap: 1, alignItems: "center" }}>
                    <ItemIcon folder={isFolderItem(item)} />
                    <Link to="." search={{ ...search, path: item.path }} sx={{ overflowWrap: "anywhere", display: "inline-block", lineHeight: "24px" }}>
                      {nameOf(cleanPath(item.path))}
                    </Link>
                    {isFolderItem(item) && (
                      <Box component="span" sx={{ position: "absolute", left: -9999 }}>
                        folder
                      </Box>
                    )}
                  </Box>
                </TableCell>
                {at < EAGER ? <LastCommit view={view} path={item.path} /> : <><TableCell>–</TableCell><TableCell>–</TableCell></>}
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableBox>
      {readme && <Readme view={view} path={readme.path} />}
    </>
  );
}

function LastCommit({ view, path }: { view: View; path: string }) {
  const search = route.useSearch();
  const last = useQuery(devopsQueries.commits(view.place, { path, version: view.version, top: 1 }));
  const commit = last.data?.[0];
  return (
    <>
      <TableCell sx={{ maxWidth: 460 }}>
        {commit && (
          <Link to="." search={{ host: search.host, version: search.version, view: "commits", commit: commit.commitId }} color="inherit" sx={{ display: "block", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", lineHeight: "24px" }}>
            {commit.comment.split("\n")[0]}
          </Link>
        )}
      </TableCell>
      <TableCell sx={{ color: "text.secondary" }}>{commit && <When at={commit.author.date} />}</TableCell>
    </>
  );
}

function Readme({ view, path }: { view: View; path: string }) {
  const text = useQuery(devopsQueries.text(view.place, path, view.version));
  if (text.data?.text === undefined) {
    return null;
  }
  return (
    <Box component="section" aria-label={nameOf(path)} sx={{ mt: 3, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", px: { xs: 2, md: 3 }, py: 2 }}>
      <Markdown text={text.data.text} />
    </Box>
  );
}

const IMAGE = /\.(png|jpe?g|gif|webp|svg)$/i;

function File({ view }: { view: View }) {
  const { line } = route.useSearch();
  const file = useQuery(devopsQueries.text(view.place, `/${view.path}`, view.version));
  const [rendered, setRendered] = useState(/\.(md|markdown)$/i.test(view.path) && line === undefined);
  const raw = devops.rawUrl(view.place, `/${view.path}`, view.version);
  if (file.isPending) {
    return <Loading rows={8} />;
  }
  if (file.isError) {
    return <Failure error={file.error} retry={() => void file.refetch()} />;
  }
  const { text, size, why } = file.data;
  const lines = text === undefined ? 0 : text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return (
    <Section
      title={nameOf(view.path)}
      actions={
        <Box sx={{ display: "flex", alignItems: "center", gap: 1 }}>
          <Typography variant="body2" color="textSecondary" className="figures">
            {text !== undefined && `${lines} ${lines === 1 ? "line" : "lines"}, `}
            {bytes(size)}
          </Typography>
          {/\.(md|markdown)$/i.test(view.path) && (
            <Button size="small" onClick={() => setRendered(!rendered)}>
              {rendered ? "Show source" : "Show rendered"}
            </Button>
          )}
          <Button size="small" component="a" href={raw} download={nameOf(view.path)}>
            Download
          </Button>
        </Box>
      }
    >
      {text === undefined && IMAGE.test(view.path) && why === "binary" && (
        <Box component="img" src={raw.replace("download=true&", "")} alt={nameOf(view.path)} sx={{ maxWidth: "100%", border: 1, borderColor: "divider", borderRadius: 1 }} />
      )}
      {text === undefined && !(IMAGE.test(view.path) && why === "binary") && (
        <Empty title={why === "large" ? "Too long to be shown here" : "Not a text"} action={<Button component="a" href={raw} download={nameOf(view.path)} variant="outlined">Download</Button>}>
          {bytes(size)}
        </Empty>
      )}
      {text === "" && <Empty title="An empty file" />}
      {text !== undefined && text !== "" && (rendered ? (
        <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", px: { xs: 2, md: 3 }, py: 2 }}>
          <Markdown text={text} />
        </Box>
      ) : (
        <Source text={text} path={view.path} label={`${nameOf(view.path)}, text`} line={line} />
      ))}
    </Section>
  );
}

// Deleting is a commit like any other: it says on what, and can be undone by another.
function DeleteFile({ view }: { view: View }) {
  const navigate = route.useNavigate();
  const [open, setOpen] = useState(false);
  const [message, setMessage] = useState(`Delete ${nameOf(view.path)}`);
  const remove = useMutation({
    mutationFn: async () => {
      const head = await headOf(view.place, view.version.name);
      await devops.push(view.place, {
        refUpdates: [{ name: `refs/heads/${view.version.name}`, oldObjectId: head }],
        commits: [{ comment: message, changes: [{ changeType: "delete", item: { path: `/${view.path}` } }] }],
      });
    },
    onSuccess: () => void navigate({ search: (old) => ({ ...old, path: parentOf(view.path) === "" ? undefined : `/${parentOf(view.path)}` }) }),
  });
  return (
    <>
      <Button size="small" color="inherit" onClick={() => setOpen(true)}>
        Delete
      </Button>
      <Dialog open={open} onClose={() => setOpen(false)} fullWidth maxWidth="sm" aria-labelledby="delete-title">
        <DialogTitle id="delete-title">Delete {nameOf(view.path)}</DialogTitle>
        <DialogContent>
          <Typography sx={{ mb: 2 }}>
            A commit on <strong>{view.version.name}</strong> removes the file. Its history stays, and so can it be brought back. What an Application made of it goes
            with it.
          </Typography>
          <TextField label="Commit message" value={message} onChange={(event) => setMessage(event.target.value)} multiline />
          {remove.isError && (
            <Box sx={{ mt: 2 }}>
              <Failure error={remove.error} />
            </Box>
          )}
          {view.repository.defaultBranch === `refs/heads/${view.version.name}` && (
            <Alert severity="info" variant="outlined" sx={{ mt: 2 }}>
              This is the default branch. To let others look first, open the file for editing and commit to a new branch.
            </Alert>
          )}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={() => setOpen(false)}>
            Keep it
          </Button>
          <Button variant="contained" color="error" loading={remove.isPending} disabled={message.trim() === ""} onClick={() => remove.mutate()}>
            Delete on {view.version.name}
          </Button>
        </DialogActions>
      </Dialog>
    </>
  );
}
