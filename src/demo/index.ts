export { runDemo, type DemoOptions, type DemoResult } from "./demo.ts";
export {
  startEmbeddedServer,
  type EmbeddedServer,
  type EmbeddedServerOptions,
  type EmbeddedServerStats,
} from "./embedded-server.ts";
export { packageRoot } from "./package-root.ts";
export { serveEmbedded } from "./serve.ts";
