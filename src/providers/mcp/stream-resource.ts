import type { StreamEvent } from "../../kernel/index.ts";
import type { SessionCall, SessionContext } from "../../session/handler.ts";
import type { Connection } from "./connect.ts";
import { paramsOf } from "./operation.ts";
import { Changes } from "./resource-changes.ts";
import type { CallRunner } from "./run-call.ts";
import { listenFor, subscribeTo } from "./subscribe-resource.ts";
import { callSettings } from "./target.ts";

/**
 * What a resource holds now, and again whenever the server says that it has changed. Changes that come while nobody
 * takes the last one are one: nothing is kept but that there was one. Where the server does not tell of changes, the
 * content is the result, after a word about that.
 */
export async function* streamResource(
  calls: CallRunner,
  connection: Connection,
  call: SessionCall,
  context: SessionContext,
): AsyncGenerator<StreamEvent, undefined> {
  const { operation } = callSettings(call.target);
  const { uri } = (await paramsOf(operation, call)) as { uri: string };
  const changes = new Changes(uri, call.signal);
  const subscribe = connection.era === "modern" ? listenFor : subscribeTo;
  const end = await subscribe(connection, uri, changes, call);
  if (end === undefined) {
    yield { type: "log", level: "notice", value: "The server does not tell of changes: this is what it holds now." };
    yield { type: "result", value: await calls.run(connection, call, context) };
    return undefined;
  }
  try {
    changes.happened();
    while (await changes.next()) yield { type: "data", value: await calls.run(connection, call, context) };
  } finally {
    await end();
  }
  return undefined;
}
