export {
  createWebSocketHandler,
  WebSocketSessionHandler,
  type WebSocketHandlerOptions,
  type WebSocketSession,
} from "./handler.ts";
export { PROVIDER } from "./traits.ts";
