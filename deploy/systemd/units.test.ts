import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { upCommand } from '../../src/cli/commands/platform.ts';
import { runCommand, startCommand } from '../../src/lib/index.ts';
import { closeMs } from '../../src/server/processes/until-signal.ts';
import { root } from '../../test/docs/markdown.ts';
import { imagesDir, missingForSandboxes } from '../../test/ward.ts';

const folder = import.meta.dirname;
const units = readdirSync(folder).filter((name) => /\.(?:service|socket|slice)$/.test(name));
const checkout = root.replace(/\/$/, '');
const missing = 'systemd-analyze is not installed (apt-get install systemd)';

/** A unit whose Ward is this checkout. */
function unitText(name: string): string {
  return readFileSync(join(folder, name), 'utf8').replaceAll('/opt/ward', checkout);
}

/** Every value of a setting, in order. */
function valuesOf(name: string, setting: string): readonly string[] {
  return [...unitText(name).matchAll(new RegExp(`^${setting}=(.*)$`, 'gm'))].map((match) => match[1] ?? '');
}

/** Undefined without the program. */
async function analyze(args: readonly string[], texts: Readonly<Record<string, string>>) {
  await using copies = await mkdtempDisposable(join(tmpdir(), 'ward-units-'));
  for (const [name, each] of Object.entries(texts)) await writeFile(join(copies.path, name), each);
  const files = Object.keys(texts).map((name) => join(copies.path, name));
  const argv = ['systemd-analyze', ...args, ...files];
  return await runCommand(argv, { timeoutMs: 60_000 }).catch(() => undefined);
}

