#!/usr/bin/env node
// Plain on purpose: this file must run on a Node that is too old, to say so.
import module from "node:module";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `error[unimplemented]: ccos needs Node 24.15 or newer, and this is Node ${process.versions.node} (${process.execPath}).\n` +
      '  Install Node 24 (https://nodejs.org), or use npx in a folder where ccos is installed next to the package "node".\n',
  );
  process.exitCode = 1;
} else {
  module.enableCompileCache();
  const { main } = await import("./program.ts");
  process.exitCode = await main(process.argv.slice(2));
  // Nothing should be left that keeps the process; if something is, it does not keep the user.
  setTimeout(() => process.exit(), 3000).unref();
}
