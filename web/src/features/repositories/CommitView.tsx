import { Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { devopsQueries } from "../../api/devopsQueries";
import { CopyButton } from "../../ui/Code";
import { FileDiff } from "../../ui/FileDiff";
import { Empty, Failure, Link, Loading } from "../../ui/Page";
import { When } from "../../ui/When";
import type { View } from "./RepositoryPage";

const route = getRouteApi("/repos/$org/$project/$repo");
// So many files show their difference at once; the others open one by one.
const OPEN = 20;

export function CommitView({ view, id }: { view: View; id: string }) {
  const search = route.useSearch();
  const commit = useQuery(devopsQueries.commit(view.place, id));
  const changes = useQuery(devopsQueries.changes(view.place, id));
  if (commit.isError) {
    return <Failure error={commit.error} retry={() => void commit.refetch()} />;
  }
  if (commit.isPending) {
    return <Loading rows={6} />;
  }
  const [title, ...rest] = commit.data.comment.split("\n");
  const parent = commit.data.parents?.[0];
  const files = (changes.data?.changes ?? []).filter((change) => change.item.isFolder !== true && change.item.gitObjectType !== "tree");
  return (
    <>
      <Box sx={{ mb: 2 }}>
        <Typography variant="h2" sx={{ overflowWrap: "anywhere" }}>
          {title}
        </Typography>
        {rest.join("\n").trim() !== "" && (
          <Typography component="pre" sx={{ fontFamily: "inherit", whiteSpace: "pre-wrap", my: 1, overflowWrap: "anywhere" }}>
            {rest.join("\n").trim()}
          </Typography>
        )}
        <Typography variant="body2" color="textSecondary" component="div" sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 2 }}>
          <span>
            {commit.data.author.name}, <When at={commit.data.author.date} />
          </span>
          <span>
            commit <code>{commit.data.commitId.slice(0, 12)}</code>
            <CopyButton text={commit.data.commitId} label="Copy the id of the commit" />
          </span>
          {parent && (
            <span>
              after{" "}
              <Link to="." search={{ ...search, commit: parent }}>
                <code>{parent.slice(0, 8)}</code>
              </Link>
            </span>
          )}
          <Link to="." search={{ host: search.host, version: `GC${commit.data.commitId}` }}>
            Files at this commit
          </Link>
          <Link to="." search={{ ...search, view: "commits", commit: undefined }}>
            All commits
          </Link>
        </Typography>
      </Box>
      {changes.isPending && <Loading rows={3} />}
      {changes.isError && <Failure error={changes.error} retry={() => void changes.refetch()} />}
      {changes.data && files.length === 0 && <Empty title="No file differs from the commit before" />}
      {files.map((change, at) => (
        <FileDiff key={change.item.path} place={view.place} change={change} before={parent} after={id} startOpen={at < OPEN} />
      ))}
    </>
  );
}
