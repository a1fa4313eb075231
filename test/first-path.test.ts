/** A user's first day: deploy, invoke, inspect, change, delete; with Ward's CLI and with OpenWhisk's client. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployHeld } from './held-action.ts';
import { missingForSandboxes, Ward } from './ward.ts';
import { type ZipContent, zip } from './zip.ts';

const missing = missingForSandboxes();
const example = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));
const actions = '/api/v1/namespaces/_/actions';
const activations = '/api/v1/namespaces/_/activations';
const json = JSON.stringify;

let ward: Ward;
let folder: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'ward-first-path-'));
  ward = await Ward.start();
  await ward.setLimits('guest', ['--invocations-per-minute', '100000']);
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Runs a command that must succeed. */
async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await ward.cli(args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

async function deployZip(name: string, files: ZipContent, kind = 'nodejs:24'): Promise<void> {
  const reply = await ward.deploy(name, (await zip(files)).toString('base64'), { kind });
  expect(reply).toMatchObject({ status: 200, body: { exec: { binary: true } } });
}

async function resultOf(name: string, payload: object = {}): Promise<unknown> {
  const { body } = await ward.invoke(name, payload);
  return body.response?.result ?? body;
}

describe.skipIf(missing !== undefined)(`with the command line${missing ? ` (${missing})` : ''}`, () => {
  it('the example of the README', async () => {
    const created = await ward.cli(['action', 'create', 'hello', example('hello.js')]);
    expect(created).toMatchObject({ code: 0, stdout: '', stderr: 'ok: created action hello\n' });
    const invoked = await ward.cli(['action', 'invoke', 'hello', '--param', 'name', 'World', '--result']);
    expect(invoked).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(invoked.stdout)).toEqual({ greeting: 'Hello, World' });
  });

  it('the same in Python', async () => {
    await ok('action', 'create', 'hello-py', example('hello.py'));
    expect(JSON.parse(await ok('action', 'invoke', 'hello-py', '-p', 'name', 'World', '-r'))).toEqual({
      greeting: 'Hello, World',
    });
    expect(JSON.parse(await ok('action', 'get', 'hello-py', 'exec'))).toEqual({
      kind: 'python:3.13',
      binary: false,
    });
  });

  it('without waiting; then record, result and logs of the activation', async () => {
    await writeFile(
      join(folder, 'chatty.js'),
      'exports.main = (p) => { console.log("out", p.n); console.error("err"); return { n: p.n }; };',
    );
    await ok('action', 'create', 'chatty', join(folder, 'chatty.js'), '-t', '5000', '-m', '128');
    const id = (await ok('action', 'invoke', 'chatty', '-p', 'n', '7')).trim();
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    await ward.activation(id);
    expect(JSON.parse(await ok('activation', 'result', id))).toEqual({ n: 7 });
    // The streams are two pipes, so the order between them is random.
    const logs = (await ok('activation', 'logs', id)).trimEnd().split('\n');
    const line = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z +(std(?:out|err): .+)$/;
    expect(logs.map((text) => line.exec(text)?.[1]).toSorted()).toEqual(['stderr: err', 'stdout: out 7']);
    const stripped = (await ok('activation', 'logs', id, '--strip')).trimEnd().split('\n');
    expect(stripped.toSorted()).toEqual(['err', 'out 7']);
    const record = JSON.parse(await ok('activation', 'get', id, '-o', 'json'));
    expect(record).toMatchObject({
      activationId: id,
      namespace: 'guest',
      name: 'chatty',
      version: '0.0.1',
      response: { status: 'success', success: true, result: { n: 7 }, size: 7 },
    });
    expect(
      Object.fromEntries(
        record.annotations.map((each: { key: string; value: unknown }) => [each.key, each.value]),
      ),
    ).toMatchObject({
      path: 'guest/chatty',
      kind: 'nodejs:24',
      limits: { timeout: 5000, memory: 128, logs: 10, concurrency: 1 },
      timeout: false,
      waitTime: expect.any(Number),
      initTime: expect.any(Number),
    });
    expect(await ok('activation', 'list', 'chatty', '-o', 'name')).toBe(`${id}\n`);
  });

  it('an application error: 502, exit code 8, its result on stdout, its log on stderr', async () => {
    await ok('action', 'create', 'statistics', example('statistics.py'));
    const failed = await ward.cli(['action', 'invoke', 'statistics', '-p', 'numbers', '[]', '-r']);
    expect(failed.code).toBe(8);
    expect(JSON.parse(failed.stdout)).toEqual({ error: expect.any(String) });
    expect(failed.stderr).toContain("error[ACTION_FAILED]: statistics ended with 'application error'");
    const reply = await ward.invoke('statistics', { numbers: [] });
    expect(reply).toMatchObject({
      status: 502,
      body: {
        response: { status: 'application error', success: false, result: { error: expect.any(String) } },
      },
    });
  });

  it('an exception: the command line shows its stack from the log', async () => {
    await ward.deploy('thrower', 'function main() { console.log("before"); null.boom(); }');
    const failed = await ward.cli(['action', 'invoke', 'thrower', '-r']);
    expect(failed.code).toBe(8);
    expect(failed.stderr).toMatch(/log: {3}before\n +[\s\S]*TypeError: Cannot read properties of null/);
  });

  it('errors of the user have exit codes of their own', async () => {
    expect(await ward.cli(['action', 'invoke', 'nobody', '-r'])).toMatchObject({ code: 5 });
    expect(await ward.cli(['action', 'create', 'hello', example('hello.js')])).toMatchObject({ code: 1 });
    expect(await ward.cli(['action', 'list'], { WARD_AUTH: `${ward.auth}x` })).toMatchObject({ code: 4 });
    expect(await ward.cli(['action', 'list'], { WARD_APIHOST: 'http://127.0.0.1:1' })).toMatchObject({
      code: 6,
    });
    expect(await ward.cli(['action', 'invoke'])).toMatchObject({ code: 2 });
  });

  it('delete: gone for get, list and invoke', async () => {
    await ward.deploy('short-lived', 'function main() { return {}; }');
    await ok('action', 'delete', 'short-lived');
    expect((await ward.cli(['action', 'get', 'short-lived'])).code).toBe(5);
    expect((await ok('action', 'list', '-o', 'name')).split('\n')).not.toContain('short-lived');
    expect((await ward.invoke('short-lived')).status).toBe(404);
  });
});

