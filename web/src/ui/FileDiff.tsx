import { Box, Button, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { devopsQueries } from "../api/devopsQueries";
import type { Change, RepositoryPlace } from "../api/devopsTypes";
import { HostError } from "../api/devops";
import { cleanPath } from "../lib/gitversion";
import { linesOf } from "../lib/diff";
import { mono } from "../theme/theme";
import { Failure, Loading } from "./Page";
import { Amount, type Remarks, TextDiff } from "./TextDiff";

// Above so many lines a file's difference waits to be asked for.
const LONG = 1200;

const WORDS: Record<string, string> = { add: "added", edit: "changed", delete: "deleted", rename: "renamed" };

export function changeWord(change: Change): string {
  const kinds = change.changeType.split(",").map((kind) => kind.trim());
  return kinds.map((kind) => WORDS[kind] ?? kind).join(", ");
}

// One changed file, with what it was before and what it is after.
export function FileDiff({
  place,
  change,
  before,
  after,
  remarks,
  notes = 0,
  startOpen = true,
}: {
  place: RepositoryPlace;
  change: Change;
  // Commits; none for a side that does not exist.
  before: string | undefined;
  after: string | undefined;
  remarks?: Remarks;
  // How many conversations the file has.
  notes?: number;
  startOpen?: boolean;
}) {
  const path = cleanPath(change.item.path);
  const oldPath = change.sourceServerItem ? cleanPath(change.sourceServerItem) : path;
  const isNew = change.changeType.includes("add") || before === undefined;
  const isGone = change.changeType.includes("delete") || after === undefined;
  const [open, setOpen] = useState(startOpen);
  const [long, setLong] = useState(false);
  const old = useQuery({ ...devopsQueries.text(place, `/${oldPath}`, { type: "commit", name: before ?? "" }), enabled: open && !isNew, retry: false });
  const now = useQuery({ ...devopsQueries.text(place, `/${path}`, { type: "commit", name: after ?? "" }), enabled: open && !isGone, retry: false });
  // A file that is not there on one side is an empty one.
  const missing = (error: unknown) => error instanceof HostError && error.status === 404;
  const failed = [old, now].find((one) => one.isError && !missing(one.error));
  const pending = (!isNew && old.isPending) || (!isGone && now.isPending);
  const [left, right] = [isNew || old.isError ? "" : old.data?.text, isGone || now.isError ? "" : now.data?.text];
  const texts = left !== undefined && right !== undefined ? { before: left, after: right } : undefined;
  const isLong = texts !== undefined && linesOf(texts.before).length + linesOf(texts.after).length > LONG;
  return (
    <Box component="section" aria-label={path} data-file={path} sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", mb: 2, overflow: "hidden", scrollMarginTop: 16 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1.5, px: 1, minHeight: 40, borderBottom: open ? 1 : 0, borderColor: "divider" }}>
        <Button size="small" color="inherit" onClick={() => setOpen(!open)} aria-expanded={open} sx={{ fontFamily: mono, fontSize: "0.8125rem", textAlign: "left", justifyContent: "flex-start", overflowWrap: "anywhere", flex: "0 1 auto", minWidth: 0 }}>
          <Box component="span" aria-hidden sx={{ mr: 1, color: "text.secondary" }}>
            {open ? "▾" : "▸"}
          </Box>
          {oldPath !== path && `${oldPath} → `}
          {path}
        </Button>
        <Typography variant="body2" color="textSecondary" sx={{ flex: 1 }}>
          {changeWord(change)}
          {notes > 0 && `, ${notes} ${notes === 1 ? "conversation" : "conversations"}`}
        </Typography>
        {texts && <Amount {...texts} />}
      </Box>
      {open && (
        <>
          {pending && <Box sx={{ p: 1 }}><Loading rows={3} /></Box>}
          {failed && <Box sx={{ p: 1.5 }}><Failure error={failed.error} retry={() => void failed.refetch()} /></Box>}
          {!pending && !failed && !texts && <Typography sx={{ p: 1.5 }} color="textSecondary">Not a text, or too long to be shown here.</Typography>}
          {texts && isLong && !long && (
            <Box sx={{ p: 1.5 }}>
              <Button size="small" variant="outlined" color="inherit" onClick={() => setLong(true)}>
                Show the difference of this long file
              </Button>
            </Box>
          )}
          {texts && (!isLong || long) && (texts.before === "" && texts.after === "" ? <Typography sx={{ p: 1.5 }} color="textSecondary">An empty file.</Typography> : <TextDiff {...texts} path={path} remarks={remarks} />)}
        </>
      )}
    </Box>
  );
}
