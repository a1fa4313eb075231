/** Judges the output of the test on an emulated host. Pure. */
import { z } from 'zod';
import type { Lsm } from './boot.ts';
import { type Check, endLine } from './guest/report.ts';

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** For people: each check with its observation. */
  readonly lines: readonly string[];
}

/** Minimum number of operations that only the LSM refuses, each with the kernel's own line. */
export const leastOperations = 5;

const checkSchema = z.object({
  name: z.string(),
  ok: z.boolean(),
  detail: z.string(),
  audit: z.string().optional(),
  milliseconds: z.number(),
});

/** A test that was cut off, or that showed too few refusals, has failed, even if it prints otherwise. */
export function outcomeOf(lsm: Lsm, output: string): Outcome {
  const said = output.split('\n').map((line) => line.trimEnd());
  const checks = said.flatMap((line) => parseCheck(line) ?? []);
  const refusals = checks.filter(({ name, ok, audit }) => ok && audit && name.startsWith(`only ${lsm} `));
  const faults = [
    ...(said.includes(endLine) ? [] : ['FAIL  the test did not finish']),
    ...(refusals.length >= leastOperations
      ? []
      : [
          `FAIL  ${refusals.length} operations that only ${lsm} refuses; at least ${leastOperations} are required`,
        ]),
  ];
  const passed = checks.filter(({ ok }) => ok).length;
  return {
    passed,
    failed: checks.length - passed + faults.length,
    lines: [...checks.map(lineOf), ...faults],
  };
}

function parseCheck(line: string): Check | undefined {
  if (!line.startsWith('{"name":')) return undefined;
  try {
    return checkSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function lineOf({ ok, name, detail, audit, milliseconds }: Check): string {
  const told = `${ok ? 'ok   ' : 'FAIL '} ${name} (${milliseconds} ms): ${detail}`;
  return audit === undefined ? told : `${told}\n        ${audit}`;
}