describe.skipIf(missing !== undefined)('with the npm client openwhisk', () => {
  it('create, get, invoke, list, delete', async () => {
    const client = ward.client();
    await client.actions.create({ name: 'client-hello', action: readFileSync(example('hello.js'), 'utf8') });
    const got = await client.actions.get({ name: 'client-hello' });
    expect(got).toMatchObject({ name: 'client-hello', version: '0.0.1', exec: { kind: 'nodejs:24' } });
    const params = { name: 'World' };
    expect(
      await client.actions.invoke({ name: 'client-hello', blocking: true, result: true, params }),
    ).toEqual({ greeting: 'Hello, World' });
    const { activationId } = await client.actions.invoke({ name: 'client-hello', params });
    await ward.activation(activationId);
    expect(await client.activations.result({ name: activationId })).toMatchObject({
      result: { greeting: 'Hello, World' },
      success: true,
    });
    expect(await client.activations.logs({ name: activationId })).toEqual({ logs: [] });
    expect(await client.activations.list({ name: 'client-hello' })).toHaveLength(2);
    await client.actions.delete({ name: 'client-hello' });
    await expect(client.actions.invoke({ name: 'client-hello', blocking: true })).rejects.toMatchObject({
      statusCode: 404,
    });
  });

  it('a Buffer is a zip; a failure has the action’s own text', async () => {
    const client = ward.client();
    const action = await zip({ 'index.js': 'exports.main = () => ({ error: "as I said" })' });
    await client.actions.create({ name: 'client-zip', kind: 'nodejs:24', action });
    await expect(client.actions.invoke({ name: 'client-zip', blocking: true })).rejects.toMatchObject({
      statusCode: 502,
      message: expect.stringContaining('as I said'),
    });
  });
});

