import { Alert, AlertTitle, Box } from "@mui/material";
import { useEffect, useRef } from "react";
import { LinkButton, Section } from "../../ui/Page";
import type { Judged } from "./EntityEffects";

// The end of an import: where to look at what came in.
export function Imported({ items }: { items: Judged[] }) {
  const first = useRef<HTMLDivElement>(null);
  // The button that had the focus is gone.
  useEffect(() => first.current?.focus(), []);
  const shown = items.filter((item) => item.effect !== "taken");
  return (
    <Section title="Imported">
      <Alert severity="success" variant="outlined" ref={first} tabIndex={-1} sx={{ outline: "none" }}>
        <AlertTitle>{shown.length === 1 ? "It is in the catalog" : `${shown.length} entities are in the catalog`}</AlertTitle>
        The catalog reads the address again by itself, and at once after a push to a repository of the built-in forge.
      </Alert>
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", mt: 2 }}>
        {shown.slice(0, 12).map(({ entity }, index) => (
          <LinkButton
            key={`${entity.kind} ${entity.metadata.name}`}
            to="/catalog/$namespace/$kind/$name"
            params={{ namespace: entity.metadata.namespace ?? "default", kind: entity.kind.toLowerCase(), name: entity.metadata.name }}
            variant={index === 0 ? "contained" : "outlined"}
          >
            View {entity.kind.toLowerCase()} {shown.length > 1 ? entity.metadata.name : ""}
          </LinkButton>
        ))}
        {shown.length > 12 && (
          <LinkButton to="/catalog" variant="outlined">
            View all in the catalog
          </LinkButton>
        )}
      </Box>
    </Section>
  );
}
