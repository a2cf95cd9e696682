import { Box, Button, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { devopsQueries } from "../../api/devopsQueries";
import type { Thread } from "../../api/devopsTypes";
import { cleanPath } from "../../lib/gitversion";
import { isOpen, placeOf } from "../../lib/pullrequest";
import { changeWord, FileDiff } from "../../ui/FileDiff";
import { Empty, Failure, Loading } from "../../ui/Page";
import type { Side } from "../../ui/TextDiff";
import { Conversation, NewConversation } from "./Conversation";
import type { Review } from "./PullRequestPage";

const route = getRouteApi("/pullrequests/$org/$project/$repo/$id");
// So many files show their difference at once; the others open one by one.
const OPEN = 20;

export function ChangedFiles({ review, threads }: { review: Review; threads: Thread[] }) {
  const { place, request } = review;
  const { file } = route.useSearch();
  const iterations = useQuery(devopsQueries.iterations(place));
  const newest = iterations.data?.at(-1);
  const changes = useQuery({ ...devopsQueries.iterationChanges(place, newest?.id ?? 1), enabled: newest !== undefined });
  const [writing, setWriting] = useState<{ file: string; side: Side; line: number }>();
  const list = useRef<HTMLDivElement>(null);
  const isLoaded = changes.isSuccess;
  useEffect(() => {
    if (file !== undefined && isLoaded) {
      const section = [...(list.current?.querySelectorAll("section[data-file]") ?? [])].find((one) => one.getAttribute("data-file") === file);
      section?.scrollIntoView({ block: "start" });
    }
  }, [file, isLoaded]);
  const failed = iterations.error ?? changes.error;
  if (failed) {
    return <Failure error={failed} retry={() => void (iterations.isError ? iterations.refetch() : changes.refetch())} />;
  }
  if (!changes.data || !newest) {
    return <Loading rows={6} />;
  }
  const files = changes.data.changeEntries.filter((change) => change.item.isFolder !== true && change.item.gitObjectType !== "tree");
  const before = newest.commonRefCommit?.commitId ?? request.lastMergeTargetCommit?.commitId ?? newest.targetRefCommit.commitId;
  const after = newest.sourceRefCommit.commitId;
  const placed = threads.map((thread) => ({ thread, at: placeOf(thread) }));
  const about = (path: string) => placed.filter(({ at }) => at?.file === path);
  if (files.length === 0) {
    return <Empty title="No file differs">Both branches hold the same.</Empty>;
  }
  return (
    <Box ref={list}>
      <Box component="nav" aria-label="Changed files" sx={{ mb: 2, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", p: 1, maxHeight: 220, overflowY: "auto" }}>
        <Typography variant="body2" color="textSecondary" sx={{ px: 1 }}>
          {files.length} {files.length === 1 ? "file" : "files"} changed
        </Typography>
        {files.map((change) => {
          const path = cleanPath(change.item.path);
          const openCount = about(path).filter(({ thread }) => isOpen(thread)).length;
          return (
            <Button
              key={path}
              size="small"
              color="inherit"
              onClick={() => [...(list.current?.querySelectorAll("section[data-file]") ?? [])].find((one) => one.getAttribute("data-file") === path)?.scrollIntoView({ block: "start" })}
              sx={{ display: "flex", width: "100%", justifyContent: "flex-start", textAlign: "left", fontWeight: 400, gap: 1, overflowWrap: "anywhere" }}
            >
              <code>{path}</code>
              <Box component="span" sx={{ color: "text.secondary", ml: "auto", whiteSpace: "nowrap" }}>
                {changeWord(change)}
                {openCount > 0 && `, ${openCount} open`}
              </Box>
            </Button>
          );
        })}
      </Box>
      {files.map((change, index) => {
        const path = cleanPath(change.item.path);
        const here = about(path);
        return (
          <FileDiff
            key={path}
            place={place}
            change={change}
            before={change.changeType.includes("add") ? undefined : before}
            after={change.changeType.includes("delete") ? undefined : after}
            notes={here.length}
            startOpen={index < OPEN || path === file}
            remarks={{
              under: (side, line) => {
                const said = here.filter(({ at }) => at?.side === side && at.line === line);
                const isHere = writing?.file === path && writing.side === side && writing.line === line;
                if (said.length === 0 && !isHere) {
                  return null;
                }
                return (
                  <>
                    {said.map(({ thread }) => (
                      <Conversation key={thread.id} review={review} thread={thread} />
                    ))}
                    {isHere && <NewConversation review={review} at={writing} onDone={() => setWriting(undefined)} />}
                  </>
                );
              },
              ...(review.host.shared && request.status === "active" && { onRemark: (side: Side, line: number) => setWriting({ file: path, side, line }) }),
            }}
          />
        );
      })}
    </Box>
  );
}
