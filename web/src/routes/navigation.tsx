import SvgIcon from "@mui/material/SvgIcon";

export interface Place {
  to: "/" | "/create" | "/environments" | "/catalog" | "/applications" | "/repos" | "/pullrequests" | "/pipelines" | "/settings";
  label: string;
  // Second key after `g`.
  key: string;
  icon: string;
}

export const PLACES: Place[] = [
  { to: "/", label: "Home", key: "h", icon: "M4 11.5 12 5l8 6.5M6.5 10v8.5h11V10" },
  { to: "/create", label: "Create", key: "n", icon: "M12 5v14M5 12h14" },
  { to: "/environments", label: "Environments", key: "e", icon: "M4 17h4l3-9h9M4 17a1.4 1.4 0 1 0 .01 0M20 8a1.4 1.4 0 1 0 .01 0" },
  { to: "/catalog", label: "Catalog", key: "c", icon: "M5 6h14M5 12h14M5 18h9" },
  { to: "/applications", label: "Applications", key: "a", icon: "M12 4l7 4v8l-7 4-7-4V8zM5 8l7 4 7-4M12 12v8" },
  { to: "/repos", label: "Repositories", key: "r", icon: "M6 4h11a1 1 0 0 1 1 1v14H7a2 2 0 0 1-2-2V5a1 1 0 0 1 1-1zM5 17a2 2 0 0 1 2-2h11M9 8h5" },
  {
    to: "/pullrequests",
    label: "Pull requests",
    key: "p",
    icon: "M7 8.5v7M7 8.5a2 2 0 1 0-.01 0zM7 19.5a2 2 0 1 0-.01 0zM17 19.5a2 2 0 1 0-.01 0zM17 15.5V9a2 2 0 0 0-2-2h-3M14 4.5 11.5 7 14 9.5",
  },
  { to: "/pipelines", label: "Pipelines", key: "l", icon: "M5 6.5h5v4H5zM14 13.5h5v4h-5zM7.5 10.5v5h6.5M10 8.5h9" },
  { to: "/settings", label: "Settings", key: "s", icon: "M5 8h8M17 8h2M5 16h2M11 16h8M15 6v4M9 14v4" },
];

export function PlaceIcon({ d }: { d: string }) {
  return (
    <SvgIcon fontSize="small" aria-hidden viewBox="0 0 24 24">
      <path d={d} fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" strokeLinejoin="round" />
    </SvgIcon>
  );
}
