import { Box, Button, Drawer, IconButton, Tooltip, Typography, useMediaQuery } from "@mui/material";
import SvgIcon from "@mui/material/SvgIcon";
import { useTheme } from "@mui/material/styles";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ApiError } from "../api/errors";
import { connectLive, useLiveStatus } from "../api/live";
import { queries } from "../api/queries";
import type { Session } from "../api/types";
import { own } from "../lib/base";
import { Failure, Loading } from "../ui/Page";
import { When } from "../ui/When";
import { Keys } from "./Keys";
import { PLACES, PlaceIcon } from "./navigation";
import { Palette } from "./Palette";
import { RailLink } from "./RailLink";
import { SignIn } from "./SignIn";

export function Shell() {
  const session = useQuery(queries.session());
  const signedIn = session.isSuccess;
  useEffect(() => {
    if (signedIn) {
      connectLive();
    }
  }, [signedIn]);
  if (session.isPending) {
    return (
      <Box sx={{ p: 4 }}>
        <Loading />
      </Box>
    );
  }
  if (session.isError) {
    const signedOut = session.error instanceof ApiError && session.error.signedOut;
    // A portal that does not answer for a moment must not take the page away.
    if (!signedOut && session.data) {
      return <SignedIn session={session.data} />;
    }
    return signedOut ? (
      <SignIn />
    ) : (
      <Box sx={{ p: 4 }}>
        <Failure error={session.error} retry={() => void session.refetch()} />
      </Box>
    );
  }
  return <SignedIn session={session.data} />;
}

function SignedIn({ session }: { session: Session }) {
  const [menu, setMenu] = useState(false);
  const [palette, setPalette] = useState(false);
  const wide = useMediaQuery(useTheme().breakpoints.up("md"));
  return (
    <Box sx={{ display: "flex", minHeight: "100vh" }}>
      <Box
        component="a"
        href="#content"
        sx={{ position: "absolute", left: -9999, "&:focus": { left: 8, top: 8, zIndex: 2000, bgcolor: "background.paper", p: 1 } }}
      >
        Skip to content
      </Box>
      {wide ? (
        <Box
          component="nav"
          aria-label="Main"
          sx={{ width: 208, flex: "none", borderRight: 1, borderColor: "divider", bgcolor: "background.paper", position: "sticky", top: 0, height: "100vh" }}
        >
          <Rail title={session.title} />
        </Box>
      ) : (
        <Drawer open={menu} onClose={() => setMenu(false)}>
          <Box component="nav" aria-label="Main" sx={{ width: 240 }} onClick={() => setMenu(false)}>
            <Rail title={session.title} />
          </Box>
        </Drawer>
      )}
      <Box sx={{ flex: 1, minWidth: 0, display: "flex", flexDirection: "column" }}>
        <TopBar session={session} onMenu={wide ? undefined : () => setMenu(true)} onPalette={() => setPalette(true)} />
        <Stale />
        <Outlet />
        <Announcer />
      </Box>
      <Palette open={palette} onOpen={() => setPalette(true)} onClose={() => setPalette(false)} />
      <Keys />
    </Box>
  );
}

function Rail({ title }: { title?: string }) {
  return (
    <Box sx={{ p: 1.5 }}>
      <Box sx={{ display: "flex", alignItems: "center", gap: 1, px: 1, py: 1, mb: 1 }}>
        <Box component="img" src={own("/favicon.svg")} alt="" sx={{ width: 24, height: 24 }} />
        <Typography sx={{ fontWeight: 680, fontSize: "1rem", overflowWrap: "anywhere", minWidth: 0 }}>{title || "Pave"}</Typography>
      </Box>
      {PLACES.map((place) => (
        <RailLink key={place.to} to={place.to} activeOptions={{ exact: place.to === "/" }}>
          <PlaceIcon d={place.icon} />
          {place.label}
        </RailLink>
      ))}
    </Box>
  );
}

function TopBar({ session, onMenu, onPalette }: { session: Session; onMenu?: () => void; onPalette: () => void }) {
  return (
    <Box
      component="header"
      sx={{
        display: "flex",
        alignItems: "center",
        gap: 1.5,
        px: { xs: 1.5, md: 4 },
        height: 52,
        borderBottom: 1,
        borderColor: "divider",
        bgcolor: "background.paper",
      }}
    >
      {onMenu && (
        <IconButton onClick={onMenu} aria-label="Open the menu" edge="start">
          <SvgIcon viewBox="0 0 24 24">
            <path d="M4 7h16M4 12h16M4 17h16" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
          </SvgIcon>
        </IconButton>
      )}
      <Button
        variant="outlined"
        color="inherit"
        onClick={onPalette}
        sx={{ flex: "0 1 360px", justifyContent: "space-between", color: "text.secondary", borderColor: "divider", fontWeight: 400 }}
      >
        <span>Search or go to…</span>
        <Box component="kbd" sx={{ display: { xs: "none", sm: "inline" }, fontSize: "0.75rem" }}>
          Ctrl K
        </Box>
      </Button>
      <Box sx={{ flex: 1 }} />
      <Tooltip title={`${session.principal.entity} · groups: ${session.principal.groups.join(", ")}`}>
        <Typography tabIndex={0} sx={{ display: { xs: "none", sm: "block" } }}>
          {session.principal.displayName}
        </Typography>
      </Tooltip>
    </Box>
  );
}

// Says since when the page is not live.
function Stale() {
  const { status, lostAt } = useLiveStatus();
  if (status !== "lost") {
    return null;
  }
  return (
    <Box role="status" sx={{ px: 4, py: 0.75, bgcolor: "background.default", color: "state.degraded", borderBottom: 1, borderColor: "divider" }}>
      Not live: the portal stopped answering <When at={lostAt === null ? null : new Date(lostAt).toISOString()} />. What you see may be old; it
      reconnects by itself.
    </Box>
  );
}

// Tells screen readers where a click has led.
function Announcer() {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const [said, setSaid] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSaid(path === undefined ? "" : document.title), 150);
    return () => clearTimeout(timer);
  }, [path]);
  return (
    <Box aria-live="polite" sx={{ position: "absolute", width: 1, height: 1, overflow: "hidden", clip: "rect(0 0 0 0)", clipPath: "inset(50%)" }} style={{ width: 1, height: 1 }}>
      {said}
    </Box>
  );
}
