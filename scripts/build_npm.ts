/**
 * Builds the npm package into `npm/` with dnt, for the release:
 * `deno run --allow-all scripts/build_npm.ts`. It needs JSR; where only npm's
 * registry answers, `npm run build:npm` builds the same package.
 *
 * @module
 */

import { build, emptyDir } from "jsr:@deno/dnt@^0.43.2";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  completePackage,
  npmPackageJson,
  readDenoJson,
} from "./npm_package.mjs";

const outDir = "./npm";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
await emptyDir(outDir);
await build({
  entryPoints: Object.entries(readDenoJson().exports).map(([name, path]) => ({
    name,
    path,
  })),
  outDir,
  // The drivers look for their runtime themselves: a shim would make every runtime look like Deno.
  shims: {},
  scriptModule: false,
  skipSourceOutput: true,
  declaration: "inline",
  // `npm test` runs the tests, on this very package too.
  test: false,
  typeCheck: "single",
  compilerOptions: {
    target: "ES2022",
    lib: ["ESNext", "DOM", "DOM.Iterable"],
    noUncheckedIndexedAccess: true,
  },
  package: {
    ...npmPackageJson("./esm/"),
    // dnt checks types with what is installed here; completePackage takes it out again.
    devDependencies: { "@types/node": "^26.0.0" },
  },
  postBuild() {
    completePackage(outDir, "./esm/");
  },
});