describe.skipIf(missing !== undefined)('a zip', () => {
  it('of Node.js: package.json, a dependency, data, a program that runs', async () => {
    await deployZip('project', {
      'package.json': json({ main: 'lib/app.js', dependencies: { dep: '*' } }),
      'lib/app.js': `const { execFileSync } = require('node:child_process');
        exports.main = (p) => ({
          ...require('dep')(p),
          data: require('../data.json'),
          said: execFileSync(__dirname + '/../bin/tool', [p.name], { encoding: 'utf8' }),
        });`,
      'node_modules/dep/package.json': json({ name: 'dep', version: '1.0.0', main: 'go.js' }),
      'node_modules/dep/go.js': 'module.exports = (p) => ({ name: p.name })',
      'data.json': json([1, 2]),
      'bin/tool*': '#!/usr/bin/node\nprocess.stdout.write(process.argv[2].toUpperCase())',
    });
    expect(await resultOf('project', { name: 'World' })).toEqual({
      name: 'World',
      data: [1, 2],
      said: 'WORLD',
    });
  });

  it('of Node.js: an ES module with a top-level await', async () => {
    await deployZip('module', {
      'package.json': json({ type: 'module', main: 'app.js' }),
      'app.js':
        'import { twice } from "./lib.js"; const n = await twice(21); export const main = () => ({ n });',
      'lib.js': 'export const twice = async (n) => 2 * n;',
    });
    expect(await resultOf('module')).toEqual({ n: 42 });
  });

  const addon = fileURLToPath(
    new URL('../node_modules/lightningcss-linux-x64-gnu/lightningcss.linux-x64-gnu.node', import.meta.url),
  );
  it.skipIf(!existsSync(addon))('of Node.js: a native addon', async () => {
    await deployZip('addon', {
      'index.js': `const { transform } = require('./addon.node');
        exports.main = () => ({ css: String(transform({ filename: 'a.css', code: Buffer.from('a { color: red }'), minify: true }).code) });`,
      'addon.node': readFileSync(addon),
    });
    expect(await resultOf('addon')).toEqual({ css: 'a{color:red}' });
  });

  it('of Python: a module, a virtualenv, a program that runs', async () => {
    await deployZip(
      'project-py',
      {
        '__main__.py':
          'import subprocess\nfrom lib.words import count\nimport dep\n' +
          'def main(args):\n    said = subprocess.check_output(["./tool"], text=True)\n' +
          '    return {"count": count(args["text"]), "dep": dep.name, "said": said}\n',
        'lib/__init__.py': '',
        'lib/words.py': 'def count(text): return len(text.split())\n',
        'virtualenv/lib/python3.13/site-packages/dep.py': 'name = "dep"\n',
        'tool*': '#!/usr/bin/python3\nprint("tool", end="")\n',
      },
      'python:3.13',
    );
    expect(await resultOf('project-py', { text: 'a b c' })).toEqual({ count: 3, dep: 'dep', said: 'tool' });
  });

  const toJs = `exports.main = () => ({ said: require('node:child_process').execFileSync('./tool', ['a']).toString() });`;
  const toPython = `import subprocess
def main(args):
    return {"said": subprocess.check_output(["./tool", "a"], text=True)}`;
  it.each([
    [
      'nodejs:24',
      'index.js',
      toJs,
      '#!/usr/bin/env node\nprocess.stdout.write(process.argv[2] + process.version)',
    ],
    [
      'nodejs:22',
      'index.js',
      toJs,
      '#!/usr/bin/env node\nprocess.stdout.write(process.argv[2] + process.version)',
    ],
    [
      'python:3.13',
      '__main__.py',
      toPython,
      '#!/usr/bin/env python3\nimport sys\nprint(sys.argv[1] + sys.version)',
    ],
  ])('of %s: a script that finds its interpreter with /usr/bin/env', async (kind, entry, code, tool) => {
    const name = `env-${kind.replace(/[^a-z0-9]/g, '-')}`;
    await deployZip(name, { [entry]: code, 'tool*': tool }, kind);
    const version = kind.slice(kind.indexOf(':') + 1);
    expect(await resultOf(name)).toEqual({ said: expect.stringMatching(`^av?${version}\\.`) });
  });

  it('is read-only for its function, and /tmp runs nothing', async () => {
    await deployZip('writer', {
      'index.js': `const fs = require('node:fs');
        const attempt = (what) => { try { what(); return 'done'; } catch (error) { return error.code; } };
        exports.main = () => {
          fs.copyFileSync('/fn/tool', '/tmp/tool');
          fs.chmodSync('/tmp/tool', 0o755);
          return {
            write: attempt(() => fs.writeFileSync('/fn/index.js', '')),
            add: attempt(() => fs.writeFileSync('/fn/new', '')),
            remove: attempt(() => fs.unlinkSync('/fn/tool')),
            root: attempt(() => fs.writeFileSync('/new', '')),
            runner: attempt(() => fs.writeFileSync('/ward/runner.mjs', '')),
            exec: attempt(() => require('node:child_process').execFileSync('/tmp/tool')),
          };
        };`,
      'tool*': '#!/usr/bin/node\n',
    });
    expect(await resultOf('writer')).toEqual({
      write: 'EROFS',
      add: 'EROFS',
      remove: 'EROFS',
      root: 'EROFS',
      runner: 'EROFS',
      exec: 'EACCES',
    });
  });
});

