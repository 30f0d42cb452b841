import { describe, test } from "vitest";

import { handlerChecks, type HandlerRig } from "../../testing/index.ts";
import { rigFor } from "./handler-rigs.ts";

const rigs: [string, HandlerRig][] = [
  ["logged in with a cookie, streams as events", rigFor("login", "events")],
  ["logged in with a cookie, streams as pages", rigFor("login", "pages")],
  ["with a bearer token", rigFor("token", "pages")],
  ["with OAuth client credentials", rigFor("oauth", "events")],
];

describe.each(rigs)("the handler for REST services %s", (_name, rig) => {
  for (const { name, run } of handlerChecks(rig)) test(name, run);
});
