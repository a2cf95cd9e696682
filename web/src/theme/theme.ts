import { createTheme } from "@mui/material/styles";

// Neutral surfaces, one accent, colour only for state. Both schemes live in CSS variables, so that the system's choice
// applies before the first script runs.
const state = {
  light: {
    pending: "#5c6670",
    running: "#0b6e99",
    waiting: "#8a5a00",
    ok: "#1a7f4b",
    drifted: "#8a5a00",
    degraded: "#a34a00",
    failed: "#b3261e",
    deleted: "#5c6670",
  },
  dark: {
    pending: "#9aa5b1",
    running: "#5cc2ec",
    waiting: "#e6b450",
    ok: "#5fd199",
    drifted: "#e6b450",
    degraded: "#ff9f5c",
    failed: "#ff8a80",
    deleted: "#9aa5b1",
  },
};

declare module "@mui/material/styles" {
  interface Palette {
    state: typeof state.light;
  }
  interface PaletteOptions {
    state?: typeof state.light;
  }
}

export const mono = '"JetBrains Mono Variable", ui-monospace, SFMono-Regular, Menlo, monospace';
const sans = '"Inter Variable", system-ui, -apple-system, "Segoe UI", sans-serif';

export const theme = createTheme({
  cssVariables: { colorSchemeSelector: "data-scheme" },
  defaultColorScheme: "light",
  colorSchemes: {
    light: {
      palette: {
        primary: { main: "#1f5f5b", contrastText: "#ffffff" },
        error: { main: state.light.failed },
        background: { default: "#f6f7f8", paper: "#ffffff" },
        text: { primary: "#14191e", secondary: "#4a545e" },
        divider: "#dfe3e7",
        state: state.light,
      },
    },
    dark: {
      palette: {
        primary: { main: "#7fcfc6", contrastText: "#06201e" },
        error: { main: state.dark.failed },
        background: { default: "#0f1317", paper: "#161b21" },
        text: { primary: "#e8ecf0", secondary: "#a9b4bf" },
        divider: "#2a323b",
        state: state.dark,
      },
    },
  },
  spacing: 8,
  shape: { borderRadius: 8 },
  typography: {
    fontFamily: sans,
    fontSize: 14,
    h1: { fontSize: "1.5rem", fontWeight: 650, letterSpacing: "-0.01em", lineHeight: 1.3 },
    h2: { fontSize: "1.0625rem", fontWeight: 620, lineHeight: 1.4 },
    h3: { fontSize: "0.9375rem", fontWeight: 600, lineHeight: 1.4 },
    body1: { fontSize: "0.875rem", lineHeight: 1.55 },
    body2: { fontSize: "0.8125rem", lineHeight: 1.5 },
    button: { textTransform: "none", fontWeight: 560 },
    overline: { textTransform: "none", fontSize: "0.75rem", letterSpacing: 0, lineHeight: 1.5, fontWeight: 560 },
  },
  components: {
    MuiCssBaseline: {
      styleOverrides: {
        // Figures line up; ligatures would run "://" together.
        "time, .figures": { fontVariantNumeric: "tabular-nums" },
        "code, pre, kbd": { fontFamily: mono, fontSize: "0.8125rem" },
        "*": { fontVariantLigatures: "no-common-ligatures" },
        ":focus-visible": { outline: "2px solid var(--mui-palette-primary-main)", outlineOffset: 2 },
        "@media (prefers-reduced-motion: reduce)": {
          "*, *::before, *::after": { animationDuration: "0.01ms !important", transitionDuration: "0.01ms !important" },
        },
      },
    },
    MuiButtonBase: {
      defaultProps: { disableRipple: true },
      styleOverrides: { root: { "&:focus-visible": { outline: "2px solid var(--mui-palette-primary-main)", outlineOffset: 2 } } },
    },
    MuiButton: {
      defaultProps: { disableElevation: true, size: "medium" },
      styleOverrides: {
        root: {
          minHeight: 36,
          borderRadius: 8,
          "&.MuiButton-sizeSmall": { minHeight: 28, paddingTop: 2, paddingBottom: 2 },
          "&.MuiButton-outlined.MuiButton-colorInherit": { borderColor: "var(--mui-palette-divider)" },
        },
      },
    },
    MuiPaper: { defaultProps: { elevation: 0, variant: "outlined" }, styleOverrides: { root: { backgroundImage: "none" } } },
    MuiTextField: { defaultProps: { size: "small", fullWidth: true } },
    MuiTableCell: {
      styleOverrides: {
        root: { padding: "7px 12px", fontSize: "0.8125rem", borderColor: "var(--mui-palette-divider)" },
        head: { color: "var(--mui-palette-text-secondary)", fontWeight: 560 },
      },
    },
    MuiSkeleton: { defaultProps: { animation: false }, styleOverrides: { root: { backgroundColor: "var(--mui-palette-divider)", opacity: 0.6 } } },
    MuiFormHelperText: { styleOverrides: { root: { marginLeft: 0, fontSize: "0.8125rem", lineHeight: 1.5 } } },
    MuiTableRow: { styleOverrides: { root: { "&.MuiTableRow-hover:hover": { backgroundColor: "var(--mui-palette-background-paper)" } } } },
    MuiTooltip: { defaultProps: { arrow: true, describeChild: true, enterDelay: 300 } },
    MuiLink: { defaultProps: { underline: "hover" } },
    MuiTab: { styleOverrides: { root: { minHeight: 40, textTransform: "none" } } },
  },
});
