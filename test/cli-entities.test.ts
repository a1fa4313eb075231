/** The command line against a real Ward: every kind of entity, feeds, the API gateway, projects, keys. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployHeld } from './held-action.ts';
import { type CliResult, missingForSandboxes, startWard, Ward } from './ward.ts';

const missing = missingForSandboxes();

let ward: Ward;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-cli-e2e-'));
  if (missing !== undefined) return;
  ward = await Ward.start({
    invoker: { memoryMiB: 2048, prewarm: [] },
    limits: { firesPerMinute: 1_000_000 },
  });
  await ward.raiseLimits();
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

/** Runs a command that must succeed, and returns its stdout. */
async function cli(...words: readonly string[]): Promise<string> {
  const outcome = await ward.cli(words);
  expect({ ...outcome, stdout: '' }).toEqual({ ...outcome, stdout: '', code: 0 });
  return outcome.stdout;
}

async function json(...words: readonly string[]) {
  return JSON.parse(await cli(...words, '-o', 'json'));
}

async function refused(...words: readonly string[]): Promise<CliResult> {
  const outcome = await ward.cli(words);
  expect(outcome.code).not.toBe(0);
  return outcome;
}

const greet = 'exports.main = ({ name = "you", greeting = "Hello" }) => ({ text: greeting + ", " + name });';

