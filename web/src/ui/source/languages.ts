import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import { yaml } from "@codemirror/lang-yaml";
import { StreamLanguage, type StreamParser } from "@codemirror/language";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { python } from "@codemirror/legacy-modes/mode/python";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import type { Extension } from "@codemirror/state";

// Terraform's language, as far as colours need it.
const hcl: StreamParser<{ comment: boolean }> = {
  name: "hcl",
  startState: () => ({ comment: false }),
  token(stream, state) {
    if (state.comment) {
      state.comment = !stream.match(/^.*?\*\//);
      if (state.comment) {
        stream.skipToEnd();
      }
      return "comment";
    }
    if (stream.eatSpace()) {
      return null;
    }
    if (stream.match(/^(#|\/\/).*/)) {
      return "comment";
    }
    if (stream.match("/*")) {
      state.comment = true;
      return "comment";
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) {
      return "string";
    }
    if (stream.match(/^\d+(\.\d+)?\b/)) {
      return "number";
    }
    if (stream.match(/^(true|false|null)\b/)) {
      return "atom";
    }
    if (stream.sol() || /^\s*$/.test(stream.string.slice(0, stream.start))) {
      if (stream.match(/^[A-Za-z_][\w-]*(?=\s*=[^=])/)) {
        return "propertyName";
      }
      if (stream.match(/^[A-Za-z_][\w-]*/)) {
        return "keyword";
      }
    }
    if (!stream.match(/^[A-Za-z_][\w-]*/)) {
      stream.next();
    }
    return null;
  },
};

const BY_EXTENSION: Record<string, () => Extension> = {
  yaml: () => yaml(),
  yml: () => yaml(),
  json: () => json(),
  md: () => markdown(),
  js: () => javascript(),
  mjs: () => javascript(),
  jsx: () => javascript({ jsx: true }),
  ts: () => javascript({ typescript: true }),
  tsx: () => javascript({ jsx: true, typescript: true }),
  tf: () => StreamLanguage.define(hcl),
  tfvars: () => StreamLanguage.define(hcl),
  hcl: () => StreamLanguage.define(hcl),
  sh: () => StreamLanguage.define(shell),
  toml: () => StreamLanguage.define(toml),
  py: () => StreamLanguage.define(python),
  dockerfile: () => StreamLanguage.define(dockerFile),
};

// What colours a file, by its name.
export function languageOf(path: string): Extension[] {
  const extension = path.slice(path.lastIndexOf("/") + 1).split(".").at(-1)?.toLowerCase() ?? "";
  const language = BY_EXTENSION[extension];
  return language ? [language()] : [];
}
