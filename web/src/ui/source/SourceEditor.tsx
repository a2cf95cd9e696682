import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import { Decoration, EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import CodeMirror from "@uiw/react-codemirror";
import { useEffect, useMemo, useRef } from "react";
import { mono } from "../../theme/theme";
import { languageOf } from "./languages";

// Colours are the theme's variables, so that both schemes hold without a second editor theme.
const colour = (name: string) => `var(--mui-palette-${name})`;
const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.heading, tags.tagName], color: colour("primary-main"), fontWeight: "600" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.attributeName], color: colour("state-running") },
  { tag: [tags.string, tags.special(tags.string), tags.url], color: colour("state-ok") },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: colour("state-waiting") },
  { tag: [tags.comment, tags.meta], color: colour("text-secondary"), fontStyle: "italic" },
  { tag: tags.link, color: colour("primary-main"), textDecoration: "underline" },
  { tag: tags.strong, fontWeight: "650" },
  { tag: tags.emphasis, fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { backgroundColor: "transparent", color: colour("text-primary"), fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: mono, lineHeight: "1.6" },
  ".cm-content": { caretColor: colour("text-primary"), padding: "8px 0" },
  ".cm-gutters": { backgroundColor: "transparent", color: colour("text-secondary"), borderRight: `1px solid ${colour("divider")}` },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 10px 0 12px", minWidth: "36px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, currentColor 5%, transparent)" },
  ".cm-cursor": { borderLeftColor: colour("text-primary") },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    backgroundColor: `color-mix(in srgb, ${colour("primary-main")} 28%, transparent) !important`,
  },
  ".cm-pointed": { backgroundColor: `color-mix(in srgb, ${colour("primary-main")} 16%, transparent)` },
  ".cm-panels": { backgroundColor: colour("background-paper"), color: colour("text-primary"), borderColor: colour("divider") },
  ".cm-gutter-lint": { width: "14px" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "0 1px" },
  ".cm-tooltip": { backgroundColor: colour("background-paper"), color: colour("text-primary"), border: `1px solid ${colour("divider")}` },
  ".cm-diagnostic": { fontFamily: "inherit", padding: "6px 10px", maxWidth: "480px" },
  ".cm-searchMatch": { backgroundColor: `color-mix(in srgb, ${colour("state-waiting")} 30%, transparent)` },
});

// The line that an address points at.
function pointed(line: number): Extension {
  const mark = Decoration.line({ class: "cm-pointed" });
  return EditorView.decorations.compute(["doc"], (state) =>
    line <= state.doc.lines ? Decoration.set([mark.range(state.doc.line(line).from)]) : Decoration.none,
  );
}

// Something that was found at a place of the text; lines and columns begin with one.
export interface Finding extends Spot {
  severity: "error" | "warning" | "info";
  message: string;
}

export interface Spot {
  line: number;
  column: number;
}

// The place of a finding in a text that may have changed since.
function rangeOf({ line, column }: Spot, state: EditorState): { from: number; to: number } {
  const row = state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
  const from = Math.min(row.from + Math.max(column - 1, 0), row.to);
  // The word that stands there, or what is left of the line.
  const word = /^[^\s:,[\]{}]+/.exec(state.sliceDoc(from, row.to));
  return { from, to: word ? from + word[0].length : row.to };
}

export interface SourceProps {
  text: string;
  path: string;
  label: string;
  // Absent for a text that is only read.
  onChange?: (text: string) => void;
  onSave?: () => void;
  line?: number;
  minHeight?: string;
  findings?: Finding[];
  // Where the cursor is to go; a new object goes there again.
  spot?: Spot;
}

export default function SourceEditor({ text, path, label, onChange, onSave, line, minHeight, findings, spot }: SourceProps) {
  const readOnly = onChange === undefined;
  const isChecked = findings !== undefined;
  const editor = useRef<EditorView | null>(null);
  const extensions = useMemo(
    () => [
      ...languageOf(path),
      look,
      syntaxHighlighting(highlight),
      EditorView.contentAttributes.of({ "aria-label": label, ...(readOnly && { tabindex: "0", "aria-readonly": "true" }) }),
      ...(readOnly ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : [EditorView.lineWrapping]),
      ...(line === undefined ? [] : [pointed(line)]),
      ...(isChecked ? [lintGutter()] : []),
    ],
    [path, label, readOnly, line, isChecked],
  );
  const marks = JSON.stringify(findings ?? []);
  const mark = (view: EditorView) => {
    const found = JSON.parse(marks) as Finding[];
    view.dispatch(setDiagnostics(view.state, found.map(({ severity, message, ...at }) => ({ ...rangeOf(at, view.state), severity, message }))));
  };
  useEffect(() => {
    if (editor.current && isChecked) {
      mark(editor.current);
    }
  }, [marks, isChecked]);
  useEffect(() => {
    const view = editor.current;
    if (view && spot) {
      const { from } = rangeOf(spot, view.state);
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    }
  }, [spot]);
  return (
    <div
      onKeyDownCapture={(event) => {
        if (onSave && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
          event.preventDefault();
          onSave();
        }
      }}
    >
      <CodeMirror
        value={text}
        theme="none"
        {...(minHeight !== undefined && { minHeight })}
        extensions={extensions}
        onChange={onChange}
        editable={!readOnly}
        readOnly={readOnly}
        // Tab leaves the field, as everywhere: nobody is caught in it.
        indentWithTab={false}
        basicSetup={{ foldGutter: false, highlightActiveLine: !readOnly, highlightActiveLineGutter: !readOnly, autocompletion: false, closeBrackets: false, syntaxHighlighting: false }}
        onCreateEditor={(view) => {
          editor.current = view;
          if (isChecked) {
            mark(view);
          }
          if (line !== undefined && line <= view.state.doc.lines) {
            view.dispatch({ effects: EditorView.scrollIntoView(view.state.doc.line(line).from, { y: "center" }) });
          }
        }}
      />
    </div>
  );
}
