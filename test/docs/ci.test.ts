/** docs/ci.md works when it is pasted: its jobs are run, with what they fetch from elsewhere put there before. */
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { tarOf, writeTestImage } from '../../src/images/images.fixture.ts';
import { runCommand } from '../../src/lib/index.ts';
import { codeBlocksOf, columnsOf, readText, root, tableOf } from './markdown.ts';

const document = readText('docs/ci.md');
const blocks = codeBlocksOf(document);
const textOf = (info: string) => blocks.find((block) => block.info === info)?.text ?? '';

const workflow = z
  .object({
    jobs: z.object({ scan: z.object({ steps: z.array(z.object({ run: z.string().optional() })) }) }),
  })
  .parse(parse(textOf('yaml github')));
const pipeline = z
  .object({
    scan: z.object({ variables: z.record(z.string(), z.string()), script: z.array(z.string()) }),
  })
  .parse(parse(textOf('yaml gitlab')));

const jobs = {
  github: workflow.jobs.scan.steps.flatMap(({ run }) => run ?? []),
  gitlab: pipeline.scan.script,
  anywhere: textOf('sh').trim().split('\n'),
};

const advisory = {
  id: 'GHSA-aaaa-bbbb-cccc',
  modified: new Date().toISOString(),
  aliases: ['CVE-2026-10001'],
  summary: 'Command injection in left',
  affected: [
    {
      package: { ecosystem: 'npm', name: 'left' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.0.1' }] }],
    },
  ],
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-ci-'));
  await symlink(root, join(folder, 'ward'));
  await writeFile(join(folder, 'policy.yaml'), textOf('yaml policy'));
  await mkdir(join(folder, 'bin'));
  // Stand-ins: the results of building, cloning and installing are there already.
  for (const [name, script] of [
    ['docker', 'case "$*" in "save app:ci") cat app.tar;; esac'],
    ['npm', ''],
    ['git', ''],
  ] as const) {
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'bin', name), 0o755);
  }
  await writeFile(join(folder, 'osv.json'), JSON.stringify(advisory));
  const imported = await run(['node ward/bin/ward.mjs advisories import osv.json --data .ward']);
  expect(imported.code, imported.stderr).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As a job does: one after the other, until one fails. */
async function run(steps: readonly string[]) {
  return await runCommand(['bash', '-euo', 'pipefail', '-c', steps.join('\n')], {
    cwd: folder,
    env: { ...pipeline.scan.variables, PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HOME: folder },
    timeoutMs: 120_000,
  });
}

/** Downloads are left out, which go on without a network. */
function withoutUpdate(steps: readonly string[]): readonly string[] {
  return steps.filter((step) => !/ advisories update --data \.ward \|\| true$/.test(step));
}

/** The image and the folder that are scanned, with a package of this version. */
async function build(version: string): Promise<void> {
  const content = JSON.stringify({ name: 'left', version });
  const files = [{ name: 'app/node_modules/left/package.json', content }];
  const layout = await mkdtemp(join(folder, 'layout-'));
  await writeTestImage(layout, { tag: 'v1', layers: [await tarOf(files)] });
  expect((await run([`tar -C ${layout} -cf app.tar .`])).code).toBe(0);
  await mkdir(join(folder, 'dist/node_modules/left'), { recursive: true });
  await writeFile(join(folder, 'dist/node_modules/left/package.json'), content);
}

const read = (name: string) => readFile(join(folder, name), 'utf8');

test('each job updates the advisories, and the policy of the page has no fault', async () => {
  expect(jobs.github.length - withoutUpdate(jobs.github).length).toBe(1);
  expect(jobs.gitlab.length - withoutUpdate(jobs.gitlab).length).toBe(1);
  const checked = await run(['node ward/bin/ward.mjs policy check policy.yaml']);
  expect(checked).toMatchObject({ code: 0, stdout: '' });
});

test('a vulnerable image ends each job with 1 and a report that names it', async () => {
  await build('1.0.0');
  for (const steps of [jobs.github, jobs.gitlab]) {
    expect(await run(withoutUpdate(steps))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('denied: '),
    });
  }
  expect(await run(jobs.anywhere)).toMatchObject({ code: 1 });
  expect(JSON.parse(await read('ward.sarif'))).toMatchObject({
    runs: [
      {
        invocations: [{ executionSuccessful: true }],
        results: expect.arrayContaining([expect.objectContaining({ ruleId: 'CVE-2026-10001' })]),
      },
    ],
  });
  const report = JSON.parse(await read('gl-container-scanning-report.json'));
  expect(report).toMatchObject({ scan: { status: 'success' } });
  expect(JSON.stringify(report.vulnerabilities)).toContain('CVE-2026-10001');
});

test('a fixed one lets them go on, as the table says of exit code 0', async () => {
  await build('1.0.1');
  for (const steps of Object.values(jobs)) {
    const { code, stderr } = await run(withoutUpdate(steps));
    expect(code, stderr).toBe(0);
  }
  expect(await read('ward.xml')).toContain('<testsuites');
});

test('without advisories they end with 2, and the reports tell it as an error', async () => {
  await rm(join(folder, '.ward'), { recursive: true });
  for (const steps of [jobs.github, jobs.gitlab])
    expect(await run(withoutUpdate(steps))).toMatchObject({ code: 2 });
  expect(JSON.parse(await read('ward.sarif'))).toMatchObject({
    runs: [{ invocations: [{ executionSuccessful: false }] }],
  });
  expect(JSON.parse(await read('gl-container-scanning-report.json'))).toMatchObject({
    scan: { status: 'failure', messages: [{ level: 'fatal' }] },
  });
});

test('the exit codes are those of the gate’s page', () => {
  const here = Object.keys(columnsOf(tableOf(document, 'exit'), 'exit', 'means'));
  const there = Object.keys(columnsOf(tableOf(readText('docs/gate.md'), 'exit'), 'exit', 'means'));
  expect(here).toEqual(there);
});