describe.skipIf(missing !== undefined)('what a function gets', () => {
  const environment = `function main(p) {
      const ow = Object.entries(process.env).filter(([name]) => name.startsWith('__OW_') || name === 'LEVEL' || name === 'LIST');
      return { env: Object.fromEntries(ow), p };
    }`;

  it('the environment of OpenWhisk; no key', async () => {
    await ward.deploy('environment', environment);
    const before = Date.now();
    const reply = await ward.request('POST', `${actions}/environment?blocking=true`, {
      headers: { 'x-request-id': 'my-own-id' },
    });
    expect(reply.headers.get('x-request-id')).toBe('my-own-id');
    const { env, p } = reply.body.response.result;
    expect(p).toEqual({});
    expect(env).toEqual({
      __OW_API_HOST: ward.url,
      __OW_NAMESPACE: 'guest',
      __OW_ACTION_NAME: '/guest/environment',
      __OW_ACTION_VERSION: '0.0.1',
      __OW_ACTIVATION_ID: reply.body.activationId,
      __OW_TRANSACTION_ID: 'my-own-id',
      __OW_DEADLINE: expect.stringMatching(/^\d{13}$/),
    });
    const deadline = Number(env.__OW_DEADLINE);
    expect(deadline).toBeGreaterThanOrEqual(before + 60_000);
    expect(deadline).toBeLessThanOrEqual(Date.now() + 60_000);
    const again = (await ward.invoke('environment')).body;
    expect(again.response.result.env).toMatchObject({ __OW_ACTIVATION_ID: again.activationId });
  });

  it('its key, if it is annotated with provide-api-key', async () => {
    await ok('action', 'create', 'with-key', example('hello.js'), '-a', 'provide-api-key', 'true');
    await ward.request('PUT', `${actions}/with-key?overwrite=true`, {
      body: { exec: { kind: 'nodejs:24', code: environment } },
    });
    expect(await resultOf('with-key')).toMatchObject({ env: { __OW_API_KEY: ward.auth } });
    await ward.request('PUT', `${actions}/with-key?overwrite=true`, {
      body: { annotations: [{ key: 'provide-api-key', value: false }] },
    });
    expect(await resultOf('with-key')).not.toHaveProperty('env.__OW_API_KEY');
  });

  it('bound parameters, overridden by those of the call; init parameters only as environment', async () => {
    await ward.request('PUT', `${actions}/bound`, {
      body: {
        exec: { kind: 'nodejs:24', code: environment },
        parameters: [
          { key: 'a', value: 'bound' },
          { key: 'b', value: 'bound' },
          { key: '__proto__', value: { polluted: true } },
          { key: 'LEVEL', value: 'debug', init: true },
          { key: 'LIST', value: [1, 2], init: true },
        ],
      },
    });
    const result = await resultOf('bound', { b: 'called', ü: '\u{1F600}\u2028' });
    expect(result).toMatchObject({
      env: { LEVEL: 'debug', LIST: '[1,2]' },
      p: { a: 'bound', b: 'called', ü: '\u{1F600}\u2028' },
    });
    expect(result).not.toHaveProperty('p.LEVEL');
    expect(result).not.toHaveProperty('p.polluted');
  });

  it('can return an array, which is the answer', async () => {
    await ward.deploy('list', 'def main(args):\n    return [1, {"two": 2}]\n', { kind: 'python:3.13' });
    const reply = await ward.invoke('list');
    expect(reply).toMatchObject({ status: 200, body: [1, { two: 2 }] });
    const id = reply.headers.get('x-openwhisk-activation-id') ?? '';
    expect((await ward.activation(id)).response.result).toEqual([1, { two: 2 }]);
    expect(JSON.parse(await ok('action', 'invoke', 'list', '-r'))).toEqual([1, { two: 2 }]);
  });
});

describe.skipIf(missing !== undefined)('changes', () => {
  it('of the code: from then on the old code is never served', async () => {
    await ward.deploy('changing', 'function main() { return { version: 0 }; }');
    await resultOf('changing');
    for (let version = 1; version <= 4; version++) {
      const put = await ward.deploy('changing', `function main() { return { version: ${version} }; }`);
      expect(put.body.version).toBe(`0.0.${version + 1}`);
      const results = await Promise.all([1, 2, 3].map(() => resultOf('changing')));
      expect(results).toEqual([{ version }, { version }, { version }]);
    }
  });

  it('during calls: each call after the answer to the update has the new code', async () => {
    const first = await deployHeld(ward, 'busy');
    const early = resultOf('busy');
    await first.begun();
    await ward.deploy('busy', 'function main() { return { version: 2 }; }');
    expect(await resultOf('busy')).toEqual({ version: 2 });
    await first.release();
    expect(await early).toEqual({ done: true });
    expect(await resultOf('busy')).toEqual({ version: 2 });
  });

  it('deleted and created again: nothing of the old one is served', async () => {
    const code = 'let calls = 0; function main() { return { calls: ++calls }; }';
    await ward.deploy('reborn', code);
    expect([await resultOf('reborn'), await resultOf('reborn')]).toEqual([{ calls: 1 }, { calls: 2 }]);
    await ward.request('DELETE', `${actions}/reborn`);
    await ward.deploy('reborn', code);
    expect(await resultOf('reborn')).toEqual({ calls: 1 });
  });

  it('of only parameters keep the code, and reach the next call', async () => {
    await ward.deploy('echo', 'function main(p) { return p; }');
    await resultOf('echo');
    await ok('action', 'update', 'echo', '-p', 'greeting', 'Hi');
    expect(await resultOf('echo')).toEqual({ greeting: 'Hi' });
  });
});

