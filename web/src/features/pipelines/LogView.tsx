import { Box, Typography } from "@mui/material";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useKeys, type PageKey } from "../../lib/keys";
import { groupOf, matches, rowAt } from "../../lib/runlog";
import { mono } from "../../theme/theme";
import { LogLineRow } from "./LogLineRow";
import { LogTools } from "./LogTools";
import { useLog } from "./useLog";

const ROW = 20;
const SPARE = 20;

// A log as long as it may be: only what is in sight is in the page.
export function LogView({
  raw,
  isLive,
  line,
  label,
  url,
  keys,
  onPoint,
}: {
  raw: readonly string[];
  isLive: boolean;
  // The line to open at, counted from one.
  line: number | undefined;
  label: string;
  url: string;
  // Of the page around it.
  keys: PageKey[];
  onPoint: (line: number) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 480, width: 0 });
  // The line a third down, which stays there when lines become longer or shorter.
  const anchor = useRef({ index: 0, below: 0 });
  const [wrap, setWrap] = useState(true);
  const [times, setTimes] = useState(false);
  const [follow, setFollow] = useState(isLive && line === undefined);
  const [find, setFind] = useState("");
  const [current, setCurrent] = useState(0);
  const [isSought, setSought] = useState(false);
  const letter = useLetterWidth();
  const gutter = Math.max(4, String(raw.length).length + 1) + (times ? 14 : 0);
  const across = wrap ? Math.max(16, Math.floor((view.width - 5) / letter - gutter - 1)) : undefined;
  const { parsed, shown, starts, widest, isFolded, fold } = useLog(raw, across);
  const found = useMemo(() => matches(parsed.texts, find), [parsed, find]);
  const foundSet = useMemo(() => new Set(found), [found]);
  const height = (starts.at(-1) ?? 0) * ROW;
  // A line that is asked for may still lie in a folded group, whose opening takes a turn.
  const [wanted, setWanted] = useState<number | undefined>(line === undefined ? undefined : line - 1);

  // Where the page itself has scrolled to: only what a person does begins or ends following.
  const placed = useRef(-1);
  const scrollTo = (element: HTMLElement, top: number) => {
    element.scrollTop = top;
    placed.current = element.scrollTop;
  };

  const keepAnchor = () => {
    const element = box.current;
    if (element) {
      const row = rowAt(starts, Math.floor((element.scrollTop + element.clientHeight / 3) / ROW));
      anchor.current = { index: shown[row] ?? 0, below: element.scrollTop - (starts[row] ?? 0) * ROW + element.clientHeight / 3 };
    }
  };

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) {
      return undefined;
    }
    setView((old) => ({ ...old, height: element.clientHeight, width: element.clientWidth }));
    const observer = new ResizeObserver(() => setView((old) => ({ ...old, height: element.clientHeight, width: element.clientWidth })));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || wanted === undefined || wanted >= parsed.lines.length || view.width === 0) {
      return;
    }
    const group = groupOf(parsed.kinds, wanted);
    if (group !== undefined && isFolded(group)) {
      fold(group, false);
      return;
    }
    const row = rowOf(shown, wanted);
    scrollTo(element, Math.max(0, (starts[row] ?? 0) * ROW - element.clientHeight / 3));
    keepAnchor();
    setWanted(undefined);
  }, [wanted, parsed, shown, starts, view.width]);

  useLayoutEffect(() => {
    if (box.current && !follow) {
      const row = rowOf(shown, anchor.current.index);
      scrollTo(box.current, (starts[row] ?? 0) * ROW + anchor.current.below - box.current.clientHeight / 3);
    }
    // Only what changes how long lines are moves the others.
  }, [across]);

  useLayoutEffect(() => {
    if (follow && box.current) {
      scrollTo(box.current, box.current.scrollHeight);
    }
  }, [follow, height]);

  useEffect(() => {
    if (line !== undefined) {
      setFollow(false);
      setWanted(line - 1);
    }
  }, [line]);

  const go = (index: number) => {
    setFollow(false);
    setWanted(index);
  };
  const step = (by: number) => {
    if (found.length > 0) {
      const next = (current + by + found.length) % found.length;
      setCurrent(next);
      go(found[next] ?? 0);
    }
  };
  const search = (text: string) => {
    setFind(text);
    setCurrent(0);
    setSought(text !== "");
  };
  // What is looked for may stand in lines that are still to come.
  useEffect(() => {
    const [first] = found;
    if (isSought && first !== undefined) {
      setSought(false);
      go(first);
    }
  }, [isSought, found]);
  const nextError = () => {
    const at = shown[rowAt(starts, Math.floor((view.top + view.height / 3) / ROW) + 1)] ?? 0;
    const next = parsed.errors.find((error) => error > at) ?? parsed.errors[0];
    if (next !== undefined) {
      go(next);
    }
  };
  useKeys([
    ...keys,
    { key: "n", what: "Next match in the log", run: () => step(1) },
    { key: "N", what: "Previous match in the log", run: () => step(-1) },
    { key: "x", what: "Next error in the log", run: parsed.errors.length > 0 ? nextError : undefined },
    { key: "f", what: "Follow the log", run: () => setFollow(!follow) },
    { key: "w", what: "Wrap long lines", run: () => setWrap(!wrap) },
    { key: "t", what: "Show times", run: () => setTimes(!times) },
  ]);

  const onScroll = () => {
    const element = box.current;
    if (element) {
      setView((old) => ({ ...old, top: element.scrollTop }));
      keepAnchor();
      if (Math.abs(element.scrollTop - placed.current) <= 1) {
        return;
      }
      placed.current = -1;
      const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - ROW * 2;
      if (atEnd !== follow && (isLive || !atEnd) && wanted === undefined) {
        setFollow(atEnd);
      }
    }
  };
  const point = useCallback((to: number) => onPoint(to), [onPoint]);
  const first = Math.max(0, rowAt(starts, Math.floor(view.top / ROW)) - SPARE);
  const last = Math.min(shown.length, rowAt(starts, Math.floor((view.top + view.height) / ROW)) + SPARE);
  const marked = (index: number) => (index + 1 === line ? "pointed" : found[current] === index ? "current" : foundSet.has(index) ? "match" : undefined);
  return (
    <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", overflow: "hidden" }}>
      <LogTools
        {...{ find, wrap, times, follow, isLive, url, label }}
        found={found.length}
        current={current}
        errors={parsed.errors.length}
        onFind={search}
        onStep={step}
        onError={nextError}
        onWrap={() => setWrap(!wrap)}
        onTimes={() => setTimes(!times)}
        onFollow={() => setFollow(!follow)}
      />
      <Box
        ref={box}
        onScroll={onScroll}
        role="region"
        tabIndex={0}
        aria-label={label}
        sx={{
          // One that grows does not push the page around.
          [isLive ? "height" : "maxHeight"]: { xs: "60vh", md: "max(320px, calc(100vh - 330px))" },
          minHeight: 160,
          // Rows that come and go above must not move those in sight.
          overflowAnchor: "none",
          overflow: "auto",
          position: "relative",
          fontFamily: mono,
          fontVariantLigatures: "none",
          fontSize: "0.78rem",
          lineHeight: `${ROW}px`,
          borderTop: 1,
          borderColor: "divider",
          "&:focus-visible": { outlineOffset: -2 },
          "& .line, & .line *": { fontVariantLigatures: "none" },
          "& .line": { display: "flex", whiteSpace: wrap ? "break-spaces" : "pre", overflow: "hidden", borderLeft: "3px solid transparent" },
          "& .match": { bgcolor: "color-mix(in srgb, var(--mui-palette-state-waiting) 10%, transparent)" },
          "& .current": { bgcolor: "color-mix(in srgb, var(--mui-palette-state-waiting) 16%, transparent)", borderLeftColor: "state.waiting" },
          "& .pointed": { bgcolor: "color-mix(in srgb, var(--mui-palette-primary-main) 10%, transparent)", borderLeftColor: "primary.main" },
          "& button": { all: "unset", cursor: "pointer" },
          "& button:focus-visible": { outline: "2px solid var(--mui-palette-primary-main)", outlineOffset: -2 },
          "& .number": { flex: "none", alignSelf: "flex-start", width: `${gutter - (times ? 14 : 0)}ch`, textAlign: "right", mr: "1ch", color: "text.secondary", userSelect: "none" },
          "& .number:hover": { color: "primary.main" },
          "& .time": { flex: "none", width: "13ch", mr: "1ch", color: "text.secondary", userSelect: "none" },
          "& .text": { minWidth: 0, flex: 1, wordBreak: wrap ? "break-all" : undefined },
          "& .fold": { fontWeight: 600 },
        }}
      >
        <Box style={{ height, width: wrap ? undefined : `calc(${widest + gutter + 3}ch + 16px)`, minWidth: "100%" }} sx={{ position: "relative" }}>
          <Box style={{ transform: `translateY(${(starts[first] ?? 0) * ROW}px)` }} sx={{ position: "absolute", inset: "0 0 auto 0" }}>
            {shown.slice(first, last + 1).map((index, at) => {
              const known = parsed.lines[index];
              return (
                known && (
                  <LogLineRow
                    key={index}
                    line={known}
                    index={index}
                    rows={(starts[first + at + 1] ?? 0) - (starts[first + at] ?? 0)}
                    mark={marked(index)}
                    folded={known.kind === "group" ? isFolded(index) : undefined}
                    times={times}
                    onFold={fold}
                    onPoint={point}
                  />
                )
              );
            })}
          </Box>
        </Box>
        {raw.length === 0 && (
          <Typography color="textSecondary" sx={{ p: 2, position: "absolute", top: 0 }}>
            {isLive ? "It has not said anything yet." : "It said nothing."}
          </Typography>
        )}
      </Box>
    </Box>
  );
}

// The row of a line; of a hidden one, the row before it.
function rowOf(shown: readonly number[], index: number): number {
  let low = 0;
  let high = shown.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((shown[middle] ?? 0) <= index) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return Math.max(0, low);
}

// How wide one letter of the log is; the font may come later than the page.
function useLetterWidth(): number {
  const [width, setWidth] = useState(7.5);
  useEffect(() => {
    let there = true;
    const measure = () => {
      const probe = document.createElement("span");
      probe.textContent = "m".repeat(100);
      Object.assign(probe.style, { fontFamily: mono, fontSize: "0.78rem", fontVariantLigatures: "none", position: "absolute", visibility: "hidden", whiteSpace: "pre" });
      document.body.append(probe);
      const measured = probe.getBoundingClientRect().width / 100;
      probe.remove();
      if (there && measured > 0) {
        setWidth(measured);
      }
    };
    measure();
    void document.fonts.ready.then(measure);
    return () => {
      there = false;
    };
  }, []);
  return width;
}
