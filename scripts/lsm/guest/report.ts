/** What the test says: one JSON line for each thing that should hold. */
import { inspect } from 'node:util';

export interface Finding {
  readonly ok: boolean;
  /** What was seen, for people. */
  readonly detail: string;
  /** The kernel's own line about a refusal. */
  readonly audit?: string | undefined;
}

/** Runs one check; what it throws is a failure of it. */
export async function check(name: string, run: () => Promise<Finding>): Promise<void> {
  const startedAt = performance.now();
  const finding = await run().catch((error: unknown): Finding => ({ ok: false, detail: inspect(error) }));
  const milliseconds = Math.round(performance.now() - startedAt);
  console.log(JSON.stringify({ name, ...finding, milliseconds }));
}
