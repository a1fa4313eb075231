/** `ward prove` from the command line: its output and exit codes. The suite itself is in prove.test.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isIsolated } from '../src/sandbox/index.ts';
import { runWard } from './ward.ts';

const missing = isIsolated() ? undefined : 'needs root: run by npm test';

describe.skipIf(missing !== undefined)(`ward prove${missing ? ` (${missing})` : ''}`, () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'ward-prove-'));
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true }));
  // Reports are kept in the data folder.
  const prove = (...words: readonly string[]) => runWard(['prove', ...words, '--data', dataDir]);

  it('prints a matrix, and exits with 0 when nothing escaped', async () => {
    const { code, stdout, stderr } = await prove('--only', 'mount-*');
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(' 0 escaped of ') });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^VECTOR +TECHNIQUE +RESULT /);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines.slice(1))
      expect(line).toMatch(/^escape +mount-\S+ +BLOCKED +(?:E[A-Z]+|killed) /);
  });

  it('prints JSON for programs', async () => {
    const { code, stdout } = await prove('--only', 'mount-proc', '-o', 'json');
    const report = JSON.parse(stdout);
    expect({ code, ok: report.ok, counts: report.counts }).toEqual({
      code: 0,
      ok: true,
      counts: { BLOCKED: report.techniques.length, ESCAPED: 0, ERROR: 0, NOTHING: 0 },
    });
    expect(report.techniques.length).toBeGreaterThan(0);
  });

  it('--weakened: what must get through does, and skipped techniques say why', async () => {
    const words = ['--weakened', '--only', 'mount-proc', '--only', 'swap-on', '-o', 'json'];
    const { code, stdout } = await prove(...words);
    expect({ code, report: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      report: {
        ok: true,
        counts: { ESCAPED: 1, BLOCKED: 0, ERROR: 0, NOTHING: 0, 'LEFT OUT': 1 },
        techniques: [
          { name: 'mount-proc', outcome: 'ESCAPED', without: expect.arrayContaining(['seccomp']) },
          { name: 'swap-on', outcome: 'LEFT OUT', detail: expect.stringMatching(/the host/) },
        ],
      },
    });
    expect(await prove('--weakened', '--runtime', 'crun')).toMatchObject({ code: 2 });
  });

  it('lists the techniques when none has the given name', async () => {
    const { code, stderr } = await prove('--only', 'no-such-thing');
    expect(code).toBe(2);
    expect(stderr).toContain('error[NO_TECHNIQUE]');
  });
});
