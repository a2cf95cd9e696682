import { Box, Button, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { ApiError, words } from "../../api/errors";
import { devopsQueries } from "../../api/devopsQueries";
import type { Status } from "../../api/devopsTypes";
import type { State } from "../../api/types";
import { nameOfPerson, policyWords } from "../../lib/pullrequest";
import { Link, Section } from "../../ui/Page";
import { StateMark, StateShape } from "../../ui/StateMark";
import { runLink } from "../pipelines/place";
import { NOBODY } from "./Actions";
import type { Review } from "./PullRequestPage";
import { Reviewers } from "./Reviewers";

const STATES: Record<Status["state"], State> = { notSet: "pending", pending: "running", succeeded: "ok", failed: "failed", error: "failed", notApplicable: "pending" };

// Who has said what, and which checks stand how.
export function Aside({ review, failed, isFirst }: { review: Review; failed: Error | null; isFirst: boolean }) {
  const { request, place, evaluations } = review;
  const statuses = useQuery({ ...devopsQueries.statuses(place), retry: false });
  const newest = newestOf(statuses.data ?? []);
  const absent = failed instanceof ApiError && failed.status === 404;
  return (
    <Box component="aside" aria-label="Reviewers and checks">
      {request.autoCompleteSetBy && request.status === "active" && <AutoComplete review={review} />}
      <Reviewers review={review} />
      <Section title="Checks">
        {failed && !absent && <Typography color="textSecondary">Policies cannot be read: {words(failed)}</Typography>}
        {evaluations.length + newest.length === 0 && !(failed && !absent) && <Typography color="textSecondary">No policy guards the target branch, and nothing reported a status.</Typography>}
        <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
          {evaluations
            .filter(({ configuration }) => configuration.isEnabled)
            .map((evaluation) => {
              const { title, detail, state, build } = policyWords(evaluation, request);
              return (
                <Check key={evaluation.evaluationId} state={state} title={evaluation.configuration.isBlocking ? title : `${title} (optional)`} detail={detail}>
                  {build !== undefined && <Link {...runLink(place, build, isFirst)}>Open the run</Link>}
                </Check>
              );
            })}
          {newest.map((status) => (
            <Check key={status.id} state={STATES[status.state]} title={[status.context.genre, status.context.name].filter(Boolean).join(" / ")} detail={status.description ?? status.state}>
              {status.targetUrl && /^https?:/.test(status.targetUrl) && (
                <a href={status.targetUrl} rel="noreferrer">
                  Details
                </a>
              )}
            </Check>
          ))}
        </Box>
      </Section>
    </Box>
  );
}

function Check({ state, title, detail, children }: { state: State; title: string; detail: string; children?: React.ReactNode }) {
  return (
    <Box component="li" sx={{ display: "flex", gap: 1, py: 0.75, alignItems: "flex-start" }}>
      <Box sx={{ pt: 0.4 }}>
        <StateShape state={state} />
      </Box>
      <Box sx={{ minWidth: 0, overflowWrap: "anywhere" }}>
        <Typography sx={{ fontWeight: 560 }}>{title}</Typography>
        <Typography variant="body2" color="textSecondary" component="div">
          {detail} {children}
        </Typography>
      </Box>
    </Box>
  );
}

// Of each context only what it said last.
function newestOf(statuses: Status[]): Status[] {
  const newest = new Map<string, Status>();
  for (const status of [...statuses].sort((left, right) => left.id - right.id)) {
    newest.set(`${status.context.genre ?? ""}/${status.context.name}`, status);
  }
  return [...newest.values()];
}

function AutoComplete({ review }: { review: Review }) {
  const { request } = review;
  const cancel = useMutation({ mutationFn: () => review.change({ autoCompleteSetBy: { id: NOBODY } }) });
  return (
    <Box sx={{ mb: 3, p: 1.5, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}>
      <StateMark state="waiting" word="Completes by itself" />
      <Typography variant="body2" sx={{ mt: 0.5 }}>
        {nameOfPerson(request.autoCompleteSetBy)} set auto-complete: it merges as soon as every policy allows it.
      </Typography>
      {request.autoCompleteHeldUp && (
        <Typography variant="body2" sx={{ mt: 0.5, overflowWrap: "anywhere" }}>
          Tried, and held up: {request.autoCompleteHeldUp}
        </Typography>
      )}
      {review.host.shared && (
        <Button size="small" color="inherit" loading={cancel.isPending} onClick={() => cancel.mutate()} sx={{ mt: 0.5, ml: -0.5 }}>
          Cancel auto-complete
        </Button>
      )}
    </Box>
  );
}
