import { defineConfig } from "vite";

// JSX is compiled by Vite itself; fast refresh in development is not worth a plugin.
export default defineConfig({
  // Files find each other by where they stand. Only the shell names paths from the root, and the server puts before them
  // what stands before the portal's own.
  experimental: { renderBuiltUrl: (filename, { hostType }) => (hostType === "html" ? `/${filename}` : { relative: true }) },
  oxc: { jsx: { runtime: "automatic" } },
  // The form library's validator compiles schemas to code, which the content security policy forbids; its test helpers name it.
  resolve: { alias: { "@rjsf/validator-ajv8": "/src/lib/absent.ts" } },
  build: {
    outDir: "dist",
    target: "es2022",
    sourcemap: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      // Component libraries mark client code for frameworks that render on a server; there is none here.
      onLog: (level, log, handler) => (log.code === "MODULE_LEVEL_DIRECTIVE" ? undefined : handler(level, log)),
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:7007", "/sign-in": "http://127.0.0.1:7007" } },
});
