/** The subpaths of the package: what a bundler makes of each, and where each runtime imports it from. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { isLibrary } from "../scripts/layers.mjs";
import { listFiles } from "../scripts/_files.mjs";
import { readDenoJson } from "../scripts/npm_package.mjs";
import { cache, root } from "../scripts/runtimes.mjs";

const folder = join(cache, "bench", "package");

/** Subpath to source file. @returns {Record<string, string>} */
export function subpaths() {
  return readDenoJson().exports;
}

/**
 * What subpaths together add to a page: minified, and compressed as servers do.
 *
 * @param {readonly string[]} files
 * @returns {Promise<{ minified: number, gzipped: number }>} bytes
 */
export async function bundleSize(files) {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    stdin: {
      contents: files.map((file) => `export * from "${file}";`).join("\n"),
      resolveDir: root,
    },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    // An optional dependency, and no part of this library.
    external: ["ws"],
    logLevel: "error",
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`esbuild made nothing of ${files}`);
  return {
    minified: output.contents.length,
    gzipped: gzipSync(output.contents, { level: 9 }).length,
  };
}

/** Compiles the library file by file, as the npm package has it. */
export async function compileModules() {
  const { build } = await import("esbuild");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: listFiles().filter(isLibrary).map((file) => join(root, file)),
    outdir: folder,
    outbase: root,
    bundle: true,
    format: "esm",
    target: "es2022",
    logLevel: "error",
    plugins: [{
      name: "one file of each",
      setup({ onResolve }) {
        onResolve({ filter: /^\.\.?\// }, ({ path }) => ({
          path: path.replace(/\.ts$/, ".js"),
          external: true,
        }));
        onResolve(
          { filter: /^[^./]/ },
          ({ kind, path }) =>
            kind === "entry-point" ? undefined : { path, external: true },
        );
      },
    }],
  });
}

/**
 * Where a runtime's users import a source file from: Deno the TypeScript that
 * JSR has, others the JavaScript that npm has.
 *
 * @param {import("./_runtimes.mjs").Runtime} runtime
 * @param {string} file
 */
export function moduleUrl(runtime, file) {
  return pathToFileURL(
    runtime === "deno"
      ? join(root, file)
      : join(folder, file.replace(/\.ts$/, ".js")),
  ).href;
}
