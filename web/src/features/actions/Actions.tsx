import { Box, Button, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useId, useMemo, useRef } from "react";
import { queries } from "../../api/queries";
import type { Action } from "../../api/types";
import { mono } from "../../theme/theme";
import { Code } from "../../ui/Code";
import { Empty, Failure, Link, Loading, Page } from "../../ui/Page";
import { SchemaTable, Words } from "./SchemaTable";
import { usage } from "./schema";

const route = getRouteApi("/create/actions");

// What a step of a template can do here.
export function Actions() {
  const { q = "", action: chosen } = route.useSearch();
  const navigate = route.useNavigate();
  const actions = useQuery(queries.actions());
  const templates = useQuery(queries.entities({ filter: ["kind=template"], order: "metadata.name,asc", limit: 500 }));
  const used = useMemo(
    () =>
      usage(
        (templates.data?.items ?? []).map((template) => ({
          ref: `${template.metadata.namespace ?? "default"}/${template.metadata.name}`,
          title: template.metadata.title ?? template.metadata.name,
          spec: template.spec,
        })),
      ),
    [templates.data],
  );
  const wanted = q.trim().toLowerCase();
  const shown = (actions.data ?? []).filter((action) => `${action.id} ${action.description ?? ""}`.toLowerCase().includes(wanted));
  const open = (id: string | undefined) => void navigate({ search: (old) => ({ ...old, action: id }), replace: true });
  return (
    <Page
      title="Installed actions"
      crumbs={[{ label: "Create", to: "/create" }]}
      below={actions.data ? `${actions.data.length} actions that a step of a template can name` : "What a step of a template can do here."}
    >
      {actions.isPending && <Loading rows={8} />}
      {actions.isError && <Failure error={actions.error} retry={() => void actions.refetch()} />}
      {actions.data && (
        <>
          <TextField
            label="Filter by name or description"
            value={q}
            onChange={(event) => void navigate({ search: (old) => ({ ...old, q: event.target.value || undefined }), replace: true })}
            slotProps={{ htmlInput: { "data-filter": true } }}
            sx={{ maxWidth: 420, mb: 2 }}
          />
          {shown.length === 0 && (
            <Empty title={`No action matches “${q}”`} action={<Button onClick={() => void navigate({ search: {}, replace: true })}>Show all</Button>} />
          )}
          <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0, border: shown.length > 0 ? 1 : 0, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}>
            {shown.map((action, index) => (
              <ActionItem
                key={action.id}
                action={action}
                first={index === 0}
                open={action.id === chosen}
                onToggle={() => open(action.id === chosen ? undefined : action.id)}
                templates={used.get(action.id) ?? []}
              />
            ))}
          </Box>
        </>
      )}
    </Page>
  );
}

function ActionItem({
  action,
  first,
  open,
  onToggle,
  templates,
}: {
  action: Action;
  first: boolean;
  open: boolean;
  onToggle: () => void;
  templates: { ref: string; title: string }[];
}) {
  const item = useRef<HTMLLIElement>(null);
  // A link to an action leads to it, however far down it stands; one that was opened by hand is there already.
  const arrived = useRef(open);
  useEffect(() => {
    if (arrived.current) {
      item.current?.scrollIntoView({ block: "start" });
    }
  }, []);
  const details = useId();
  return (
    <Box component="li" ref={item} sx={{ borderTop: first ? 0 : 1, borderColor: "divider", scrollMarginTop: 8 }}>
      <Box component="h2" sx={{ m: 0, fontSize: "inherit", fontWeight: "inherit" }}>
        <Button
          fullWidth
          color="inherit"
          aria-expanded={open}
          aria-controls={open ? details : undefined}
          onClick={onToggle}
          sx={{ justifyContent: "flex-start", textAlign: "left", gap: 2, px: 2, py: 1.25, borderRadius: 0, flexWrap: { xs: "wrap", md: "nowrap" }, alignItems: "baseline" }}
        >
          <Box component="span" sx={{ fontFamily: mono, fontSize: "0.8125rem", fontWeight: 620, flex: { xs: "1 0 100%", md: "0 0 280px" }, overflowWrap: "anywhere" }}>
            {action.id}
          </Box>
          <Box component="span" sx={{ color: "text.secondary", fontWeight: 400, flex: 1, minWidth: 0 }}>
            <Words text={action.description ?? ""} />
          </Box>
          {templates.length > 0 && (
            <Box component="span" sx={{ color: "text.secondary", fontWeight: 400, whiteSpace: "nowrap", fontSize: "0.8125rem" }}>
              {templates.length === 1 ? "1 template" : `${templates.length} templates`}
            </Box>
          )}
        </Button>
      </Box>
      {open && (
        <Box id={details} role="region" aria-label={action.id} sx={{ px: 2, pb: 3, pt: 1, display: "grid", gap: 3, gridTemplateColumns: "minmax(0, 1fr)", bgcolor: "background.default", borderTop: 1, borderColor: "divider" }}>
          <Part title="Input">
            <SchemaTable schema={action.schema?.input} label={`Input of ${action.id}`} nothing="It takes no input." />
          </Part>
          <Part title="Output">
            <SchemaTable schema={action.schema?.output} label={`Output of ${action.id}`} nothing="It gives no output." />
          </Part>
          {action.examples && action.examples.length > 0 && (
            <Part title={action.examples.length === 1 ? "Example" : "Examples"}>
              <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: "minmax(0, 1fr)", maxWidth: 920 }}>
                {action.examples.map((example, index) => (
                  <Box key={index}>
                    {example.description && (
                      <Typography sx={{ mb: 0.75 }}>
                        <Words text={example.description} />
                      </Typography>
                    )}
                    <Code text={example.example} label={`Example ${index + 1} of ${action.id}`} />
                  </Box>
                ))}
              </Box>
            </Part>
          )}
          <Part title="Used by">
            {templates.length === 0 ? (
              <Typography color="textSecondary">No template of the catalog uses it.</Typography>
            ) : (
              <Box component="ul" sx={{ m: 0, pl: 2.5 }}>
                {templates.map(({ ref, title }) => (
                  <li key={ref}>
                    <Link to="/catalog/$namespace/$kind/$name" params={{ namespace: ref.split("/")[0] ?? "default", kind: "template", name: ref.split("/")[1] ?? "" }}>
                      {title}
                    </Link>
                  </li>
                ))}
              </Box>
            )}
          </Part>
        </Box>
      )}
    </Box>
  );
}

function Part({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Box component="section" aria-label={title}>
      <Typography variant="h3" sx={{ mb: 1 }}>
        {title}
      </Typography>
      {children}
    </Box>
  );
}
