/** A start that can't succeed says what is missing, never says `ready`, and leaves nothing behind. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, startCommand } from '../src/lib/index.ts';
import { imagesDir, missingForSandboxes, outsideEnv } from './ward.ts';

const missing = missingForSandboxes();
const launcher = fileURLToPath(new URL('../bin/ward.mjs', import.meta.url));

describe.skipIf(missing)(`the start${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let dataDir: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-start-'));
    // Sandboxes must reach its content.
    await chmod(folder, 0o711);
    dataDir = join(folder, 'data');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const up = (before: readonly string[], listen = '127.0.0.1:0') =>
    runCommand([...before, process.execPath, launcher, 'up', '--data', dataDir, '--listen', listen], {
      env: { ...outsideEnv(), WARD_IMAGES: imagesDir, WARD_LOG: 'warn' },
      timeoutMs: 60_000,
    });

  /** `sh` runs `order`, then the command. */
  const after = (order: string) => ['sh', '-c', `${order}\nexec "$@"`, 'sh'];

  test.each([
    [
      'CAP_SETUID',
      ['setpriv', '--bounding-set=-setuid,-setgid', '--inh-caps=-setuid,-setgid'],
      /CAP_SETGID is missing.*CAP_SETUID is missing/,
    ],
    [
      'CAP_SYS_ADMIN',
      ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin'],
      /CAP_SYS_ADMIN is missing/,
    ],
    ['open files', after('ulimit -n 1000'), /may have 1000 files open, and needs 4096/],
    ['hardly any open files', after('ulimit -n 200'), /may have 200 files open, and needs 4096/],
    [
      'writable control groups',
      [
        'unshare',
        '--mount',
        '--propagation=private',
        ...after(
          'while read -r _ path type _; do case $type in cgroup*) mount -o remount,bind,ro "$path";; esac; done < /proc/mounts',
        ),
      ],
      /control groups can't be made in \/sys\/fs\/cgroup.*read-only/,
    ],
  ])('without %s it says so, and makes nothing', async (_what, before, why) => {
    const { code, stdout, stderr } = await up(before);
    expect(stderr).toMatch(why);
    expect(stderr).toContain('error[HOST_UNFIT]');
    expect(stderr).toMatch(/^try: /m);
    expect({ code, stdout, made: existsSync(dataDir) }).toEqual({ code: 1, stdout: '', made: false });
  });

  test('a busy port is reported before anything is made', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    try {
      const { code, stdout, stderr } = await up([], `127.0.0.1:${port}`);
      expect(stderr).toContain(`can't listen on 127.0.0.1:${port}: another program listens there`);
      expect({ code, stdout, made: existsSync(dataDir) }).toEqual({ code: 1, stdout: '', made: false });
    } finally {
      other.close();
    }
  });

  test.each([
    ['shown on a terminal', true],
    ['not written into a pipe or a log', false],
  ])('the first key is %s', async (_where, isTerminal) => {
    const keyed = join(folder, isTerminal ? 'terminal' : 'pipe');
    const said = await greeting(
      [process.execPath, launcher, 'up', '--data', keyed, '--listen', '127.0.0.1:0'],
      isTerminal,
    );
    const key = readFileSync(join(keyed, 'guest.auth'), 'utf8').trim();
    expect(said).toContain('guest.auth');
    expect(said).toMatch(/warning: there are no advisories, .*: get them with ward advisories update/);
    expect(said.includes(key)).toBe(isTerminal);
    // The suggested command must reach this server and no other.
    expect(said).toMatch(
      /export WARD_APIHOST=http:\/\/127\.0\.0\.1:\d+ WARD_AUTH=\$\(cat \S+\/guest\.auth\)/,
    );
  });
});

/** A server's output up to the end of its greeting; `script` gives it a terminal. */
async function greeting(argv: readonly string[], isTerminal: boolean): Promise<string> {
  const wrapped = isTerminal ? ['script', '--quiet', '--command', argv.join(' '), '/dev/null'] : [...argv];
  const child = startCommand(wrapped, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...outsideEnv(), WARD_IMAGES: imagesDir, WARD_LOG: 'warn' },
  });
  const ended = once(child, 'close');
  let said = '';
  let isAsked = false;
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said += chunk;
      // `script` passes on a terminal's interrupt character; without a terminal the test sends the signal.
      if (isAsked || !said.includes('action invoke hello')) return;
      isAsked = true;
      if (isTerminal) child.stdin?.write('\x03');
      else child.kill('SIGTERM');
    });
  await ended;
  return said;
}
