/**
 * scripts/setup.mjs as a process: on this machine as it is, and in a checkout of its own whose PATH has only what a
 * test puts there. There `apt-get` is a stand-in, because a test must not install programs on the machine.
 */
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type CommandResult, runCommand, startCommand } from '../src/lib/index.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const setUp: { readonly startingNothing: string } = await import(
  join(repository, 'scripts/setup/system.mjs')
);
const { startingNothing } = setUp;
const plan = await runCommand([process.execPath, 'scripts/setup.mjs', '--plan'], { cwd: repository });
const isReady = plan.code === 0;
if (!isReady) console.warn(`skipped: this machine is not set up\n${plan.stdout}`);

test.skipIf(!isReady)('on a ready machine it has nothing to do, the first and the second time', async () => {
  for (const _ of ['once', 'again']) {
    const outcome = await runCommand([process.execPath, 'scripts/setup.mjs', '--no-link'], {
      cwd: repository,
    });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^ready in \d+\.\d s, nothing to do\n$/);
  }
});

const integrity = 'sha512-x';
const locked = {
  '': { name: 'ward' },
  'node_modules/a': { version: '1.0.0', integrity },
  'node_modules/b': { version: '2.0.0', integrity, optional: true },
};
const installed = { 'node_modules/a': locked['node_modules/a'] };

interface Checkout extends AsyncDisposable {
  readonly path: string;
  /** An environment apart from the machine's: programs, folder of the command, record. */
  readonly env: Readonly<Record<string, string>>;
  run(...args: string[]): Promise<CommandResult>;
}