describe.skipIf(missing !== undefined)(`the command line${missing ? ` (${missing})` : ''}`, () => {
  it('packages: parameters for all their actions, bindings, deletion with all content', async () => {
    const source = await file('greet.js', greet);
    await cli(
      'package',
      'create',
      'tools',
      '-p',
      'greeting',
      'Hi',
      '--shared',
      'yes',
      '-a',
      'description',
      'tools',
    );
    await cli('action', 'create', 'tools/greet', source, '-a', 'description', 'greets');
    await cli('package', 'bind', '/_/tools', 'mine', '-p', 'greeting', 'Ho');
    expect(await json('action', 'invoke', 'tools/greet', '-r')).toEqual({ text: 'Hi, you' });
    expect(await json('action', 'invoke', 'mine/greet', '-r', '-p', 'name', 'Ada')).toEqual({
      text: 'Ho, Ada',
    });
    expect(await cli('package', 'get', 'tools', '--summary')).toMatch(
      /^package \/guest\/tools: tools\n {3}\(parameters: \*greeting\)\n action \/guest\/tools\/greet: greets\n/,
    );
    expect(await cli('package', 'list')).toMatch(/\nmine .* \/guest\/tools /);
    expect(await cli('action', 'list', 'tools', '-o', 'name')).toBe('tools/greet\n');
    expect((await refused('package', 'delete', 'tools')).stderr).toContain('Package not empty');
    await cli('package', 'delete', 'mine');
    await cli('package', 'delete', 'tools', '--recursive');
    expect((await refused('package', 'get', 'tools')).code).toBe(5);
  });

  it('sequences and copies', async () => {
    await cli(
      'action',
      'create',
      'first',
      await file('first.js', 'exports.main = ({ n }) => ({ n: n + 1 });'),
    );
    await cli('action', 'create', 'twice', '--sequence', 'first,/_/first');
    expect(await json('action', 'invoke', 'twice', '-r', '-p', 'n', '1')).toEqual({ n: 3 });
    expect(await cli('action', 'get', 'twice')).toMatch(
      /\nkind +sequence\ncomponents +\/guest\/first, \/guest\/first\n/,
    );
    await cli('action', 'create', 'again', 'first', '--copy', '-a', 'why', 'a copy');
    expect(await json('action', 'invoke', 'again', '-r', '-p', 'n', '1')).toEqual({ n: 2 });
  });

  it('a change of code is shown, and taken back', async () => {
    const source = await file('back.js', 'const a = 1;\nexports.main = () => ({ a });\n');
    await cli('action', 'create', 'back', source);
    const none = await refused('action', 'diff', 'back');
    expect(none).toMatchObject({ code: 5, stderr: expect.stringContaining('No earlier code') });
    await cli(
      'action',
      'update',
      'back',
      await file('back.js', 'const a = 2;\nexports.main = () => ({ a });\n'),
    );
    expect(await cli('action', 'diff', 'back')).toMatch(
      /^--- a\/back\n\+\+\+ b\/back\n@@ .*\n-const a = 1;\n\+const a = 2;\n exports/,
    );
    await cli('action', 'revert', 'back');
    expect(await json('action', 'invoke', 'back', '-r')).toEqual({ a: 1 });
    const lines = expect.stringContaining('-const a = 2;\n+const a = 1;\n');
    expect(await json('action', 'diff', 'back', '-o', 'json')).toEqual({
      name: 'back',
      earlier: { version: '0.0.2', replaced: expect.any(Number), kind: 'nodejs:24' },
      now: { version: '0.0.3', kind: 'nodejs:24' },
      files: [{ path: 'back', change: 'changed', diff: lines }],
    });
  });

  it('web actions: their address, their secret', async () => {
    const source = await file('page.js', 'exports.main = () => ({ body: "<b>hi</b>" });');
    await cli('action', 'create', 'page', source, '--web', 'true', '--web-secure', 'true');
    const url = (await cli('action', 'get', 'page', '--url')).trim();
    expect(url).toBe(`${ward.url}/api/v1/web/guest/default/page`);
    expect((await fetch(url)).status).toBe(401);
    const annotations: { key: string; value: unknown }[] = await json('action', 'get', 'page', 'annotations');
    const secret = String(annotations.find(({ key }) => key === 'require-whisk-auth')?.value);
    const reply = await fetch(url, { headers: { 'x-require-whisk-auth': secret } });
    expect([reply.status, await reply.text()]).toEqual([200, '<b>hi</b>']);
    await cli('action', 'update', 'page', '--web-secure', 'false');
    expect((await fetch(url)).status).toBe(200);
    await cli('action', 'update', 'page', '--web', 'no');
    expect((await fetch(url)).status).toBe(404);
  });

  it('Ward’s own limits', async () => {
    const args = ['--cpus', '0.5', '--disk', '32', '--instances', '2', '-m', '128'];
    await cli('action', 'create', 'small', await file('small.js', greet), ...args);
    expect(await json('action', 'get', 'small', 'limits')).toMatchObject({
      cpus: 0.5,
      disk: 32,
      instances: 2,
    });
    expect((await refused('action', 'update', 'small', '--cpus', '1000')).code).toBe(2);
  });

  it('triggers and rules: fired, disabled, enabled, deleted', async () => {
    await cli('action', 'create', 'heard', await file('heard.js', greet));
    await cli('trigger', 'create', 'arrived', '-p', 'greeting', 'Welcome');
    expect((await ward.cli(['trigger', 'fire', 'arrived'])).stderr).toContain('none of its rules is active');
    await cli('rule', 'create', 'hear', 'arrived', 'heard');
    expect(await cli('rule', 'list')).toMatch(/\nhear +active +arrived +heard /);
    const id = (await cli('trigger', 'fire', 'arrived', '-p', 'name', 'Ada')).trim();
    const { logs } = await ward.activation(id);
    const started = JSON.parse(logs[0]).activationId;
    await ward.activation(started);
    expect(await json('activation', 'result', started)).toEqual({ text: 'Welcome, Ada' });
    expect(await cli('activation', 'list', 'arrived')).toMatch(new RegExp(`${id} +success`));
    await cli('rule', 'disable', 'hear');
    expect(await cli('rule', 'status', 'hear')).toBe('inactive\n');
    await cli('rule', 'enable', 'hear');
    expect(await cli('trigger', 'get', 'arrived')).toMatch(/\nrules +hear → heard \(active\)\n/);
    expect(await cli('list', '-o', 'name')).toContain('rule/hear\n');
    await cli('rule', 'delete', 'hear', '--disable');
    await cli('trigger', 'delete', 'arrived');
    expect((await refused('rule', 'create', 'hear', 'arrived', 'heard')).code).toBe(2);
  });

  it('feeds: from creation to deletion, and a refusing feed leaves nothing', async () => {
    const alarm = ['--feed', '/whisk.system/alarms/alarm'];
    await cli('trigger', 'create', 'nightly', ...alarm, '-p', 'cron', '0 3 * * *');
    const shown = await json('trigger', 'get', 'nightly');
    expect(shown.feed.config).toMatchObject({ cron: '0 3 * * *' });
    await cli('trigger', 'update', 'nightly', '-F', 'cron', '0 4 * * *');
    expect((await json('trigger', 'get', 'nightly')).feed.config).toMatchObject({ cron: '0 4 * * *' });
    await cli('trigger', 'delete', 'nightly');
    const bad = await refused('trigger', 'create', 'never', ...alarm, '-p', 'cron', 'now and then');
    expect(bad.stderr).toContain('error[FEED_FAILED]');
    expect(await cli('trigger', 'list', '-o', 'name')).not.toContain('never');
  });

  it('dead letters: listed, replayed, discarded', async () => {
    const source = await file('broken.js', 'exports.main = () => ({ error: "it broke" });');
    await cli('action', 'create', 'broken', source);
    await cli('trigger', 'create', 'lost');
    await cli(
      'rule',
      'create',
      'losing',
      'lost',
      'broken',
      '-a',
      'retry',
      '{"attempts": 1, "backoffMs": 100}',
    );
    const lettersOf = async (): Promise<{ id: string }[]> => json('rule', 'dead-letters', 'losing');
    await cli('trigger', 'fire', 'lost', '-p', 'name', 'Ada');
    await ward.until(async () => (await lettersOf()).length === 1);
    const [letter] = await lettersOf();
    expect(letter).toMatchObject({ rule: 'losing', attempts: 1 });
    await cli('action', 'update', 'broken', await file('mended.js', greet));
    const [replayed = ''] = (await cli('rule', 'replay', 'losing')).split('\n');
    expect((await ward.activation(replayed)).response.result).toEqual({ text: 'Hello, Ada' });
    await ward.until(async () => (await lettersOf()).length === 0);
    await cli('action', 'update', 'broken', source);
    await cli('trigger', 'fire', 'lost');
    await ward.until(async () => (await lettersOf()).length === 1);
    await cli('rule', 'discard', 'losing');
    expect(await lettersOf()).toEqual([]);
  });

  it('the API gateway: a route, and a whole document', async () => {
    const source = await file(
      'book.js',
      'exports.main = (args) => ({ body: { id: args.id ?? null, path: args.__ow_path } });',
    );
    await cli('action', 'create', 'book', source, '--web', 'true');
    const words = ['/shop', '/books/{id}', 'GET', 'book', '--response-type', 'http', '-n', 'the shop'];
    const url = (await cli('api', 'create', ...words)).trim();
    const reply = await fetch(url.replace('{id}', '7'));
    expect([reply.status, await reply.json()]).toMatchObject([200, { id: '7' }]);
    expect(await cli('api', 'list')).toMatch(/\n\/guest\/book +GET +the shop +http/);
    const document = await file('shop.json', await cli('api', 'get', '/shop'));
    await cli('api', 'delete', '/shop', '/books/{id}', 'GET');
    await refused('api', 'get', '/shop');
    expect(await cli('api', 'create', '--config-file', document)).toBe(`${url}\n`);
    expect((await fetch(url.replace('{id}', '8'))).status).toBe(200);
    await cli('api', 'delete', '/shop');
    expect((await refused('api', 'create', '/shop', '/x', 'GET', 'first')).stderr).toContain('--web true');
  });

  it('a long run is followed to its end', async () => {
    await using own = await Ward.start({ limits: { blockingWaitMs: 1000 } });
    await own.raiseLimits();
    const long = await deployHeld(own, 'long');
    // Longer than the server waits for a blocking call.
    const late = await own.cli(['action', 'invoke', 'long', '--result']);
    expect(late.code).toBe(7);
    const id = /logs --follow ([0-9a-f]{32})/.exec(late.stderr)?.[1] ?? '';
    const shown = await own.cli(['activation', 'get', id]);
    expect(shown.stdout.split('\n')).toContainEqual(expect.stringMatching(/^status +pending$/));
    const access = ['--apihost', own.url, '-u', own.auth];
    const follower = startWard(['activation', 'logs', '--follow', '--strip', id, ...access]);
    const ended = once(follower, 'close');
    let seen = '';
    follower.stdout?.on('data', (text) => {
      seen += text;
    });
    await own.until(() => seen === 'begun\n');
    await long.release();
    expect(await ended).toEqual([0, null]);
    expect(seen).toBe('begun\nreleased\n');
    const followed = await own.cli(['action', 'invoke', 'long', '--follow', '--result']);
    expect(followed).toMatchObject({ code: 0, stdout: '{\n  "done": true\n}\n' });
    expect(followed.stderr).toMatch(/^invoked long .*\nbegun\nreleased\n$/);
  });

  it('an activation shows how it began and where its time went', async () => {
    await cli('action', 'create', 'cold', await file('cold.js', greet));
    const outcome = await ward.cli(['action', 'invoke', 'cold', '-b', '-o', 'json']);
    const { activationId } = JSON.parse(outcome.stdout);
    await ward.activation(activationId);
    const shown = await cli('activation', 'get', activationId);
    expect(shown).toMatch(/\nbegan +(?:cold|prewarmed): first call of this revision\n/);
    expect(shown).toMatch(/\nwait +\S+ m?s\n/);
    expect(shown).toMatch(/\ninit +\S+ m?s\n/);
  });

  it('additional keys can do what their scope says, until they are deleted', async () => {
    await ward.createNamespace('acme');
    const local = ['--data', ward.dataDir];
    const words = ['--scope', 'read', '--expires', '30d', '--label', 'the dashboard'];
    const created = await json('namespace', 'key', 'create', 'acme', ...words, ...local);
    const asReader = (...typed: readonly string[]) => ward.cli(typed, { WARD_AUTH: created.key });
    expect((await asReader('action', 'list')).code).toBe(0);
    expect((await asReader('trigger', 'create', 't')).code).toBe(4);
    expect(await cli('namespace', 'key', 'list', 'acme', ...local)).toMatch(
      new RegExp(`\\n${created.keyId} +read .* the dashboard +operator `),
    );
    await cli('namespace', 'key', 'delete', 'acme', created.keyId, ...local);
    await ward.until(async () => (await asReader('action', 'list')).code === 4);
  });

  it('limits of a namespace are set and reset', async () => {
    await ward.createNamespace('limited');
    const limits = (...words: readonly string[]) =>
      json('namespace', 'limits', 'limited', ...words, '--data', ward.dataDir);
    const before = await limits();
    expect(
      await limits('--max-memory', '128', '--allowed-kinds', 'nodejs:24', '--store-activations', 'false'),
    ).toEqual({
      ...before,
      maxActionMemory: 128,
      allowedKinds: ['nodejs:24'],
      storeActivations: false,
    });
    const reset = ['--max-memory', '--allowed-kinds', '--store-activations'].flatMap((flag) => [
      flag,
      'default',
    ]);
    expect(await limits(...reset)).toEqual(before);
  });

  it('a project is deployed, left alone the second time, updated where it changed, and removed', async () => {
    await file('app/greet.js', greet);
    await file('app/zipped/index.js', greet);
    const manifest = await file(
      'app/manifest.yaml',
      `
project:
  name: greetings
  packages:
    greetings:
      inputs: {greeting: $GREETING}
      actions:
        greet: {function: greet.js, web: true, limits: {memorySize: 128}}
        zipped: {function: zipped, runtime: nodejs}
      sequences:
        both: {actions: greet}
      triggers:
        came: {inputs: {name: Ada}}
        hourly: {feed: /whisk.system/alarms/interval, inputs: {minutes: 60}}
      rules:
        onArrival: {trigger: came, action: greet}
      dependencies:
        helpers: {location: /whisk.system/utils}
      apis:
        greetings: {hello: {world: {greet: GET}}}
`,
    );
    const env = { GREETING: 'Hey' };
    const project = async (...words: readonly string[]) => {
      const outcome = await ward.cli(['project', ...words], env);
      expect(outcome).toMatchObject({ code: 0 });
      return outcome;
    };
    expect((await project('deploy', manifest)).stderr).toBe('ok: 9 created\n');
    expect(await json('action', 'invoke', 'greetings/zipped', '-r')).toEqual({ text: 'Hey, you' });
    expect(await json('action', 'invoke', 'greetings/both', '-r')).toEqual({ text: 'Hey, you' });
    expect((await project('deploy', manifest)).stderr).toBe('ok: 9 unchanged\n');
    await file('app/greet.js', `${greet}\n`);
    const dry = JSON.parse((await project('deploy', manifest, '--dry-run', '-o', 'json')).stdout);
    expect(dry.filter(({ change }: { change: string }) => change !== 'unchanged')).toEqual([
      { change: 'update', type: 'action', name: 'greetings/greet', fields: ['code'] },
    ]);
    expect((await project('sync', manifest)).stderr).toMatch(/^ok: \d updated, \d unchanged\n$/);
    await project('undeploy', '--projectname', 'greetings');
    expect(await cli('list', '-o', 'name')).not.toMatch(/greetings|helpers|came|hourly|onArrival/);
    expect((await project('undeploy', manifest, '--dry-run', '-o', 'name')).stdout).toBe(
      'api/GET /hello/world\n',
    );
    await project('undeploy', manifest);
  });
});
