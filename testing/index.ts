/** For tests of programs and handlers: time, chance and peers that a test steers. */
export { createSeededRandom, type Random } from "../src/kernel/index.ts";
export { createFakeClock, type FakeClock, type FakeClockOptions } from "./fake-clock.ts";
export {
  createScriptedHandler,
  type ScriptedCall,
  type ScriptedDials,
  type ScriptedHandler,
} from "./scripted-handler.ts";
export {
  startMcpServer,
  type McpExchange,
  type McpFault,
  type McpServer,
  type McpServerCounts,
  type McpServerDials,
  type McpSessionRecord,
  type McpTool,
  type McpToolCall,
} from "./mcp-server.ts";
export { capabilityOf, driveHandler, type DriverOptions, type HandlerDriver } from "./drive-handler.ts";
export { drivePool, type PoolCall, type PoolDriver, type PoolDriverOptions } from "./drive-pool.ts";
export {
  handlerChecks,
  REJECTION,
  RETRY_AFTER_MS,
  type HandlerCheck,
  type HandlerCheckOptions,
  type HandlerPeer,
  type HandlerRig,
  type PeerAbility,
  type PeerFault,
  type PeerStream,
} from "./handler-suite/index.ts";
export { startMcpStdioServer, type McpStdioServer, type StdioNote, type StdioOrders } from "./mcp-stdio-server.ts";
