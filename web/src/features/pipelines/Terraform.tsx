import { Box, Button, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { buildQueries } from "../../api/buildQueries";
import type { Place } from "../../api/devopsTypes";
import { ACTION_WORDS, type AttributeChange, type Cell, type Plan, type PlanAction, readApplied, readPlan, type ResourceChange, summary } from "../../lib/plan";
import { isArmId } from "../../lib/arm";
import { mono } from "../../theme/theme";
import { ArmLink } from "../../ui/ArmLink";
import { CopyButton } from "../../ui/Code";
import { Empty, Failure, Loading, Section } from "../../ui/Page";
import { TableBox } from "../../ui/TableBox";

const COLOURS: Record<PlanAction, string> = { create: "state.ok", update: "state.waiting", delete: "state.failed", replace: "state.failed", read: "state.running", forget: "text.secondary", none: "text.secondary" };

export function usePlans(place: Place, id: number) {
  const plans = useQuery(buildQueries.attached(place, id, "terraform-plan-results"));
  const applied = useQuery(buildQueries.attached(place, id, "terraform-apply-results"));
  const read = (plans.data ?? []).map(({ name, content }) => ({ name, plan: readPlan(content) })).filter((one): one is { name: string; plan: Plan } => one.plan !== undefined);
  const made = (applied.data ?? []).map(({ name, content }) => ({ name, applied: readApplied(content) })).filter((one) => one.applied !== undefined);
  return { read, made, isPending: plans.isPending || applied.isPending, failed: [plans, applied].find((one) => one.isError) };
}

// What Terraform is going to do, or did, and what there is now.
export function Terraform({ place, id, isReal, isOver }: { place: Place; id: number; isReal: boolean; isOver: boolean }) {
  const { read, made, isPending, failed } = usePlans(place, id);
  if (isPending) {
    return <Loading rows={3} />;
  }
  if (failed) {
    return <Failure error={failed.error} retry={() => void failed.refetch()} />;
  }
  if (read.length === 0 && made.length === 0) {
    return <Empty title={isOver ? "This run made no plan" : "There is no plan yet"}>A step that runs Terraform’s plan leaves it here.</Empty>;
  }
  return (
    <>
      {read.map(({ name, plan }) => (
        <Section key={`plan ${name}`} title={read.length > 1 ? `Plan of ${name}` : "Plan"}>
          <Typography sx={{ mb: 1.5 }}>
            <strong>{summary(plan)}</strong>
            <Box component="span" sx={{ color: "text.secondary" }}>
              {plan.untouched > 0 && `, ${plan.untouched} left as ${plan.untouched === 1 ? "it is" : "they are"}`}
              {plan.version !== "" && ` · Terraform ${plan.version} · ${name}`}
            </Box>
          </Typography>
          {plan.changes.map((change) => (
            <Change key={change.address} change={change} />
          ))}
          {plan.outputs.length > 0 && <Few title="Outputs" changes={plan.outputs} />}
          {plan.drift.length > 0 && <Few title="Changed outside Terraform since the last apply" changes={plan.drift} />}
        </Section>
      ))}
      {made.map(({ name, applied }) => (
        <Section key={`apply ${name}`} title={made.length > 1 ? `After the apply of ${name}` : "After the apply"}>
          {applied?.resources.length === 0 && <Typography color="textSecondary">No resources are left.</Typography>}
          <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
            {applied?.resources.map((resource) => (
              <Box component="li" key={resource.address} sx={{ py: 1, borderBottom: 1, borderColor: "divider" }}>
                <Typography sx={{ fontFamily: mono, fontSize: "0.8125rem", fontWeight: 600, overflowWrap: "anywhere" }}>{resource.address}</Typography>
                {resource.id !== "" && <ResourceId id={resource.id} isReal={isReal} />}
              </Box>
            ))}
          </Box>
        </Section>
      ))}
    </>
  );
}

function ResourceId({ id, isReal }: { id: string; isReal: boolean }) {
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1 }}>
      <Typography variant="body2" sx={{ fontFamily: mono, overflowWrap: "anywhere", color: "text.secondary" }}>
        {isReal && id.startsWith("/subscriptions/") ? (
          <Box component="a" href={`https://portal.azure.com/#resource${id}`} rel="noreferrer" target="_blank" sx={{ color: "primary.main" }}>
            {id}
          </Box>
        ) : isArmId(id) ? (
          <ArmLink id={id} />
        ) : (
          id
        )}
      </Typography>
      <CopyButton text={id} label={`Copy the id ${id}`} />
    </Box>
  );
}

function Few({ title, changes }: { title: string; changes: ResourceChange[] }) {
  return (
    <Box sx={{ mt: 2 }}>
      <Typography variant="h3" sx={{ mb: 1 }}>
        {title}
      </Typography>
      {changes.map((change) => (
        <Change key={change.address} change={change} />
      ))}
    </Box>
  );
}

