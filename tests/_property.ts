/**
 * Property tests whose inputs can be had again, as all lots of the tests.
 *
 * @module
 */

import fc from "fast-check";
import { chooseSeed } from "./_seed.ts";

fc.configureGlobal({ seed: chooseSeed() });

export { fc };
