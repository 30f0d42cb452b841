import type { Description, LocalDescription, ServerPlace } from "./description.ts";

export { createGrpcHandler, GrpcSessionHandler, type GrpcSession } from "./handler.ts";
export type { DescribedMethod, Description, LocalDescription, ServerPlace } from "./description.ts";
export { readAddress, type Address } from "./address.ts";

/** Asks a server what it offers, by server reflection, on a connection of its own that is closed again. */
export async function describeServer(place: ServerPlace): Promise<Description> {
  return (await import("./describe.ts")).describeServer(place);
}

/** What a `.proto` file, a folder of them, or a descriptor set describes. */
export async function describeFiles(
  path: string,
  options: { readonly protoPaths?: readonly string[] | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<LocalDescription> {
  return (await import("./describe.ts")).describeFiles(path, options);
}

/** Whether bytes are a descriptor set. */
export async function isDescriptorSet(bytes: Buffer): Promise<boolean> {
  return (await import("./describe.ts")).isDescriptorSet(bytes);
}