const LONG = 24;

function Change({ change }: { change: ResourceChange }) {
  const [open, setOpen] = useState(true);
  const [all, setAll] = useState(false);
  const { sign, word } = ACTION_WORDS[change.action];
  const shown = all ? change.attributes : change.attributes.slice(0, LONG);
  return (
    <Box component="section" aria-label={`${word} ${change.address}`} sx={{ border: 1, borderColor: "divider", borderLeft: 3, borderLeftColor: COLOURS[change.action], borderRadius: 1, bgcolor: "background.paper", mb: 1.5, overflow: "hidden" }}>
      <Button color="inherit" onClick={() => setOpen(!open)} aria-expanded={open} sx={{ width: "100%", justifyContent: "flex-start", textAlign: "left", gap: 1.25, px: 1.5 }}>
        <Box component="span" aria-hidden sx={{ color: COLOURS[change.action], fontFamily: mono, fontWeight: 700, fontSize: "1rem" }}>
          {sign}
        </Box>
        <Box component="span" sx={{ minWidth: 0, overflowWrap: "anywhere" }}>
          <Box component="span" sx={{ fontFamily: mono, fontSize: "0.8125rem" }}>
            {change.address}
          </Box>{" "}
          <Box component="span" sx={{ color: COLOURS[change.action] }}>
            {word}
          </Box>
          {(change.reason || change.movedFrom) && (
            <Box component="span" sx={{ color: "text.secondary", fontWeight: 400 }}>
              {change.reason && `, because ${change.reason}`}
              {change.movedFrom && `, was ${change.movedFrom}`}
            </Box>
          )}
        </Box>
      </Button>
      {open && (shown.length > 0 || change.unchanged > 0) && (
        <Box sx={{ borderTop: 1, borderColor: "divider", px: 1.5, py: 1 }}>
          {shown.length > 0 && <Attributes label={change.address} action={change.action} attributes={shown} />}
          {change.attributes.length > LONG && !all && (
            <Button size="small" color="inherit" onClick={() => setAll(true)}>
              Show all {change.attributes.length} attributes
            </Button>
          )}
          {change.unchanged > 0 && (
            <Typography variant="body2" color="textSecondary" sx={{ mt: 0.5 }}>
              {change.unchanged} {change.unchanged === 1 ? "attribute stays" : "attributes stay"} as {change.unchanged === 1 ? "it is" : "they are"}
            </Typography>
          )}
        </Box>
      )}
    </Box>
  );
}

function Attributes({ label, action, attributes }: { label: string; action: PlanAction; attributes: AttributeChange[] }) {
  const hasBefore = action !== "create" && action !== "read";
  const hasAfter = action !== "delete" && action !== "forget";
  return (
    <TableBox label={`Attributes of ${label}`}>
      <Box component="table" sx={{ borderCollapse: "collapse", width: "100%", fontFamily: mono, fontSize: "0.78rem", lineHeight: 1.6, "& td, & th": { textAlign: "left", verticalAlign: "top", pr: 2, py: 0.25, overflowWrap: "anywhere" }, "& th": { color: "text.secondary", fontWeight: 500, fontFamily: "fontFamily" } }}>
        <thead>
          <tr>
            <th>Attribute</th>
            {hasBefore && <th>Before</th>}
            {hasAfter && <th>After</th>}
          </tr>
        </thead>
        <tbody>
          {attributes.map((attribute) => (
            <tr key={attribute.path}>
              <td>
                {attribute.path}
                {attribute.forcesReplacement && (
                  <Box component="span" sx={{ color: "state.failed", fontFamily: "fontFamily" }}>
                    {" "}
                    forces a new one
                  </Box>
                )}
              </td>
              {hasBefore && <Value cell={attribute.before} side="removed" />}
              {hasAfter && <Value cell={attribute.after} side="added" />}
            </tr>
          ))}
        </tbody>
      </Box>
    </TableBox>
  );
}

function Value({ cell, side }: { cell: Cell; side: "added" | "removed" }) {
  if (cell.kind !== "value") {
    return (
      <Box component="td" sx={{ color: "text.secondary", fontStyle: cell.kind === "absent" ? undefined : "italic" }}>
        {cell.kind === "absent" ? "–" : cell.text}
      </Box>
    );
  }
  return (
    <td>
      <Box component={side === "added" ? "ins" : "del"} sx={{ textDecoration: "none", whiteSpace: "pre-wrap", bgcolor: `color-mix(in srgb, var(--mui-palette-state-${side === "added" ? "ok" : "failed"}) 13%, transparent)`, px: 0.5, borderRadius: 0.5 }}>
        <Box component="span" aria-hidden sx={{ userSelect: "none", color: "text.secondary", mr: 0.5 }}>
          {side === "added" ? "+" : "−"}
        </Box>
        {cell.text === "" ? "“”" : cell.text}
      </Box>
    </td>
  );
}