test('systemd finds no fault in the units', async (context) => {
  expect(units).toHaveLength(5);
  const texts = Object.fromEntries(units.map((name) => [name, unitText(name)]));
  const done = await analyze(['verify', '--man=no', '--recursive-errors=no'], texts);
  if (done === undefined) return context.skip(missing);
  expect(done).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('a mistake in a unit is found', async (context) => {
  const wrong = unitText('ward-api.service').replace('NoNewPrivileges', 'NoMorePrivileges');
  const done = await analyze(['verify', '--man=no'], { 'ward-api.service': wrong });
  if (done === undefined) return context.skip(missing);
  expect(done.stderr).toContain('NoMorePrivileges');
});

test('an API node is exposed to little, by systemd’s own measure', async (context) => {
  const security = ['security', '--offline=true', '--no-pager', '--threshold=20'];
  const done = await analyze(security, { 'ward-api.service': unitText('ward-api.service') });
  if (done === undefined) return context.skip(missing);
  expect(done.stdout).toMatch(/Overall exposure level for ward-api\.service: 1\.\d OK/);
  expect(done.code).toBe(0);
});

test.each(['ward.service', 'ward-invoker.service'])('%s restricts nothing that sandboxes inherit', (name) => {
  const settings = [...unitText(name).matchAll(/^([A-Z]\w+)=/gm)].map((match) => match[1] ?? '');
  const inherited =
    /^(?:Protect|Private|Restrict|Lock|SystemCall|Capability|Ambient|NoNew|MemoryDeny|Device|ReadOnly)/;
  expect(settings.filter((setting) => inherited.test(setting))).toEqual([]);
  expect(valuesOf(name, 'Delegate')).toEqual(['yes']);
});

test.each(['ward.service', 'ward-api.service', 'ward-invoker.service'])(
  '%s stops as Ward wants it',
  (name) => {
    expect(valuesOf(name, 'KillMode')).toEqual(['mixed']);
    // With the default of `stop.drainSeconds`.
    expect(Number(valuesOf(name, 'TimeoutStopSec')[0]) * 1000).toBeGreaterThan(10_000 + closeMs);
  },
);

test.each(['ward.service', 'ward-api.service', 'ward-invoker.service'])(
  '%s is tried until what it needs is there',
  (name) => {
    expect(valuesOf(name, 'Restart')).toEqual(['on-failure']);
    expect(valuesOf(name, 'StartLimitIntervalSec')).toEqual(['0']);
    // Each try compiles and loads Ward.
    expect(Number(valuesOf(name, 'RestartSec')[0])).toBeGreaterThanOrEqual(1);
  },
);

test.each(['ward.service', 'ward-api.service', 'ward-invoker.service'])(
  '%s goes on when a process of it runs out of memory',
  (name) => {
    const isDelegated = valuesOf(name, 'Delegate')[0] === 'yes';
    // systemd.service(5): the default is continue where Delegate= is on, and stop elsewhere.
    expect(valuesOf(name, 'OOMPolicy')[0] ?? (isDelegated ? 'continue' : 'stop')).toBe('continue');
  },
);

test('secrets come from files, never from the unit', () => {
  for (const name of units)
    for (const setting of ['Environment', 'ExecStart'])
      for (const value of valuesOf(name, setting)) expect(value).not.toMatch(/password|secret|:\/\/[^/]*:/i);
  expect(valuesOf('ward-api.service', 'LoadCredential').map((each) => each.split(':')[0])).toEqual([
    'vault-keys',
    'metrics-token',
    'pgpass',
  ]);
});

test('the token of an invoker is a credential, and the unit starts without it', () => {
  expect(valuesOf('ward-invoker.service', 'LoadCredential')).toEqual(['join-token:/etc/ward/join-token']);
  expect(valuesOf('ward-invoker.service', 'SetCredential')).toEqual(['join-token:\\n']);
  expect(valuesOf('ward-invoker.service', 'ExecStart')).toEqual([
    expect.stringMatching(/ --token-file %d\/join-token$/),
  ]);
  for (const setting of ['Environment', 'EnvironmentFile'])
    expect(valuesOf('ward-invoker.service', setting).join()).not.toMatch(/join|token/i);
});

test('`ward up` knows the flags of the units', () => {
  const flags = upCommand.options.flatMap((option) => option.flags.match(/--[a-z-]+/g) ?? []);
  const roles = upCommand.options.find((option) => option.flags.startsWith('--role'))?.choices;
  for (const name of units.filter((each) => each.endsWith('.service'))) {
    const words = valuesOf(name, 'ExecStart')[0]?.split(' ') ?? [];
    for (const word of words.filter((each) => each.startsWith('--')))
      expect([...flags, '--config'], name).toContain(word);
    expect(roles).toContain(words.includes('--role') ? words[words.indexOf('--role') + 1] : 'all');
  }
});

test('the command of ward.service serves, and ends with 0', { timeout: 120_000 }, async (context) => {
  const reason = missingForSandboxes();
  if (reason !== undefined) return context.skip(reason);
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'ward-unit-'));
  const configFile = join(scratch.path, 'etc/ward/ward.yaml');
  await mkdir(join(scratch.path, 'etc/ward'), { recursive: true });
  const config = { listen: '127.0.0.1:0', data: join(scratch.path, 'data'), invoker: { prewarm: [] } };
  await writeFile(configFile, JSON.stringify(config));
  const [line = ''] = valuesOf('ward.service', 'ExecStart');
  const [cwd = ''] = valuesOf('ward.service', 'WorkingDirectory');
  expect(basename(cwd)).not.toBe('');
  const argv = line.split(' ').map((word) => (word === '/etc/ward/ward.yaml' ? configFile : word));
  const child = startCommand(argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd,
    // As systemd: nothing of a shell's environment.
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', WARD_IMAGES: imagesDir },
  });
  if (child.stdout === null || child.stderr === null) throw new Error('it has no streams');
  const exited = once(child, 'exit');
  const said = text(child.stderr);
  try {
    const [ready] = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      exited.then(async () => [await said]),
    ]);
    const url = /^ready (http\S+)$/.exec(String(ready))?.[1];
    expect(url, String(ready)).toBeDefined();
    expect(await (await fetch(`${url}/ping?ready`)).json()).toMatchObject({ ready: true });
  } finally {
    child.kill('SIGTERM');
  }
  expect(await exited, await said).toEqual([0, null]);
});
