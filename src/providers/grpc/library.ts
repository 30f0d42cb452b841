/** Everything that needs the transport and the messages: loaded with the first session, and not before. */
export { connect, disconnect, isConnected } from "./connect.ts";
export { callOnce, callStream, gather } from "./invoke.ts";
export { FileSchemas, reflectSchema } from "./load-schema.ts";
export { classify } from "./map-error.ts";
