import { createTrustStore, loadConfig } from "../../config/index.ts";
import { checkCapabilities } from "../../environment.ts";
import type { ErrorPlace } from "../../kernel/index.ts";
import { EXIT, type Command } from "../command-context.ts";
import { reportError } from "../error-report.ts";
import { environmentOptions } from "../open-environment.ts";

/** Reads and validates files and folders. Nothing in them is executed and nothing is sent. */
export const checkCommand: Command<{ readonly paths: readonly string[] }> = async ({ paths }, context) => {
  const { output, options, cwd } = context;
  const { config } = environmentOptions(context);
  const loaded = await loadConfig({ config, cwd, env: context.env, trust: createTrustStore(context) });
  const providers = Object.keys(loaded.config.providers ?? {});
  const { files, manifests, errors, warnings } = await checkCapabilities(paths, { cwd, providers });
  const code = errors.length === 0 ? EXIT.done : EXIT.badFile;
  if (options.json === true) {
    output.data({
      files: files.length,
      capabilities: manifests.length,
      errors: errors.map((error) => ({
        ...placed(error.place),
        code: error.code,
        message: error.message,
        ...(error.remedy !== undefined && { remedy: error.remedy }),
      })),
      warnings: warnings.map((warning) => ({ ...placed(warning.place), code: warning.code, message: warning.message })),
    });
    return code;
  }
  for (const error of errors) reportError(error, output, { cwd });
  for (const { place, message } of warnings) {
    const at = place === undefined ? "" : `${place.file ?? "text"}:${place.line}:${place.column} `;
    output.note(`${output.style("yellow", "warning:")} ${output.style([], `${at}${message}`)}`);
  }
  const counts = [
    count(files.length, "file"),
    count(manifests.length, "capability", "capabilities"),
    count(errors.length, "error"),
    count(warnings.length, "warning"),
  ];
  output.note(counts.join(", "));
  return code;
};

function placed(place: ErrorPlace | undefined) {
  return { file: place?.file ?? null, line: place?.line ?? null, column: place?.column ?? null };
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
