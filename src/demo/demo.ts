import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createEnvironment } from "../environment.ts";
import { toCcosError } from "../kernel/index.ts";
import { brokenPromises, contradictions } from "./check-story.ts";
import { createNarrator, type Narrator } from "./narrator.ts";
import { packageRoot } from "./package-root.ts";
import type { DemoService } from "./service.ts";
import { closeServices, startServices } from "./services.ts";
import { listenToStory, type Story, type StoryCounts } from "./story.ts";

export interface DemoOptions {
  /** Takes one line of the story at a time, without its end. */
  readonly write: (line: string) => void;
  /** Default false. */
  readonly color?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DemoResult extends StoryCounts {
  /** Everything went as promised, and the services saw what the events told. */
  readonly ok: boolean;
  /** What did not; empty when `ok`. */
  readonly problems: readonly string[];
  /** The counts of each provider; those above are all of them together. */
  readonly providers: Readonly<Record<string, StoryCounts>>;
}

/** After which of its calls a service loses its sessions, and how many of its calls the tour is to serve without a new one. */
const PROMISES: Readonly<Record<string, { readonly loseAfter: number; readonly reuses: number }>> = {
  mcp: { loseAfter: 8, reuses: 5 },
  graphql: { loseAfter: 2, reuses: 2 },
  openapi: { loseAfter: 2, reuses: 2 },
  grpc: { loseAfter: 2, reuses: 2 },
  websocket: { loseAfter: 2, reuses: 2 },
};

/**
 * Runs `examples/tour.rtfs` against services inside this process, one for each protocol, lets each of them lose its
 * sessions half-way, and tells what happened. Needs no network and no configuration, and leaves nothing open.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const tell = createNarrator(options);
  const services = await startServices();
  try {
    tell.heading("Five services");
    tell.services(services);
    return await tour(services, tell, options.signal);
  } finally {
    await closeServices(services);
  }
}

async function tour(
  services: readonly DemoService[],
  tell: Narrator,
  signal: AbortSignal | undefined,
): Promise<DemoResult> {
  const root = packageRoot();
  const source = await readFile(join(root, "examples", "tour.rtfs"), "utf8");
  const env = await createEnvironment({
    capabilities: [join(root, "capabilities", "demo")],
    config: {},
    cwd: root,
    env: Object.fromEntries(services.map(({ variable, url }) => [variable, url])),
  });
  using story = listenToStory(env, (call) => {
    tell.call(call);
    const service = services.find(({ provider }) => provider === call.provider);
    if (service === undefined || call.ordinal !== PROMISES[call.provider]?.loseAfter) return;
    service.loseSessions();
    tell.aside(`The ${call.provider} service loses its sessions now, as a restart would.`);
  });
  const problems: string[] = [];
  try {
    tell.heading("A program");
    tell.line("examples/tour.rtfs calls capabilities by name and never mentions a session:");
    const value = await env.run(source, { file: "examples/tour.rtfs", signal });
    tell.heading("Its value");
    tell.value(value);
  } catch (thrown) {
    const error = toCcosError(thrown);
    problems.push(`The tour failed: ${error.message}${error.remedy === undefined ? "" : ` ${error.remedy}`}`);
  } finally {
    await env.close();
  }
  await everythingClosed(services);
  const providers = new Map(services.map(({ provider }) => [provider, story.counts(provider)]));
  problems.push(...services.flatMap((service) => problemsOf(service, story)));
  tell.heading("What happened");
  tell.counts(providers);
  tell.heading("The sessions");
  tell.sessions(services.flatMap(({ provider }) => story.sessions(provider)));
  for (const problem of problems) tell.problem(problem);
  if (problems.length === 0) tell.line("The services counted the same handshakes, calls and closings.");
  return {
    ...total([...providers.values()]),
    ok: problems.length === 0,
    problems,
    providers: Object.fromEntries(providers),
  };
}

function problemsOf(service: DemoService, story: Story): string[] {
  const { provider } = service;
  const counts = story.counts(provider);
  return [
    ...brokenPromises(provider, counts, PROMISES[provider]?.reuses ?? 0),
    ...contradictions(provider, counts, story.sessions(provider), service.seen()),
  ];
}

/** A connection that its client has closed is closed for its service a little later. */
async function everythingClosed(services: readonly DemoService[]): Promise<void> {
  const end = performance.now() + 1_000;
  while (services.some((service) => service.seen().open > 0) && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

function total(all: readonly StoryCounts[]): StoryCounts {
  const sum = (of: keyof StoryCounts): number => all.reduce((total, counts) => total + counts[of], 0);
  return {
    firstHandshakes: sum("firstHandshakes"),
    reuses: sum("reuses"),
    losses: sum("losses"),
    replacements: sum("replacements"),
    calls: sum("calls"),
    failedCalls: sum("failedCalls"),
    executions: sum("executions"),
  };
}
