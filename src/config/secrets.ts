import { CcosError, fail, getOwn, type JsonObject, type Redactor } from "../kernel/index.ts";
import { forEndpoint } from "./endpoints.ts";
import { COMMAND_ORIGIN, isLoopback, normaliseOrigin, transport } from "./origins.ts";

export interface SecretsOptions {
  /** Read anew at every use, so that a rotated secret is seen. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `credentials` of the configuration: the origins each variable may be sent to, and no other. */
  readonly bindings?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Bindings of a file that is not trusted take possibilities away and give none. Default true. */
  readonly bindingsTrusted?: boolean | undefined;
  /** `endpoints` of the configuration. */
  readonly endpoints?: Readonly<Record<string, JsonObject>> | undefined;
  readonly redactor: Pick<Redactor, "add">;
}

/** For whom secrets are asked. */
export interface SecretsFor {
  readonly capabilityId: string;
  readonly trusted: boolean;
  /** What to trust, for the remedy: the folder or file the capability was found in. */
  readonly trustPath?: string | undefined;
  readonly caller?:
    | { readonly id: string; readonly credentials?: Readonly<Record<string, string>> | undefined }
    | undefined;
}

/** What a capability's handler may learn of the environment: the context that handlers are given. */
export interface CapabilitySecrets {
  variable(name: string): string | undefined;
  secret(
    name: string,
    use: { readonly origin: string; readonly fallbackOrigins?: readonly string[] | undefined },
  ): string | undefined;
  authorizeEndpoint(origin: string, variable: string): void;
  authorizeCommand(command: string): void;
  endpointSettings(endpoint: string): JsonObject;
}

export interface Secrets {
  forCapability(who: SecretsFor): CapabilitySecrets;
}

/**
 * The guard of every variable that leaves this process. Each rule refuses with `permission-denied`, naming
 * the variable (never its value), where it would have gone, and what to do.
 */
export function createSecrets(options: SecretsOptions): Secrets {
  const bindings = new Map<string, ReadonlySet<string>>();
  for (const [name, origins] of Object.entries(options.bindings ?? {}))
    bindings.set(name, new Set(origins.map(normaliseOrigin)));
  const granted = (name: string, origin: string): boolean =>
    options.bindingsTrusted !== false && bindings.get(name)?.has(origin) === true;

  return {
    forCapability(who) {
      const trustRemedy = `If you trust it: ccos trust ${who.trustPath ?? "./capabilities"}`;
      // So that a person can be asked and the answer recorded.
      const forTrust = who.trustPath === undefined ? {} : { trustPath: who.trustPath };
      const untrusted = `The capability ${JSON.stringify(who.capabilityId)} was only found in the working directory and is not trusted, so it may`;

      const variable = (name: string): string | undefined => {
        const value = getOwn(options.env, name);
        return value === "" ? undefined : value;
      };

      const held = (name: string): string | undefined => {
        const own = who.caller?.credentials && getOwn(who.caller.credentials, name);
        return own !== undefined && own !== "" ? own : variable(name);
      };

      /** Why this secret must not go to this origin; undefined where it may. */
      const refusal = (name: string, origin: string): CcosError | undefined => {
        const where = origin === COMMAND_ORIGIN ? "a child process" : origin;
        const details = { variable: name, origin };
        if (!who.trusted && !isLoopback(origin)) {
          return new CcosError("permission-denied", `${untrusted} not send the variable ${name} to ${where}.`, {
            remedy: trustRemedy,
            details: { ...details, ...forTrust },
          });
        }
        const bound = bindings.get(name);
        if (bound !== undefined && !bound.has(origin)) {
          return new CcosError(
            "permission-denied",
            `The capability ${JSON.stringify(who.capabilityId)} would send the variable ${name} to ${where}, and the configuration binds it to ${[...bound].join(", ") || "no origin at all"}.`,
            {
              remedy: `Add ${JSON.stringify(origin)} to credentials.${name} in the configuration if it may go there.`,
              details,
            },
          );
        }
        const way = transport(origin);
        if (way === "clear" || (way === "unknown" && !granted(name, origin))) {
          return new CcosError("permission-denied", `The variable ${name} would travel unencrypted to ${where}.`, {
            remedy:
              way === "clear"
                ? "Use an encrypted address (https, wss); only loopback addresses are exempt."
                : `If its protocol encrypts by itself, bind it: "credentials": {"${name}": ["${origin}"]} in the configuration.`,
            details,
          });
        }
        return undefined;
      };

      return {
        variable,
        secret(name, use) {
          const origin = normaliseOrigin(use.origin);
          if (use.fallbackOrigins !== undefined) {
            // Nobody asked for this variable: elsewhere it is just not the one to use.
            const meant =
              use.fallbackOrigins.some((known) => normaliseOrigin(known) === origin) || granted(name, origin);
            const bound = bindings.get(name);
            if (!meant || (bound !== undefined && !bound.has(origin)) || held(name) === undefined) return undefined;
          }
          // Asked before the variable is looked at: an answer must not tell whether it is set.
          const error = refusal(name, origin);
          if (error !== undefined) throw error;
          const value = held(name);
          options.redactor.add(value);
          // A line end that came with it from a file is cut off before use.
          options.redactor.add(value?.trim());
          return value;
        },
        authorizeEndpoint(origin, variableName) {
          if (who.trusted || (origin !== COMMAND_ORIGIN && isLoopback(normaliseOrigin(origin)))) return;
          // The address is the variable's value: it is not repeated here.
          fail(
            "permission-denied",
            `${untrusted} not connect to the address that the variable ${variableName} holds.`,
            {
              remedy: trustRemedy,
              details: { variable: variableName, ...forTrust },
            },
          );
        },
        authorizeCommand(command) {
          if (who.trusted) return;
          fail("permission-denied", `${untrusted} not start the command ${JSON.stringify(command)}.`, {
            remedy: trustRemedy,
            details: { command, ...forTrust },
          });
        },
        endpointSettings: (endpoint) => forEndpoint(options.endpoints ?? {}, endpoint) ?? {},
      };
    },
  };
}
