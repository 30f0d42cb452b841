import { textOf, token, type Contender } from "./contender.ts";

/** mcporter as a library; its daemon serves only its command. */
export const mcporter: Contender = {
  name: "mcporter",
  packages: ["mcporter"],
  async open(url) {
    const { createRuntime } = await import("mcporter");
    const headers = { authorization: `Bearer ${token()}` };
    const runtime = await createRuntime({
      servers: [{ name: "bench", command: { kind: "http", url: new URL(url), headers } }],
    });
    return {
      call: async (name, input) => textOf(await runtime.callTool("bench", name, { args: { ...input } })),
      close: () => runtime.close() as Promise<void>,
    };
  },
};
