import { Alert, AlertTitle, Box, Button, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { builds } from "../../api/builds";
import { buildKey } from "../../api/buildQueries";
import type { Approval, TimelineRecord } from "../../api/buildTypes";
import type { Place } from "../../api/devopsTypes";
import { queries, queryClient } from "../../api/queries";
import { useKept } from "../../lib/kept";
import { nameOfPerson } from "../../lib/pullrequest";
import { Failure } from "../../ui/Page";
import { When } from "../../ui/When";

// An approval that the run waits for: what for, who may give it, and the two answers.
export function ApprovalCard({ place, approval, stages, mayAct, me }: { place: Place; approval: Approval; stages: TimelineRecord[]; mayAct: boolean; me: string | undefined }) {
  const [kept, setComment] = useKept<string>(["approval", approval.id]);
  const comment = kept ?? "";
  const decide = useMutation({
    mutationFn: (status: "approved" | "rejected") => builds.decide(place, approval.id, status, comment),
    onSuccess: () => setComment(undefined),
    onSettled: () => queryClient.invalidateQueries({ queryKey: buildKey(place) }),
  });
  const stage = stages.find((record) => (record.identifier ?? record.refName) === approval.stage)?.name ?? approval.stage;
  const given = approval.steps.filter((step) => step.status === "approved");
  const open = approval.steps.filter((step) => step.status === "pending");
  // The host may know no more of somebody than the id.
  const people = useQuery({ ...queries.people(), enabled: mayAct });
  const known = (id: string) => people.data?.items.find((one) => one.id.toLowerCase() === id.toLowerCase());
  const named = ({ assignedApprover }: Approval["steps"][number]) => known(assignedApprover.id)?.displayName ?? nameOfPerson(assignedApprover);
  const own = me === undefined ? [] : [me, ...(known(me)?.groups ?? [])];
  const isNamed = open.some((step) => own.includes(step.assignedApprover.id));
  return (
    <Alert severity="warning" variant="outlined" icon={false} sx={{ mb: 2, bgcolor: "background.paper", "& .MuiAlert-message": { width: "100%" } }}>
      <AlertTitle component="h2">
        {stage ? `Stage ${stage}` : "The run"} waits for approval{approval.resource ? `: ${approval.resource}` : ""}
      </AlertTitle>
      {approval.instructions && <Typography sx={{ mb: 1, whiteSpace: "pre-wrap" }}>{approval.instructions}</Typography>}
      <Typography variant="body2" color="textSecondary">
        Asked <When at={approval.createdOn} />. May be given by {open.map(named).join(", ") || "nobody any more"}
        {(approval.minRequiredApprovers ?? 0) > 0 && approval.steps.length > 1 && `, at least ${approval.minRequiredApprovers}`}.
        {given.length > 0 && ` Given by ${given.map((step) => (step.actualApprover ? nameOfPerson(step.actualApprover) : named(step))).join(", ")}.`}
      </Typography>
      {mayAct && (
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, mt: 1.5, alignItems: "flex-start" }}>
          <TextField label="Comment" value={comment} onChange={(event) => setComment(event.target.value)} sx={{ flex: "1 1 220px", maxWidth: 480 }} />
          <Button variant="contained" loading={decide.isPending} onClick={() => decide.mutate("approved")}>
            Approve
          </Button>
          <Button variant="outlined" color="error" loading={decide.isPending} onClick={() => decide.mutate("rejected")}>
            Reject
          </Button>
        </Box>
      )}
      {mayAct && me !== undefined && !isNamed && (
        <Typography variant="body2" color="textSecondary" sx={{ mt: 1 }}>
          You are not named yourself; it counts if you are in a group that is.
        </Typography>
      )}
      {decide.isError && (
        <Box sx={{ mt: 1.5 }}>
          <Failure error={decide.error} />
        </Box>
      )}
    </Alert>
  );
}
