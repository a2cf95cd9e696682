import { Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { devops } from "../../api/devops";
import { requestKey } from "../../api/devopsQueries";
import { cleanPath, shortRef } from "../../lib/gitversion";
import { bothChanged } from "../../lib/pullrequest";
import { Code } from "../../ui/Code";
import { Loading, Section } from "../../ui/Page";
import type { Review } from "./PullRequestPage";

// Which files conflict: as the host says, or, where it does not say, those that both sides changed.
async function conflictingPaths(review: Review): Promise<{ paths: string[]; isGuess: boolean }> {
  if (review.request.conflicts && review.request.conflicts.length > 0) {
    return { paths: review.request.conflicts.map(cleanPath), isGuess: false };
  }
  const told = await devops.conflicts(review.place).catch(() => []);
  if (told.length > 0) {
    return { paths: told.map((conflict) => cleanPath(conflict.conflictPath)), isGuess: false };
  }
  const newest = (await devops.iterations(review.place)).at(-1);
  if (!newest?.commonRefCommit) {
    return { paths: [], isGuess: true };
  }
  const base = { type: "commit" as const, name: newest.commonRefCommit.commitId };
  const [ours, theirs] = await Promise.all([
    devops.iterationChanges(review.place, newest.id),
    devops.compare(review.place, base, { type: "commit", name: review.request.lastMergeTargetCommit?.commitId ?? newest.targetRefCommit.commitId }),
  ]);
  return { paths: bothChanged(ours.changeEntries, theirs.changes), isGuess: true };
}

export function Conflicts({ review }: { review: Review }) {
  const { request } = review;
  const [source, target] = [shortRef(request.sourceRefName), shortRef(request.targetRefName)];
  const found = useQuery({
    queryKey: [...requestKey(review.place), "conflicting", request.conflicts, request.lastMergeSourceCommit?.commitId, request.lastMergeTargetCommit?.commitId],
    queryFn: () => conflictingPaths(review),
    retry: false,
  });
  return (
    <Section title="Conflicts">
      {found.isPending && <Loading rows={2} />}
      {found.data && found.data.paths.length > 0 && (
        <>
          <Typography>{found.data.isGuess ? "Both branches changed:" : "These files conflict:"}</Typography>
          <Box component="ul" sx={{ my: 0.5, pl: 3 }}>
            {found.data.paths.map((path) => (
              <li key={path}>
                <code>{path}</code>
              </li>
            ))}
          </Box>
        </>
      )}
      <Typography sx={{ mt: 1, mb: 1 }}>
        Bring {target} into {source}, choose what stays, and push; the pull request tries the merge again by itself:
      </Typography>
      <Code label="commands that resolve the conflicts" text={`git fetch origin\ngit checkout ${source}\ngit merge origin/${target}\n# edit the files above, then\ngit commit --all\ngit push`} />
    </Section>
  );
}
