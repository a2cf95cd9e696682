import { Box, Button, TextField, Typography } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { devops } from "../../api/devops";
import { requestKey } from "../../api/devopsQueries";
import type { Thread } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import { useKept } from "../../lib/kept";
import { isOpen, nameOfPerson, placeOf } from "../../lib/pullrequest";
import { Markdown } from "../../ui/Markdown";
import { Failure, Link } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import type { Side } from "../../ui/TextDiff";
import { When } from "../../ui/When";
import type { Review } from "./PullRequestPage";

const STATUS_WORDS: Record<string, string> = { active: "open", pending: "pending", fixed: "resolved", wontFix: "won't fix", closed: "closed", byDesign: "by design", unknown: "closed" };

function useChange<Input>(review: Review, mutationFn: (input: Input) => Promise<unknown>, onSuccess?: () => void) {
  return useMutation({
    mutationFn,
    onSuccess,
    onSettled: () => void queryClient.invalidateQueries({ queryKey: requestKey(review.place) }),
  });
}

// One conversation: what was said, a reply, and whether it is settled.
export function Conversation({ review, thread, showsPlace = false }: { review: Review; thread: Thread; showsPlace?: boolean }) {
  const [kept, setText] = useKept<string>(["reply", review.place.host, review.place.repository, review.place.id, thread.id]);
  const text = kept ?? "";
  const [replying, setReplying] = useState(text !== "");
  const at = placeOf(thread);
  const comments = thread.comments.filter((comment) => comment.isDeleted !== true && comment.commentType !== "system");
  const reply = useChange(review, (content: string) => devops.reply(review.place, thread.id, content, comments[0]?.id ?? 1), () => {
    setText(undefined);
    setReplying(false);
  });
  const settle = useChange(review, (open: boolean) => devops.updateThread(review.place, thread.id, open ? "active" : "fixed"));
  const open = isOpen(thread);
  const failed = reply.error ?? settle.error;
  return (
    <Box component="article" aria-label={`Conversation of ${nameOfPerson(comments[0]?.author)}`} sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", mb: 1.5, overflow: "hidden" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", px: 1.5, py: 0.5, borderBottom: 1, borderColor: "divider" }}>
        <StateMark state={open ? "waiting" : "ok"} word={STATUS_WORDS[thread.status ?? "unknown"] ?? "open"} />
        {showsPlace && at && (
          <Link to="." search={(old: object) => ({ ...old, tab: "files", file: at.file })} sx={{ overflowWrap: "anywhere" }}>
            <code>
              {at.file}
              {at.line > 0 && `:${at.line}`}
            </code>
          </Link>
        )}
        <Box sx={{ flex: 1 }} />
        {review.host.shared && (
          <>
            <Button size="small" color="inherit" onClick={() => setReplying(!replying)} aria-expanded={replying}>
              Reply
            </Button>
            <Button size="small" color="inherit" loading={settle.isPending} onClick={() => settle.mutate(!open)}>
              {open ? "Resolve" : "Open again"}
            </Button>
          </>
        )}
      </Box>
      {comments.map((comment) => (
        <Box key={comment.id} sx={{ px: 1.5, py: 1 }}>
          <Typography variant="body2" color="textSecondary">
            <Box component="strong" sx={{ color: "text.primary", fontWeight: 600 }}>
              {nameOfPerson(comment.author)}
            </Box>{" "}
            <When at={comment.publishedDate} />
          </Typography>
          <Markdown text={comment.content ?? ""} />
        </Box>
      ))}
      {replying && (
        <Box sx={{ px: 1.5, pb: 1.5 }}>
          <Writer label="Reply" text={text} onText={setText} isPending={reply.isPending} onSend={() => reply.mutate(text.trim())} onLeave={() => setReplying(false)} verb="Reply" autoFocus />
        </Box>
      )}
      {failed && (
        <Box sx={{ p: 1.5 }}>
          <Failure error={failed} />
        </Box>
      )}
    </Box>
  );
}

// Begins a conversation about the whole, or about a line.
export function NewConversation({ review, at, onDone }: { review: Review; at?: { file: string; side: Side; line: number }; onDone?: () => void }) {
  const [kept, setText] = useKept<string>(["comment", review.place.host, review.place.repository, review.place.id, ...(at ? [at.file, at.side, at.line] : [])]);
  const text = kept ?? "";
  const send = useChange(
    review,
    (content: string) => {
      const place = at && { line: at.line, offset: 1 };
      const threadContext = at && { filePath: `/${at.file}`, ...(at.side === "right" ? { rightFileStart: place, rightFileEnd: place } : { leftFileStart: place, leftFileEnd: place }) };
      return devops.createThread(review.place, { status: "active", comments: [{ parentCommentId: 0, content, commentType: "text" }], ...(threadContext && { threadContext }) });
    },
    () => {
      setText(undefined);
      onDone?.();
    },
  );
  return (
    <>
      <Writer label={at ? `Comment on ${at.side === "left" ? "old " : ""}line ${at.line}` : "Comment"} text={text} onText={setText} isPending={send.isPending} onSend={() => send.mutate(text.trim())} onLeave={onDone} verb="Comment" autoFocus={at !== undefined} />
      {send.isError && (
        <Box sx={{ mt: 1 }}>
          <Failure error={send.error} />
        </Box>
      )}
    </>
  );
}

function Writer({
  label,
  text,
  onText,
  isPending,
  onSend,
  onLeave,
  verb,
  autoFocus = false,
}: {
  label: string;
  text: string;
  onText: (text: string) => void;
  isPending: boolean;
  onSend: () => void;
  onLeave?: () => void;
  verb: string;
  autoFocus?: boolean;
}) {
  const ready = text.trim() !== "" && !isPending;
  return (
    <Box
      sx={{ display: "grid", gap: 1 }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && ready) {
          event.preventDefault();
          onSend();
        }
      }}
    >
      <TextField label={label} value={text} multiline minRows={2} autoFocus={autoFocus} onChange={(event) => onText(event.target.value)} slotProps={{ htmlInput: { "data-comment": true } }} />
      <Box sx={{ display: "flex", gap: 1, alignItems: "center" }}>
        <Button size="small" variant="contained" disabled={!ready} loading={isPending} onClick={onSend}>
          {verb}
        </Button>
        {onLeave && (
          <Button size="small" color="inherit" onClick={onLeave}>
            Leave
          </Button>
        )}
        <Typography variant="body2" color="textSecondary" sx={{ display: { xs: "none", sm: "block" } }}>
          Ctrl Enter sends; Markdown is shown as such.
        </Typography>
      </Box>
    </Box>
  );
}
