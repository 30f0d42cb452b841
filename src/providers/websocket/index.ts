export { createWebSocketHandler, WebSocketSessionHandler, type WebSocketHandlerOptions } from "./handler.ts";
export { PROVIDER } from "./traits.ts";
