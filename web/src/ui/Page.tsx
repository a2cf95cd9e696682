import { Alert, AlertTitle, Box, Button, type ButtonProps, Link as MuiLink, Skeleton, Typography } from "@mui/material";
import { createLink, type LinkComponent } from "@tanstack/react-router";
import { forwardRef, type ReactNode, useEffect } from "react";
import { ApiError, words } from "../api/errors";
import { Findings } from "./Findings";

const PlainLink = forwardRef<HTMLAnchorElement, React.ComponentProps<typeof MuiLink>>((props, ref) => (
  <MuiLink ref={ref} {...props} />
));
const RouterLink = createLink(PlainLink);

// A link within the portal.
export const Link: LinkComponent<typeof PlainLink> = (props) => <RouterLink preload="intent" {...props} />;

const PlainButton = forwardRef<HTMLAnchorElement, Omit<ButtonProps<"a">, "component" | "ref">>((props, ref) => (
  <Button component="a" ref={ref} {...props} />
));

// A button that leads somewhere.
export const LinkButton = createLink(PlainButton);

export interface Crumb {
  label: string;
  to: string;
}

// Title, breadcrumbs and actions of a page; says the title to the window and to screen readers.
export function Page({
  title,
  crumbs = [],
  actions,
  below,
  children,
}: {
  title: string;
  crumbs?: Crumb[];
  actions?: ReactNode;
  below?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Pave`;
  }, [title]);
  return (
    <Box component="main" id="content" tabIndex={-1} sx={{ px: { xs: 2, md: 4 }, py: 3, maxWidth: 1440, width: "100%", outline: "none" }}>
      {crumbs.length > 0 && (
        <Box component="nav" aria-label="Breadcrumbs" sx={{ mb: 0.5 }}>
          {crumbs.map((crumb) => (
            <Typography key={crumb.to} variant="body2" component="span" color="textSecondary">
              <Link to={crumb.to} color="inherit">
                {crumb.label}
              </Link>
              <Box component="span" aria-hidden sx={{ mx: 0.75 }}>
                /
              </Box>
            </Typography>
          ))}
        </Box>
      )}
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 2, mb: 3 }}>
        <Box sx={{ flex: "1 1 280px", minWidth: 0 }}>
          <Typography variant="h1" sx={{ overflowWrap: "anywhere" }}>
            {title}
          </Typography>
          {below && <Box sx={{ mt: 0.5, color: "text.secondary" }}>{below}</Box>}
        </Box>
        {actions && <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>{actions}</Box>}
      </Box>
      {children}
    </Box>
  );
}

// A group of things under a heading.
export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <Box component="section" aria-label={title} sx={{ mb: 4 }}>
      <Box sx={{ display: "flex", alignItems: "center", gap: 1, mb: 1.25, minHeight: 28 }}>
        <Typography variant="h2" sx={{ flex: 1 }}>
          {title}
        </Typography>
        {actions}
      </Box>
      {children}
    </Box>
  );
}

// What a page shows before it knows.
export function Loading({ rows = 5 }: { rows?: number }) {
  return (
    <Box role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} variant="rounded" height={36} sx={{ mb: 1 }} />
      ))}
    </Box>
  );
}

// Why there is nothing, and what to do next.
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Box sx={{ border: 1, borderStyle: "dashed", borderColor: "divider", borderRadius: 1, px: 3, py: 4, textAlign: "center" }}>
      <Typography variant="h3" component="p">
        {title}
      </Typography>
      {children && (
        <Typography color="textSecondary" sx={{ mt: 0.5 }}>
          {children}
        </Typography>
      )}
      {action && <Box sx={{ mt: 2 }}>{action}</Box>}
    </Box>
  );
}

// What went wrong, in the words of whoever refused, and a way to try again.
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const diagnostics = error instanceof ApiError ? error.diagnostics : [];
  const title =
    error instanceof ApiError && error.status === 403
      ? "You may not do this"
      : error instanceof ApiError && error.status === 404
        ? "There is nothing here"
        : "This did not work";
  return (
    <Alert
      severity={error instanceof ApiError && error.status < 500 ? "warning" : "error"}
      variant="outlined"
      action={
        retry && (
          <Button color="inherit" size="small" onClick={retry}>
            Try again
          </Button>
        )
      }
      sx={{ overflowWrap: "anywhere" }}
    >
      <AlertTitle>{title}</AlertTitle>
      {words(error)}
      {diagnostics.length > 0 && <Findings diagnostics={diagnostics} />}
    </Alert>
  );
}
