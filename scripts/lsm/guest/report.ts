/** The output of the test: one JSON line for each check, and one at its end. */
import { inspect } from 'node:util';

export interface Finding {
  readonly ok: boolean;
  /** The observation, for people. */
  readonly detail: string;
  /** The kernel's own line about a refusal. */
  readonly audit?: string | undefined;
}

export interface Check extends Finding {
  readonly name: string;
  readonly milliseconds: number;
}

/** The last line: without it the test was cut off. */
export const endLine = 'end of the test';

/** Runs one check, which fails if it throws. */
export async function check(name: string, run: () => Promise<Finding>): Promise<void> {
  const startedAt = performance.now();
  const finding = await run().catch((error: unknown): Finding => ({ ok: false, detail: inspect(error) }));
  const milliseconds = Math.round(performance.now() - startedAt);
  const told: Check = { name, ...finding, milliseconds };
  console.log(JSON.stringify(told));
}
