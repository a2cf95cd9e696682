import { Alert, Box, Button, TextField, Typography } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import type { Thread } from "../../api/devopsTypes";
import { nameOfPerson, standing } from "../../lib/pullrequest";
import { useKept } from "../../lib/kept";
import { Markdown } from "../../ui/Markdown";
import { Failure, Section } from "../../ui/Page";
import { When } from "../../ui/When";
import { Conflicts } from "./Conflicts";
import { EffectCard } from "./EffectCard";
import type { Review } from "./PullRequestPage";
import { Conversation, NewConversation } from "./Conversation";

export function Overview({ review, threads, failed }: { review: Review; threads: Thread[]; failed: Error | null }) {
  const { request, evaluations } = review;
  const { waits } = standing(request, evaluations);
  const general = [...threads].sort((left, right) => left.publishedDate.localeCompare(right.publishedDate));
  return (
    <Box sx={{ minWidth: 0 }}>
      {request.status === "completed" && (
        <Alert severity="success" variant="outlined" sx={{ mb: 3 }}>
          Completed by {request.closedBy?.displayName ?? "somebody"}, <When at={request.closedDate} />
          {request.lastMergeCommit && (
            <>
              , as commit <code>{request.lastMergeCommit.commitId.slice(0, 8)}</code>
            </>
          )}
          .
        </Alert>
      )}
      {request.status === "abandoned" && (
        <Alert severity="info" variant="outlined" sx={{ mb: 3 }}>
          Abandoned{request.closedBy && ` by ${nameOfPerson(request.closedBy)}`}
          {request.closedDate && (
            <>
              , <When at={request.closedDate} />
            </>
          )}
          . Nothing of it is lost: reactivating brings it back as it was, as long as both branches are there.
        </Alert>
      )}
      {request.status === "active" && waits.length > 0 && (
        <Alert severity={request.mergeStatus === "conflicts" ? "error" : "info"} variant="outlined" sx={{ mb: 3 }}>
          {waits.map((wait) => (
            <div key={wait}>{wait}</div>
          ))}
        </Alert>
      )}
      {request.status === "active" && request.mergeStatus === "conflicts" && <Conflicts review={review} />}
      <Description review={review} />
      <EffectCard review={review} />
      <Section title="Conversation">
        {failed && <Failure error={failed} />}
        {general.map((thread) => (
          <Conversation key={thread.id} review={review} thread={thread} showsPlace />
        ))}
        {general.length === 0 && !failed && (
          <Typography color="textSecondary" sx={{ mb: 1 }}>
            Nobody has said anything yet. Under Files, every line can be commented.
          </Typography>
        )}
        {review.host.shared && <NewConversation review={review} />}
      </Section>
    </Box>
  );
}

function Description({ review }: { review: Review }) {
  const { request } = review;
  const [editing, setEditing] = useKept<{ title: string; description: string }>(["description", review.place.host, review.place.repository, review.place.id]);
  const save = useMutation({ mutationFn: (body: { title: string; description: string }) => review.change(body), onSuccess: () => setEditing(undefined) });
  return (
    <Section
      title="Description"
      actions={
        review.host.shared &&
        !editing && (
          <Button size="small" color="inherit" onClick={() => setEditing({ title: request.title, description: request.description ?? "" })}>
            Edit
          </Button>
        )
      }
    >
      {editing ? (
        <Box
          component="form"
          onSubmit={(event: React.FormEvent) => (event.preventDefault(), save.mutate(editing))}
          onKeyDown={(event: React.KeyboardEvent) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && editing.title.trim() !== "") {
              save.mutate(editing);
            }
          }}
          sx={{ display: "grid", gap: 1.5 }}
        >
          <TextField label="Title" autoFocus value={editing.title} onChange={(event) => setEditing({ ...editing, title: event.target.value })} />
          <TextField label="Description" value={editing.description} multiline minRows={5} onChange={(event) => setEditing({ ...editing, description: event.target.value })} />
          {save.isError && <Failure error={save.error} />}
          <Box sx={{ display: "flex", gap: 1 }}>
            <Button type="submit" variant="contained" disabled={editing.title.trim() === ""} loading={save.isPending}>
              Save
            </Button>
            <Button color="inherit" onClick={() => setEditing(undefined)}>
              Leave as it was
            </Button>
          </Box>
        </Box>
      ) : request.description ? (
        <Markdown text={request.description} />
      ) : (
        <Typography color="textSecondary">Nothing more is said about it.</Typography>
      )}
    </Section>
  );
}
