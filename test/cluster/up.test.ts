/** `npm run cluster`, as someone uses it who tries a cluster. */
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { runCommand, startCommand } from '../../src/lib/index.ts';
import { outsideEnv } from '../ward.ts';
import { missingForCluster } from './engines.ts';

const program = fileURLToPath(new URL('up.ts', import.meta.url));
const missing = await missingForCluster();
const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';
/** Prints the state of the process of moto that has this folder for its files. */
const findState = `for each in /proc/[0-9]*; do
  grep -qsa moto_server $each/cmdline && grep -qsa "TMPDIR=$1" $each/environ && sed -n 's/^State:\\t\\(.\\).*/\\1/p' $each/status
done`;

test('says how it is used', async () => {
  const help = await runCommand([process.execPath, program, '--help']);
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--netns') });
  for (const wrong of [['--nodes', 'none'], ['--nodse', '3'], ['3'], ['--netns=yes']]) {
    const refused = await runCommand([process.execPath, program, ...wrong]);
    expect(refused, wrong.join(' ')).toMatchObject({ code: 2, stderr: expect.stringContaining('usage:') });
    expect(refused.stderr, wrong.join(' ')).not.toContain('node:internal');
  }
});

test.skipIf(missing !== undefined)('starts a cluster, takes orders, and leaves nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-try-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  // Other users of the machine must be able to pass through it.
  await chmod(folder, 0o711);
  const child = startCommand([process.execPath, program, '--netns', '--nodes', '1'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...outsideEnv(), TMPDIR: folder },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (child.stdout === null || child.stdin === null) throw new Error('it has no output');
  const said: string[] = [];
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const untilSaid = async (words: RegExp) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`it ended: ${said.join('\n')}`);
      said.push(value);
      if (words.test(value)) return;
    }
  };
  await untilSaid(/^ready/);
  const text = said.join('\n');
  const [node = ''] = [...text.matchAll(/--role \S+ +(http:\S+)/g)].map(([, url]) => url);
  const calls = text.match(/^ {2}(?:export |ward |WARD_APIHOST=).*/gm) ?? [];
  // A terminal of someone who has not put the command on the path.
  const pasted = await runCommand(['sh', '-ec', calls.join('\n')], {
    env: { PATH: systemPath, HOME: folder, WSK_CONFIG_FILE: '/nonexistent' },
  });
  expect(pasted).toMatchObject({ code: 0, stdout: expect.stringContaining('Hello, Ada') });
  child.stdin.write('cut node-1\n');
  await untilSaid(/^done: cut node-1/);
  await expect(fetch(`${node}/ping`, { signal: AbortSignal.timeout(300) })).rejects.toThrow();
  child.stdin.write('join node-1\n');
  await untilSaid(/^done: join node-1/);
  child.stdin.write('kill node-1\n');
  await untilSaid(/^done: kill node-1/);
  child.stdin.write('start node-1\n');
  await untilSaid(/^done: start node-1/);
  expect(await fetch(`${node}/ping`)).toMatchObject({ status: 200 });
  const stateOfMoto = async () => (await runCommand(['sh', '-c', findState, 'sh', folder])).stdout.trim();
  child.stdin.write('freeze moto\n');
  await untilSaid(/^done: freeze moto/);
  expect(await stateOfMoto()).toBe('T');
  child.stdin.write('thaw moto\n');
  await untilSaid(/^done: thaw moto/);
  expect(await stateOfMoto()).toMatch(/^[SR]$/);
  child.stdin.write('kill nothing\n');
  await untilSaid(/there is no nothing/);
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect(await readdir(folder)).toEqual([]);
});
