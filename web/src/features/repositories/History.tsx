import { Box, Button, Typography } from "@mui/material";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { devops } from "../../api/devops";
import { gitKey } from "../../api/devopsQueries";
import type { Commit } from "../../api/devopsTypes";
import { mono } from "../../theme/theme";
import { Empty, Failure, Link, Loading } from "../../ui/Page";
import { When } from "../../ui/When";
import type { View } from "./RepositoryPage";

const route = getRouteApi("/repos/$org/$project/$repo");
const PAGE = 50;

export function History({ view }: { view: View }) {
  const search = route.useSearch();
  const path = view.path === "" ? undefined : `/${view.path}`;
  const pages = useInfiniteQuery({
    queryKey: [...gitKey(view.place), "history", view.version, path],
    queryFn: ({ pageParam }) => devops.commits(view.place, { path, version: view.version, top: PAGE, skip: pageParam }),
    initialPageParam: 0,
    getNextPageParam: (last, all) => (last.length < PAGE ? undefined : all.length * PAGE),
  });
  const commits = pages.data?.pages.flat() ?? [];
  return (
    <>
      {path && (
        <Typography sx={{ mb: 1 }}>
          Commits that touched <code>{view.path}</code>.{" "}
          <Link to="." search={{ ...search, path: undefined }}>
            Show all
          </Link>
        </Typography>
      )}
      {pages.isPending && <Loading rows={8} />}
      {pages.isError && <Failure error={pages.error} retry={() => void pages.refetch()} />}
      {pages.data && commits.length === 0 && <Empty title="No commits" />}
      <CommitList commits={commits} link={(commit) => ({ ...search, view: "commits", commit: commit.commitId })} />
      {pages.hasNextPage && (
        <Button sx={{ mt: 1 }} loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          Show older
        </Button>
      )}
    </>
  );
}

function CommitList({ commits, link }: { commits: Commit[]; link: (commit: Commit) => object }) {
  return (
    <Box component="ul" aria-label="Commits" sx={{ listStyle: "none", p: 0, m: 0 }}>
      {commits.map((commit) => (
        <CommitRow key={commit.commitId} commit={commit}>
          <Link to="." search={link(commit) as never} sx={{ fontWeight: 560, overflowWrap: "anywhere" }}>
            {commit.comment.split("\n")[0] || "(no message)"}
          </Link>
        </CommitRow>
      ))}
    </Box>
  );
}

// A commit in a list; its title is whatever leads to it.
export function CommitRow({ commit, children }: { commit: Commit; children: React.ReactNode }) {
  return (
    <Box component="li" sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, alignItems: "baseline", py: 1, borderBottom: 1, borderColor: "divider" }}>
      <Box sx={{ flex: "1 1 320px", minWidth: 0 }}>{children}</Box>
      <Typography variant="body2" color="textSecondary">
        {commit.author.name}, <When at={commit.author.date} />
      </Typography>
      <Box component="code" sx={{ fontFamily: mono, color: "text.secondary" }}>
        {commit.commitId.slice(0, 8)}
      </Box>
    </Box>
  );
}
