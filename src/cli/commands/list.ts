import type { Manifest } from "../../capability/manifest.ts";
import { EXIT, type Command } from "../command-context.ts";
import { withEnvironment } from "../open-environment.ts";
import { tableLines } from "../table.ts";

export const listCommand: Command<{ readonly query?: string | undefined }> = ({ query }, context) =>
  withEnvironment(context, async (env) => {
    const { output, options } = context;
    const found = env.capabilities.list(query);
    if (options.json === true) {
      output.data(found.map(summary));
      return EXIT.done;
    }
    if (found.length === 0) {
      output.note(
        query === undefined
          ? "No capabilities. Name their folder with --capabilities."
          : `No capability contains ${JSON.stringify(query)}.`,
      );
      return EXIT.done;
    }
    const columns = [{ title: "ID" }, { title: "PROVIDER" }, { title: "DESCRIPTION", widest: 80 }];
    const rows = found.map((manifest) => [manifest.id, providerOf(manifest) ?? kindOf(manifest), manifest.description]);
    const [head = "", ...lines] = tableLines(columns, rows);
    output.text(output.styleValue("bold", head));
    for (const line of lines) output.text(line);
    return EXIT.done;
  });

function summary(manifest: Manifest) {
  const { id, name, description, effects, origin } = manifest;
  return { id, name, description, provider: providerOf(manifest) ?? null, effects, file: origin.file ?? null };
}

export function providerOf({ execution }: Manifest): string | undefined {
  return execution.kind === "provider" ? execution.block.provider : undefined;
}

/** What stands in the place of a provider where there is none. */
function kindOf({ execution }: Manifest): string {
  return { implementation: "(code)", native: "(native)", none: "(nothing)", provider: "(provider)" }[execution.kind];
}
