import { Box } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { devopsQueries } from "../../api/devopsQueries";
import { Empty, Failure, Link, Loading } from "../../ui/Page";
import { CommitRow } from "../repositories/History";
import { repositoryLink } from "../repositories/place";
import type { Review } from "./PullRequestPage";

export function Commits({ review, isFirst }: { review: Review; isFirst: boolean }) {
  const commits = useQuery(devopsQueries.pullRequestCommits(review.place));
  const link = repositoryLink(review.place, isFirst);
  return (
    <>
      {commits.isPending && <Loading rows={4} />}
      {commits.isError && <Failure error={commits.error} retry={() => void commits.refetch()} />}
      {commits.data?.length === 0 && <Empty title="No commits">Everything on the source branch is on the target branch already.</Empty>}
      <Box component="ul" aria-label="Commits" sx={{ listStyle: "none", p: 0, m: 0 }}>
        {(commits.data ?? []).map((commit) => (
          <CommitRow key={commit.commitId} commit={commit}>
            <Link {...link} search={{ ...link.search, view: "commits", commit: commit.commitId }} sx={{ fontWeight: 560, overflowWrap: "anywhere" }}>
              {commit.comment.split("\n")[0]}
            </Link>
          </CommitRow>
        ))}
      </Box>
    </>
  );
}
