/** `ward doctor`, and what Ward does on a host that lacks what its policy requires. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { missingForSandboxes, runWard } from './ward.ts';

const missing = missingForSandboxes();

interface Row {
  readonly name: string;
  readonly vector: string;
  readonly required: boolean;
  readonly available: boolean;
  readonly proven: string;
  readonly evidence: string;
}

async function doctor(...flags: string[]) {
  const { code, stdout, stderr } = await runWard([
    'doctor',
    '-o',
    'json',
    '--data',
    join(folder, 'data'),
    ...flags,
  ]);
  const report: { ok: boolean; rows: Row[]; processes: Row[]; runtimes: Record<string, string> } =
    JSON.parse(stdout);
  return { code, stderr, report };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-doctor-'));
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'data'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function configFile(name: string, config: object): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, stringify(config));
  return path;
}

describe.skipIf(missing !== undefined)(`ward doctor${missing ? ` (${missing})` : ''}`, () => {
  it('proves everything that the default policy requires, each with evidence', async () => {
    const { code, report } = await doctor();
    expect(report.rows.filter((row) => row.required && row.proven !== 'yes')).toEqual([]);
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
    const required = report.rows.filter((row) => row.required).map(({ name }) => name);
    expect(required).toEqual(
      expect.arrayContaining(['memory-limit', 'pids-limit', 'user-namespace', 'seccomp', 'no-capabilities']),
    );
    for (const row of report.rows.filter(({ proven }) => proven === 'yes')) expect(row.evidence).not.toBe('');
    expect(new Set(report.rows.map(({ name }) => name)).size).toBe(report.rows.length);
    const { last: kept, runs } = JSON.parse(await readFile(join(folder, 'data', 'doctor.json'), 'utf8'));
    expect(runs).toMatchObject([{ ok: report.ok, changes: [] }]);
    const { ok, rows, processes, runtimes } = report;
    expect(kept).toMatchObject({ at: expect.any(Number), ok, rows, processes, runtimes });
  });

  it('proves the isolation of its own processes, and says what the host lacks', async () => {
    const { report } = await doctor();
    const names = (required: boolean) =>
      report.processes.filter((row) => row.required === required).map(({ name }) => name);
    const walls = ['privileges', 'keeper', 'others', 'kernel'];
    const helpers = ['scan', 'unpacker'].flatMap((name) =>
      [...walls, 'network'].map((wall) => `${name}-${wall}`),
    );
    expect(names(true)).toEqual([...walls.map((wall) => `server-${wall}`), ...helpers]);
    const optional = ['server', 'scan', 'unpacker'].flatMap((name) => [`${name}-landlock`, `${name}-filter`]);
    expect(names(false)).toEqual(optional);
    for (const row of report.processes) {
      if (row.available)
        expect(row).toMatchObject({ proven: 'yes', evidence: expect.stringMatching(/^refused: /) });
      else
        expect(row).toMatchObject({
          required: false,
          proven: 'skipped',
          chosen: expect.stringContaining('it takes'),
        });
    }
  });

  it('prints the same as a table', async () => {
    const { code, stdout, stderr } = await runWard(['doctor', '--data', join(folder, 'empty')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^MECHANISM +VECTOR +REQUIRED +AVAILABLE +PROVEN +CHOSEN/);
    expect(stdout).toMatch(/\nseccomp +within containers +yes +yes +yes /);
    expect(stdout).toMatch(/\nserver-keeper +ward itself +yes +yes +yes /);
    expect(stderr).toContain('ok: everything that the policy requires works on this host');
    expect(stderr).toMatch(/^advisories: there are no advisories, .*ward advisories update/m);
  });

  it('a required mechanism that this host lacks: exit code 1, named; and nothing starts', async () => {
    const { report } = await doctor();
    const lacking = report.rows.find((row) => !row.available);
    // No kernel enforces AppArmor and SELinux at once, so at least one is always missing.
    if (lacking === undefined) throw new Error('a host with every mechanism');
    const config = await configFile('strict.yaml', { sandbox: { required: [lacking.name] } });
    const strict = await doctor('--config', config);
    expect({ code: strict.code, ok: strict.report.ok }).toEqual({ code: 1, ok: false });
    expect(strict.stderr).toContain(`error[MECHANISM_MISSING]: ${lacking.name}: `);

    const run = await runWard(['sandbox', 'run', '--config', config, 'python:3.13', '--', 'python3', '-V']);
    expect(run).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('POLICY_NOT_MET') });
    expect(run.stderr).toContain(lacking.name);

    const data = join(folder, 'data', randomUUID());
    const up = await runWard(['up', '--config', config, '--data', data, '--listen', '127.0.0.1:0']);
    const [first] = up.stderr.split('\n');
    expect({ code: up.code, stdout: up.stdout, first }).toEqual({
      code: 3,
      stdout: '',
      first: expect.stringMatching(`^error\\[POLICY_NOT_MET\\]: .*${lacking.name} \\(`),
    });
  });

  it.each([
    ['an unknown mechanism', { sandbox: { required: ['magic'] } }, 'sandbox.required.0: no such mechanism'],
    ['an unknown key', { sandbox: { memroy: '1g' } }, 'memroy'],
    ['a limit of the wrong type', { limits: { timeoutMs: 'long' } }, 'limits.timeoutMs'],
    ['limits that exclude each other', { limits: { memoryMiB: { min: 600 } } }, 'limits.memoryMiB'],
  ])('a configuration with %s starts nothing', async (_name, config, said) => {
    const path = await configFile('wrong.yaml', config);
    const up = await runWard([
      'up',
      '--config',
      path,
      '--data',
      join(folder, 'data', randomUUID()),
      '--listen',
      '127.0.0.1:0',
    ]);
    expect(up).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('CONFIG_INVALID') });
    expect(up.stderr).toContain(said);
  });
});
