/**
 * How long this runtime takes to import one module, in a process that has
 * imported nothing before: `node bench/import_time.mjs file:///…/framed_tcp.js`.
 */
import process from "node:process";

const startedAt = performance.now();
await import(process.argv[2]);
console.log(
  JSON.stringify({ seconds: (performance.now() - startedAt) / 1_000 }),
);
process.exit(0);
