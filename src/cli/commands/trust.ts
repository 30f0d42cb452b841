import { createTrustStore } from "../../config/index.ts";
import { EXIT, type Command } from "../command-context.ts";

/** Records each path as trusted, as it is now. */
export const trustCommand: Command<{ readonly paths: readonly string[] }> = async ({ paths }, context) => {
  const { output } = context;
  const store = createTrustStore(context);
  const records = [];
  for (const path of paths) {
    const record = await store.trust(path);
    records.push(record);
    if (record.files === 0)
      output.note(
        `${output.style("yellow", "warning:")} ${output.style([], path)} holds no capability file yet; one that appears ends its trust.`,
      );
    if (context.options.json === true) continue;
    const what = record.kind === "folder" ? `${record.files} ${record.files === 1 ? "file" : "files"}` : "one file";
    output.note(
      `Trusted: ${output.style([], record.path)} (${what}, sha256 ${record.sha256.slice(0, 12)}…). A change ends it.`,
    );
  }
  if (context.options.json === true)
    output.data(records.map(({ path, kind, sha256, files }) => ({ path, kind, sha256, files })));
  return EXIT.done;
};
