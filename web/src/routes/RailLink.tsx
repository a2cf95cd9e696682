import { styled } from "@mui/material/styles";
import { createLink } from "@tanstack/react-router";

const Anchor = styled("a")(({ theme }) => ({
  display: "flex",
  alignItems: "center",
  gap: 10,
  minHeight: 36,
  padding: "0 10px",
  borderRadius: 8,
  color: (theme.vars ?? theme).palette.text.secondary,
  textDecoration: "none",
  fontSize: "0.875rem",
  fontWeight: 520,
  "&:hover": { backgroundColor: (theme.vars ?? theme).palette.background.default },
  "&.active": {
    color: (theme.vars ?? theme).palette.text.primary,
    backgroundColor: (theme.vars ?? theme).palette.background.default,
    boxShadow: `inset 3px 0 0 ${(theme.vars ?? theme).palette.primary.main}`,
  },
}));

export const RailLink = createLink(Anchor);
