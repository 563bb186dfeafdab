/**
 * Registers tests in the same words on Deno, Bun and Node.
 *
 * @module
 */

/** What a test may ask of its registration. */
export interface TestOptions {
  /** Milliseconds after which the test fails. Default: 30,000. */
  readonly timeoutMs?: number;
}

/** Registers one test, named by the behaviour that it proves. */
export function test(
  name: string,
  run: () => void | Promise<void>,
  options: TestOptions = {},
): void {
  register(name, run, options.timeoutMs ?? 30_000);
}

const register = await chooseRegistration();

async function chooseRegistration(): Promise<
  (name: string, run: () => void | Promise<void>, timeoutMs: number) => void
> {
  if ("Deno" in globalThis) {
    return (name, run, timeoutMs) => {
      Deno.test({
        name,
        sanitizeOps: true,
        sanitizeResources: true,
        fn: () => withTimeout(name, run, timeoutMs),
      });
    };
  }
  const { test: nodeTest } = await import("node:test");
  return (name, run, timeoutMs) => {
    nodeTest(name, () => withTimeout(name, run, timeoutMs));
  };
}

async function withTimeout(
  name: string,
  run: () => void | Promise<void>,
  timeoutMs: number,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`"${name}" took longer than ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    await Promise.race([run(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