/** A checkout with the given record of installed packages, and a PATH with `programs` (shell scripts) on it. */
async function makeCheckout(
  installedPackages: object | undefined,
  programs: Readonly<Record<string, string>> = {},
): Promise<Checkout> {
  const path = await mkdtemp(join(tmpdir(), 'ward-setup-'));
  const bin = join(path, 'host-bin');
  await mkdir(join(path, 'scripts'));
  await mkdir(join(path, 'node_modules/.bin'), { recursive: true });
  await mkdir(bin);
  for (const name of ['setup.mjs', 'setup'])
    await cp(join(repository, 'scripts', name), join(path, 'scripts', name), { recursive: true });
  await writeFile(join(path, 'package-lock.json'), JSON.stringify({ packages: locked }));
  if (installedPackages !== undefined) {
    const text = JSON.stringify({ packages: installedPackages });
    await writeFile(join(path, 'node_modules/.package-lock.json'), text);
  }
  for (const name of ['env', 'flock', 'sh', 'cat']) await symlink(await which(name), join(bin, name));
  for (const [name, script] of Object.entries(programs)) await addProgram(bin, name, script);
  const env = {
    PATH: bin,
    WARD_CACHE: join(path, 'cache'),
    WARD_LINK_DIR: join(path, 'linked'),
    WARD_SETUP_RECORD: join(path, 'set-up.json'),
  };
  return {
    path,
    env,
    run: (...args) => runCommand([process.execPath, join(path, 'scripts/setup.mjs'), ...args], { env }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

async function addProgram(bin: string, name: string, script: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
}

async function which(name: string): Promise<string> {
  const { stdout } = await runCommand(['/bin/sh', '-c', `command -v ${name}`]);
  return stdout.trim();
}

const hostPrograms = Object.fromEntries(
  [
    'getent',
    'crun',
    'runc',
    'runsc',
    'unshare',
    'setpriv',
    'mount',
    'socat',
    'perl',
    'dpkg-deb',
    'skopeo',
    'nft',
    'ip',
    'pasta',
  ].map((name) => [name, ':']),
);
const busybox = { busybox: 'echo BusyBox v1' };
/** Shell code for stand-ins: sets their folder. */
const here = 'here="$(/usr/bin/dirname "$0")"';

test('packages that match the lock file need only the link for npx', async () => {
  await using checkout = await makeCheckout(installed);
  const outcome = await checkout.run('--packages-only');
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toContain('nothing to do');
  expect(await readlink(join(checkout.path, 'node_modules/.bin/ward'))).toBe('../../bin/ward.mjs');
});

test.each([
  ['nothing is installed', undefined],
  ['a package is missing', {}],
  ['a version differs', { 'node_modules/a': { version: '1.0.1', integrity } }],
  ['the content differs', { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-y' } }],
  ['an optional one is there in another version', { ...installed, 'node_modules/b': { version: '1.0.0' } }],
])('when %s, npm ci is planned', async (_, packages) => {
  await using checkout = await makeCheckout(packages);
  const outcome = await checkout.run('--packages-only', '--plan');
  expect(outcome.code).toBe(1);
  expect(outcome.stdout).toMatch(/^Ward needs one step to be ready:\n {2}1\. install the npm packages/);
});

test('npm runs with the development packages, and not from the folder that it deletes', async () => {
  const record = JSON.stringify({ packages: installed });
  const npm = `echo "$@" > npm-args; echo "$PATH" > npm-path; echo '${record}' > node_modules/.package-lock.json`;
  await using checkout = await makeCheckout(undefined, { npm });
  const outcome = await runCommand(
    [process.execPath, join(checkout.path, 'scripts/setup.mjs'), '--packages-only'],
    {
      env: {
        ...checkout.env,
        PATH: `${join(checkout.path, 'node_modules/.bin')}:${join(checkout.path, 'host-bin')}`,
      },
    },
  );
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  expect(outcome.stdout).toMatch(/\n\[1\/1\] install the npm packages .* … done in \d/);
  expect(await readFile(join(checkout.path, 'npm-args'), 'utf8')).toBe('ci --include=dev\n');
  expect(await readFile(join(checkout.path, 'npm-path'), 'utf8')).toBe(`${checkout.path}/host-bin\n`);
});

test('when npm fails, the end of its log is shown', async () => {
  await using checkout = await makeCheckout(undefined, { npm: 'echo what npm says; exit 3' });
  const outcome = await checkout.run('--packages-only');
  expect(outcome.code).toBe(1);
  expect(outcome.stdout).toMatch(/failed\n$/);
  expect(outcome.stderr).toMatch(/npm ci --include=dev: exit 3\n(.*\n)*what npm says\n/);
});

test.skipIf(process.getuid?.() !== 0)(
  'missing programs are installed by one apt-get, then looked for again',
  async () => {
    const aptGet = [
      'here="$(cd "$(/usr/bin/dirname "$0")" && pwd)"',
      'case "$1" in --version) exit 0 ;; esac',
      'echo "$DEBIAN_FRONTEND $*" >> "$here/apt-calls"',
      '[ "$1" != install ] || for name in crun busybox; do',
      '  printf \'#!/bin/sh\\necho BusyBox v1\\n\' > "$here/$name"; /bin/chmod +x "$here/$name"',
      'done',
    ].join('\n');
    const { crun: _, ...others } = hostPrograms;
    await using checkout = await makeCheckout(installed, { ...others, 'apt-get': aptGet });
    const outcome = await checkout.run('--no-images');
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(
      /1\. install Debian packages: busybox-static crun \(crun runs the sandboxes/,
    );
    const calls = await readFile(join(checkout.path, 'host-bin/apt-calls'), 'utf8');
    const installs = calls.split('\n').filter((line) => line.includes('install'));
    expect(installs).toEqual([
      expect.stringMatching(
        /^noninteractive install -y --no-install-recommends .*DPkg::Lock::Timeout=\d+.* busybox-static crun$/,
      ),
    ]);
    expect((await checkout.run('--no-images')).stdout).toContain('nothing to do');
    // For the uninstaller.
    expect(JSON.parse(await readFile(join(checkout.path, 'set-up.json'), 'utf8'))).toEqual({
      packages: ['busybox-static', 'crun'],
      launchers: [join(checkout.path, 'linked/ward')],
      accounts: [],
    });
  },
);

test.skipIf(process.getuid?.() !== 0)('the server’s account is created once, and recorded', async () => {
  // Stand-ins: a test must not create users on the machine.
  const getent = `${here}; while read -r name; do [ "$name" != "$1:$2" ] || exit 0; done < "$here/accounts"; exit 2`;
  const useradd = `[ "$1" = --help ] || { ${here}; echo "$*" >> "$here/calls"; echo passwd:ward >> "$here/accounts"; }`;
  await using checkout = await makeCheckout(installed, { ...hostPrograms, ...busybox, getent, useradd });
  const bin = join(checkout.path, 'host-bin');
  await writeFile(join(bin, 'accounts'), 'group:ward\n');
  const plan = await checkout.run('--no-images', '--plan');
  expect(plan.code).toBe(1);
  expect(plan.stdout).toContain(
    '1. create the system user ward (the server runs as it, and it owns Ward’s data)',
  );
  expect(await checkout.run('--no-images')).toMatchObject({ code: 0, stderr: '' });
  const call =
    '--system --gid ward --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin --comment Ward ward\n';
  expect(await readFile(join(bin, 'calls'), 'utf8')).toBe(call);
  expect((await checkout.run('--no-images')).stdout).toContain('nothing to do');
  expect(JSON.parse(await readFile(join(checkout.path, 'set-up.json'), 'utf8'))).toMatchObject({
    accounts: ['ward'],
  });
});

test.skipIf(process.getuid?.() !== 0)('without useradd, systemd-sysusers creates it', async () => {
  const getent = `${here}; [ "$1" = passwd ] && [ -e "$here/made" ] || exit 2`;
  const sysusers = `${here}; echo "$@" > "$here/made"`;
  const programs = { ...hostPrograms, ...busybox, getent, 'systemd-sysusers': sysusers };
  await using checkout = await makeCheckout(installed, programs);
  expect(await checkout.run('--no-images')).toMatchObject({ code: 0, stderr: '' });
  expect(await readFile(join(checkout.path, 'host-bin/made'), 'utf8')).toBe(
    '--inline u ward - "Ward" /nonexistent /usr/sbin/nologin\n',
  );
});

test('the policy that keeps services from starting during an installation outlives no signal and no killed set-up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-policy-'));
  const policy = join(folder, 'policy-rc.d');
  const start = () => {
    const installing = ['sh', '-c', 'echo begun; read go; cat "$1"; exit 3', 'sh', policy];
    return startCommand(['sh', '-c', startingNothing, policy, ...installing], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
  };
  const heard = async (child: ChildProcess) => String((await once(child.stdout as Readable, 'data'))[0]);
  const end = async (child: ChildProcess) => {
    const text = heard(child);
    child.stdin?.end('go\n');
    const [code] = await once(child, 'exit');
    return [await text, code];
  };
  const forbidding = expect.stringMatching(/^#!\/bin\/sh\n# Ward’s .*\nexit 101\n$/);
  const interrupted = start();
  await heard(interrupted);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.kill(-(interrupted.pid ?? 0), signal);
  expect(await end(interrupted)).toEqual([forbidding, 3]);
  expect(existsSync(policy)).toBe(false);
  const killed = start();
  await heard(killed);
  process.kill(-(killed.pid ?? 0), 'SIGKILL');
  await once(killed, 'exit');
  expect(existsSync(policy)).toBe(true);
  const next = start();
  await heard(next);
  expect(await end(next)).toEqual([forbidding, 3]);
  expect(existsSync(policy)).toBe(false);
  await writeFile(policy, 'the machine’s own');
  const last = start();
  await heard(last);
  expect(await end(last)).toEqual(['the machine’s own', 3]);
  expect(await readFile(policy, 'utf8')).toBe('the machine’s own');
  await rm(folder, { recursive: true });
});

test('only the tests need clients of a registry, and proxies', async () => {
  await using checkout = await makeCheckout(installed, { ...hostPrograms, ...busybox });
  const lock = '{}';
  await mkdir(join(checkout.path, 'test/serverless'), { recursive: true });
  await writeFile(join(checkout.path, 'test/serverless/package-lock.json'), lock);
  const lacking = await checkout.run('--no-images', '--tests', '--plan');
  expect(lacking.code).toBe(1);
  // The set-up looks for PostgreSQL, which Debian keeps off the path, and for a font and modules of rsyslog and Python where they are installed.
  expect(lacking.stdout).toMatch(
    /install Debian packages: buildah caddy chromium cosign (fonts-dejavu-core )?kustomize nats-server nginx openssl oras pebble podman (postgresql-17 )?promtool pyflakes3 (python3-flask-cors )?(python3-moto )?redis-server (rsyslog-gnutls )?systemd umoci \(buildah tests push/,
  );
  for (const name of [
    'buildah',
    'caddy',
    'chromium',
    'cosign',
    'kustomize',
    'nats-server',
    'nginx',
    'openssl',
    'oras',
    'pebble',
    'podman',
    'promtool',
    'pyflakes3',
    'redis-server',
    'systemd-analyze',
    'umoci',
  ]) {
    await addProgram(join(checkout.path, 'host-bin'), name, 'exit 0');
  }
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  await mkdir(join(checkout.path, 'cache/serverless', digest, 'node_modules'), { recursive: true });
  const whole = await checkout.run('--no-images', '--tests', '--plan');
  const isInstalled = !/postgresql-17|python3-|rsyslog/.test(lacking.stdout);
  expect(whole.code).toBe(isInstalled ? 0 : 1);
});

test('only the benchmarks need wrk, which exits with 1 after saying its version', async () => {
  const browser = { chromium: 'echo Chromium' };
  await using checkout = await makeCheckout(installed, { ...hostPrograms, ...busybox, ...browser });
  expect((await checkout.run('--no-images', '--plan')).code).toBe(0);
  const lacking = await checkout.run('--no-images', '--bench', '--plan');
  expect(lacking.code).toBe(1);
  expect(lacking.stdout).toContain('install Debian packages: wrk (wrk makes the load of the benchmarks)');
  await addProgram(join(checkout.path, 'host-bin'), 'wrk', 'echo wrk debian/4.1.0; exit 1');
  expect((await checkout.run('--no-images', '--bench', '--plan')).code).toBe(0);
});

test.skipIf(process.getuid?.() !== 0)('an installation that installs nothing is a failure', async () => {
  await using checkout = await makeCheckout(installed, { ...hostPrograms, 'apt-get': 'echo done' });
  const outcome = await checkout.run('--no-images');
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain('still missing after the installation: busybox');
});

test('without apt, the commands are printed', async () => {
  await using checkout = await makeCheckout(installed, hostPrograms);
  const outcome = await checkout.run('--no-images');
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain('  apt-get install -y --no-install-recommends busybox-static\n');
});

test.skipIf(process.getuid?.() !== 0)('without root and sudo, the commands are printed', async () => {
  await using checkout = await makeCheckout(installed, { ...hostPrograms, 'apt-get': 'exit 0' });
  // A user namespace without mapped users: the set-up sees that it is not root.
  const outcome = await runCommand(
    [await which('unshare'), '--user', process.execPath, 'scripts/setup.mjs', '--no-images'],
    { cwd: checkout.path, env: checkout.env },
  );
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toMatch(
    /only root can install packages; run:\n {2}sudo apt-get update\n {2}sudo apt-get install/,
  );
});

test('a second set-up waits for the first, then looks again', async () => {
  await using checkout = await makeCheckout(installed, hostPrograms);
  const lock = join(checkout.path, '.cache/setup/lock');
  await mkdir(dirname(lock), { recursive: true });
  const holder = startCommand([await which('flock'), lock, 'sh', '-c', 'echo locked; cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => holder.stdout?.once('data', resolve));
  await addProgram(join(checkout.path, 'host-bin'), 'apt-get', ':');
  const second = startCommand([process.execPath, join(checkout.path, 'scripts/setup.mjs'), '--no-images'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...checkout.env, WARD_NO_LINK: '1' },
  });
  const ended = new Promise<number | null>((resolve) => second.on('close', resolve));
  let said = '';
  await new Promise<void>((resolve) => {
    second.stdout?.on('data', (chunk) => {
      said += chunk;
      if (said.includes('waiting')) resolve();
    });
  });
  await addProgram(join(checkout.path, 'host-bin'), 'busybox', busybox.busybox);
  holder.stdin?.end();
  expect(await ended).toBe(0);
  expect(said).toMatch(
    /^another set-up of this checkout is running, waiting for it\nready in .*, nothing to do\n$/,
  );
});

test.each([
  [['--nonsense'], 2, 'unknown argument --nonsense'],
  [['--plan', '--no-images', '--packages-only'], 0, ''],
])('the arguments %j', async (args, code, message) => {
  await using checkout = await makeCheckout(installed);
  const outcome = await checkout.run(...args);
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toContain(message);
});
