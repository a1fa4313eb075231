/** How `npm start` ends for users and service managers: with npm itself, whose scripts run in a shell. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand, startCommand } from '../src/lib/index.ts';
import { missingForSandboxes, outsideEnv } from './ward.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const missing = missingForSandboxes();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-npm-'));
  // Sandboxes must reach the data folder below it.
  await chmod(folder, 0o711);
});
afterAll(() => rm(folder, { recursive: true }));

interface Started {
  readonly npm: ChildProcess;
  readonly url: string;
  /** Exit code of npm. */
  readonly ended: Promise<number | null>;
}

/** Runs it in a process group of its own, as a terminal does. */
async function startByNpm(): Promise<Started> {
  const args = ['--listen', '127.0.0.1:0', '--data', join(folder, 'data'), '--no-link'];
  const npm = startCommand(['npm', 'start', '--', ...args], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...outsideEnv(), WARD_LINK_DIR: join(folder, 'bin') },
  });
  const ended = once(npm, 'exit').then(([code]) => code as number | null);
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    for (const stream of [npm.stdout, npm.stderr])
      stream?.on('data', (chunk) => {
        said += chunk;
        const ready = /^ready (http\S+)$/m.exec(said)?.[1];
        if (ready !== undefined) resolve(ready);
      });
    void ended.then((code) => reject(new Error(`npm start ended with ${code}:\n${said}`)));
  });
  return { npm, url, ended };
}

const isServing = (url: string) =>
  fetch(`${url}/ping`).then(
    ({ ok }) => ok,
    () => false,
  );

test.skipIf(missing !== undefined).each([
  ['SIGTERM to only the process of npm, as scripts and service managers send it', 'SIGTERM', 1],
  ['Ctrl-C, which reaches all processes of a terminal', 'SIGINT', -1],
] as const)(`Ward ends by %s${missing ? ` (${missing})` : ''}`, async (_, signal, whom) => {
  const { npm, url, ended } = await startByNpm();
  expect(await isServing(url)).toBe(true);
  expect(existsSync(join(folder, 'bin'))).toBe(false);
  process.kill(whom * (npm.pid ?? 0), signal);
  await ended;
  await expect.poll(() => isServing(url)).toBe(false);
});

test('SIGTERM in the middle of the set-up ends its child processes, and starts nothing', async () => {
  const checkout = join(folder, 'checkout');
  const bin = join(checkout, 'host-bin');
  await mkdir(bin, { recursive: true });
  await mkdir(join(checkout, 'bin'));
  await cp(join(repository, 'scripts'), join(checkout, 'scripts'), { recursive: true });
  const { scripts } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
  await writeFile(join(checkout, 'package.json'), JSON.stringify({ type: 'module', scripts }));
  await writeFile(join(checkout, 'package-lock.json'), JSON.stringify({ packages: { a: {} } }));
  await writeFile(
    join(checkout, 'bin/ward.mjs'),
    `import { writeFileSync } from 'node:fs'; writeFileSync('served', '');`,
  );
  // Every program exists and prints nothing; npm, which the set-up runs for the packages, hangs.
  await writeFile(join(bin, 'npm'), '#!/bin/sh\necho $$ >npm-pid\nexec /bin/sleep 600\n', { mode: 0o755 });
  for (const [name, target] of [
    ['node', process.execPath],
    ['sh', '/bin/sh'],
    ['env', '/usr/bin/env'],
    ['flock', '/usr/bin/flock'],
    ['getent', '/usr/bin/getent'],
  ] as const)
    await symlink(target, join(bin, name));
  await writeFile(join(checkout, 'scripts/setup/system.mjs'), systemWithNothingMissing);
  const npm = startCommand([(await runCommand(['sh', '-c', 'command -v npm'])).stdout.trim(), 'start'], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: bin, HOME: folder, WARD_IMAGES: join(folder, 'images') },
  });
  const ended = once(npm, 'close');
  let said = '';
  for (const stream of [npm.stdout, npm.stderr]) stream?.on('data', (chunk) => (said += chunk));
  await expect.poll(() => existsSync(join(checkout, 'npm-pid'))).toBe(true);
  const pid = (await readFile(join(checkout, 'npm-pid'), 'utf8')).trim();
  npm.kill('SIGTERM');
  expect((await ended)[0]).not.toBe(0);
  expect(said).toContain('stopped by SIGTERM');
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  expect(existsSync(join(checkout, 'served'))).toBe(false);
});

const systemWithNothingMissing = `
export const missingPrograms = async () => [];
export const hasApt = async () => true;
export const packagesOf = () => [];
export const installCommands = () => [];
export const installPackages = async () => {};
`;
