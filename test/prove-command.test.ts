/** `ward prove` from the command line: what it says, and how it ends. The suite itself is in prove.test.ts. */
import { describe, expect, it } from 'vitest';
import { isIsolated } from '../src/sandbox/index.ts';
import { runWard } from './ward.ts';

const missing = isIsolated() ? undefined : 'needs root: run by npm test';

describe.skipIf(missing !== undefined)(`ward prove${missing ? ` (${missing})` : ''}`, () => {
  it('tells a matrix, and exits with 0 when nothing got out', async () => {
    const { code, stdout, stderr } = await runWard(['prove', '--only', 'mount-*']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(' 0 escaped of ') });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^VECTOR +TECHNIQUE +RESULT /);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines.slice(1))
      expect(line).toMatch(/^escape +mount-\S+ +BLOCKED +(?:E[A-Z]+|killed) /);
  });

  it('is data for a program', async () => {
    const { code, stdout } = await runWard(['prove', '--only', 'mount-proc', '-o', 'json']);
    const report = JSON.parse(stdout);
    expect({ code, ok: report.ok, counts: report.counts }).toEqual({
      code: 0,
      ok: true,
      counts: { BLOCKED: report.techniques.length, ESCAPED: 0, ERROR: 0, SKIPPED: 0 },
    });
    expect(report.techniques.length).toBeGreaterThan(0);
  });

  it('says which techniques there are when none has the name', async () => {
    const { code, stderr } = await runWard(['prove', '--only', 'no-such-thing']);
    expect(code).toBe(2);
    expect(stderr).toContain('error[NO_TECHNIQUE]');
  });
});
