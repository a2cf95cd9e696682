import { Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import type { Entity } from "../../api/types";
import { Link } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { TableBox } from "../../ui/TableBox";
import { EFFECT_WORDS, type Effect, holder } from "./judge";

export interface Judged {
  entity: Entity;
  known: Entity | null;
  effect: Effect;
}

const STATES = { added: "ok", changed: "drifted", same: "pending", taken: "failed" } as const;

export function summary(items: Judged[]): string {
  const count = (effect: Effect) => items.filter((item) => item.effect === effect).length;
  const parts = (["added", "changed", "same", "taken"] as const).filter((effect) => count(effect) > 0);
  const words = parts.map((effect, index) => {
    const many = count(effect) !== 1;
    const noun = index > 0 ? "" : many ? " entities" : " entity";
    return `${count(effect) === 1 && index === 0 ? "One" : count(effect)}${noun} ${EFFECT_WORDS[effect].replace("is there", many ? "are there" : "is there")}`;
  });
  return words.length > 0 ? words.join(", ") : "There is no entity in it";
}

// Each entity with what becomes of it, and why.
export function EntityEffects({ items }: { items: Judged[] }) {
  if (items.length === 0) {
    return null;
  }
  return (
    <TableBox label="Entities">
      <Table size="small">
        <TableHead>
          <TableRow>
            <TableCell>Name</TableCell>
            <TableCell>Kind</TableCell>
            <TableCell>Effect</TableCell>
            <TableCell>Type</TableCell>
            <TableCell>Owner</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {items.map(({ entity, known, effect }) => (
            <TableRow key={`${entity.kind} ${entity.metadata.namespace} ${entity.metadata.name}`}>
              <TableCell sx={{ overflowWrap: "anywhere" }}>
                {known ? <EntityLink entity={entity} /> : (entity.metadata.title ?? entity.metadata.name)}
                {entity.metadata.title && (
                  <Typography variant="body2" color="textSecondary">
                    {entity.metadata.name}
                  </Typography>
                )}
              </TableCell>
              <TableCell>{entity.kind}</TableCell>
              <TableCell>
                <StateMark state={STATES[effect]} word={EFFECT_WORDS[effect]} />
                {effect === "taken" && (
                  <Typography variant="body2" color="textSecondary" sx={{ maxWidth: 480, overflowWrap: "anywhere", whiteSpace: "normal" }}>
                    The name belongs to {holder(known)}. Give it another name or namespace, or remove that location first.
                  </Typography>
                )}
              </TableCell>
              <TableCell>{typeof entity.spec?.type === "string" ? entity.spec.type : "–"}</TableCell>
              <TableCell sx={{ overflowWrap: "anywhere" }}>{typeof entity.spec?.owner === "string" ? entity.spec.owner : "–"}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableBox>
  );
}

export function EntityLink({ entity }: { entity: Entity }) {
  return (
    <Link to="/catalog/$namespace/$kind/$name" params={{ namespace: entity.metadata.namespace ?? "default", kind: entity.kind.toLowerCase(), name: entity.metadata.name }}>
      {entity.metadata.title ?? entity.metadata.name}
    </Link>
  );
}
