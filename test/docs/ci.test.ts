/** The jobs of docs/ci.md work when pasted. The test prepares what they would fetch from the network. */
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { reportFiles } from '../../src/cli/scan/report-files.ts';
import { tarOf, writeTestImage } from '../../src/images/images.fixture.ts';
import { runCommand } from '../../src/lib/index.ts';
import { codeBlocksOf, codeWordsOf, columnsOf, readText, root, tableOf } from './markdown.ts';

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
    scan: z.object({
      variables: z.record(z.string(), z.string()),
      script: z.array(z.string()),
      artifacts: z.object({ reports: z.record(z.string(), z.string()) }),
    }),
  })
  .parse(parse(textOf('yaml gitlab')));

const jobs = {
  github: workflow.jobs.scan.steps.flatMap(({ run }) => run ?? []),
  // The container has Ward in /fn.
  gitlab: pipeline.scan.script.map((line) => line.replaceAll('/fn/', 'ward/')),
  anywhere: textOf('sh anywhere').trim().split('\n'),
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

const docker = `#!/bin/sh
case "$1 $2" in
"save app:ci") cat app.tar ;;
run*)
  shift
  while [ "\${1#-}" != "$1" ]; do
    case $1 in --env) export "$2" ;; esac
    case $1 in --rm) shift ;; *) shift 2 ;; esac
  done
  shift
  exec sh ward/scripts/scan-ci.sh "$@" ;;
esac
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-ci-'));
  await symlink(root, join(folder, 'ward'));
  await writeFile(join(folder, 'policy.yaml'), textOf('yaml policy'));
  await mkdir(join(folder, 'bin'));
  // Stand-ins: the build results already exist, and the container's program runs here.
  await writeFile(join(folder, 'bin/docker'), docker);
  await chmod(join(folder, 'bin/docker'), 0o755);
  await writeFile(join(folder, 'osv.json'), JSON.stringify(advisory));
  const imported = await run(['node ward/bin/ward.mjs advisories import osv.json --data .ward']);
  expect(imported.code, imported.stderr).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the steps like a job: one after the other, until one fails. The advisories are prepared. */
async function run(steps: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const path = `${join(folder, 'bin')}:${process.env['PATH']}`;
  return await runCommand(['bash', '-euo', 'pipefail', '-c', steps.join('\n')], {
    cwd: folder,
    env: { ...variables, WARD_ADVISORIES: 'kept', PATH: path, HOME: folder },
    timeoutMs: 120_000,
  });
}

const runJob = {
  github: () => run(jobs.github),
  gitlab: () => run(jobs.gitlab, pipeline.scan.variables),
  anywhere: () => run(jobs.anywhere.filter((step) => !step.includes(' advisories update '))),
};

/** Makes the image and the folder to scan, with a package of this version. */
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

test('the policy of the page is valid, and the jobs name the script’s reports', async () => {
  const checked = await run(['node ward/bin/ward.mjs policy check policy.yaml']);
  expect(checked).toMatchObject({ code: 0, stdout: '' });
  const told = tableOf(document, 'in the folder for reports').rows.flatMap(([name = '']) =>
    codeWordsOf(name),
  );
  expect(told.toSorted()).toEqual(Object.values(reportFiles).toSorted());
  const { container_scanning, cyclonedx, junit } = pipeline.scan.artifacts.reports;
  expect([container_scanning, cyclonedx, junit]).toEqual(
    [reportFiles.gitlab, reportFiles.cyclonedx, reportFiles.junit].map((name) => `reports/${name}`),
  );
  expect(document).toContain(`sarif_file: reports/${reportFiles.sarif}\n`);
});

test('a vulnerable image ends each job with 1 and reports that name it', async () => {
  await build('1.0.0');
  for (const job of [runJob.github, runJob.gitlab]) {
    await rm(join(folder, 'reports'), { recursive: true, force: true });
    expect(await job()).toMatchObject({ code: 1, stdout: expect.stringContaining('\ndenied: ') });
    for (const [format, name] of Object.entries(reportFiles)) {
      const told = format === 'spdx' ? 'pkg:npm/left@1.0.0' : 'CVE-2026-10001';
      expect(await read(`reports/${name}`), name).toContain(told);
    }
  }
  expect(await runJob.anywhere()).toMatchObject({ code: 1 });
});

test('a change that does not add it goes on, and one that does ends with 1', async () => {
  await mkdir(join(folder, 'main'));
  const change = () => run(textOf('sh change').trim().split('\n'), pipeline.scan.variables);
  await writeFile(join(folder, 'main/report.json'), await read('reports/report.json'));
  expect(await change()).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\d findings were in main\/report\.json before: 1 vulnerability/),
  });
  await build('1.0.1');
  expect(await runJob.gitlab()).toMatchObject({ code: 0 });
  await writeFile(join(folder, 'main/report.json'), await read('reports/report.json'));
  await build('1.0.0');
  expect(await change()).toMatchObject({ code: 1 });
});

test('a fixed one lets the jobs go on, as the table says for exit code 0', async () => {
  await build('1.0.1');
  for (const job of Object.values(runJob)) {
    const { code, stderr } = await job();
    expect(code, stderr).toBe(0);
  }
  expect(await read('ward.xml')).toContain('<testsuites');
});

test('without advisories they end with 2, and the reports have an error', async () => {
  await rm(join(folder, '.ward'), { recursive: true });
  for (const job of [runJob.github, runJob.gitlab]) expect(await job()).toMatchObject({ code: 2 });
  expect(JSON.parse(await read('reports/report.sarif'))).toMatchObject({
    runs: [{ invocations: [{ executionSuccessful: false }] }],
  });
  expect(JSON.parse(await read('reports/gl-container-scanning-report.json'))).toMatchObject({
    scan: { status: 'failure', messages: [{ level: 'fatal' }] },
  });
});

test('the exit codes are those of the gate’s page', () => {
  const here = Object.keys(columnsOf(tableOf(document, 'exit'), 'exit', 'means'));
  const there = Object.keys(columnsOf(tableOf(readText('docs/gate.md'), 'exit'), 'exit', 'means'));
  expect(here).toEqual(there);
});