describe.skipIf(missing !== undefined)('reads', () => {
  it('get with and without code; text and zip come back as they were sent', async () => {
    const code = 'function main() { return { "ü": "€" }; }\n';
    await ward.deploy('text', code);
    const archive = (await zip({ 'index.js': code })).toString('base64');
    await ward.deploy('archive', archive);
    expect((await ward.request('GET', `${actions}/text`)).body.exec).toMatchObject({ binary: false, code });
    expect((await ward.request('GET', `${actions}/archive`)).body.exec).toMatchObject({ code: archive });
    expect((await ward.request('GET', `${actions}/text?code=false`)).body.exec).toEqual({
      kind: 'nodejs:24',
      binary: false,
    });
    expect(await ok('action', 'get', 'archive', '--save-as', join(folder, 'saved.zip'))).toBe('');
    expect(readFileSync(join(folder, 'saved.zip')).toString('base64')).toBe(archive);
  });

  it('lists page by page, and counts', async () => {
    const names = ['page-1', 'page-2', 'page-3', 'page-4', 'page-5'];
    for (const name of names) await ward.deploy(name, 'function main() {}');
    const { actions: total } = (await ward.request('GET', `${actions}?count=true`)).body;
    const page = async (query: string) =>
      (await ward.request('GET', `${actions}?${query}`)).body.map(({ name }: { name: string }) => name);
    expect(await page('limit=3')).toEqual(['page-5', 'page-4', 'page-3']);
    expect(await page('limit=2&skip=3')).toEqual(['page-2', 'page-1']);
    expect(await page('limit=0')).toHaveLength(total);
    expect(await page(`skip=${total}`)).toEqual([]);
    expect((await ward.request('GET', `${actions}?count=true&skip=2`)).body).toEqual({ actions: total - 2 });
  });

  it('of activations: filter, page, full records, count', async () => {
    await ward.deploy('counted', 'function main(p) { return p; }');
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.unshift((await ward.invoke('counted', { n })).body.activationId);
    const list = async (query: string) =>
      (await ward.request('GET', `${activations}?name=counted&${query}`)).body;
    expect((await list('')).map((each: { activationId: string }) => each.activationId)).toEqual(ids);
    expect(await list('limit=1&skip=1')).toMatchObject([{ activationId: ids[1], statusCode: 0 }]);
    expect(await list('docs=true&limit=1')).toMatchObject([{ response: { result: { n: 3 } }, logs: [] }]);
    expect(await list('count=true')).toEqual({ activations: 4 });
    const { start } = await ward.activation(ids[0] ?? '');
    expect((await list(`since=${start}`)).length).toBeGreaterThanOrEqual(1);
    expect(await list(`since=${start + 60_000}`)).toEqual([]);
  });
});

describe.skipIf(missing !== undefined)('a call that takes longer than its caller waits', () => {
  it('is answered with 202; its record arrives', async () => {
    const slow = await deployHeld(ward, 'slow');
    const reply = await ward.request('POST', `${actions}/slow?blocking=true&timeout=100`, { body: {} });
    expect(reply).toMatchObject({ status: 202, body: { activationId: expect.any(String) } });
    await slow.release();
    expect(await ward.activation(reply.body.activationId)).toMatchObject({
      response: { success: true, result: { done: true } },
    });
  });

  it('logs of a call that is ended at its time limit are kept', async () => {
    await ward.deploy(
      'endless',
      'function main() { console.log("begun"); return new Promise(() => setInterval(() => {}, 1e6)); }',
      {
        limits: { timeout: 2000 },
      },
    );
    const { body } = await ward.invoke('endless');
    const record = await ward.activation(body.activationId);
    expect(record.logs[0]).toMatch(/stdout: begun$/);
    expect(record.response.result.error).toMatch(/exceeded its time limits of 2000 milliseconds/);
  });
});
