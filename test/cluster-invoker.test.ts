/**
 * A node that only runs actions, in a cluster whose bus knows each node by its certificate: a real nats-server with the
 * configuration that Ward writes, and real sandboxes.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { missingForMoto, startMoto, testBucket } from '../src/blobs/s3/moto.fixture.ts';
import { missingForNats, type SecureNats, startSecureNats } from '../src/bus/nats-server.fixture.ts';
import { mustRun, runCommand } from '../src/lib/index.ts';
import { dataPaths } from '../src/server/instance/instance.ts';
import { listeningSocketsOf } from '../src/server/listener/listening-sockets.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';
import { makeBlackboxImages } from './blackbox/image.ts';
import { deployHeld } from './held-action.ts';
import { wardsBelow } from './processes.ts';
import { missingForSandboxes, runWard, startWard, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ??
  (await missingForPostgres()) ??
  (await missingForNats()) ??
  (await missingForMoto());

describe.skipIf(missing !== undefined)(`an invoker${missing ? ` (${missing})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  let api: Ward;
  let invoker: Ward;
  let token: string;
  let apiToken: string;
  let nats: SecureNats;
  let startFurther: () => Promise<Ward>;
  let further: Ward | undefined;
  /** An operator's command beside the API node. */
  let operate: (...words: string[]) => Promise<string>;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-invoker-'));
    stack.defer(() => rm(folder, { recursive: true }));
    const [postgres, moto] = await Promise.all([startPostgres(), startMoto()]);
    for (const engine of [postgres, moto]) stack.use(engine);
    await postgres.admin('create database ward');
    nats = stack.use(await startSecureNats());
    const dataDir = join(folder, 'api');
    const keyFile = join(dataDir, 'given.keys');
    await mkdir(dataDir);
    await writeFile(keyFile, `first:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    await mustRun(['chmod', '711', folder]);
    await mustRun(['chown', '-R', 'ward:ward', dataDir]);
    const store = postgres.url('ward');
    const config = {
      ...{ store, bus: nats.setting, cluster: { node: 'api1' } },
      parameters: { keyFile },
      blobs: `s3://${testBucket}/ward?endpoint=${moto.url}`,
    };
    const startApi = async () =>
      (await Ward.startSaying(config, dataDir, undefined, { flags: apiFlags, through: asWard })).ward;
    startFurther = async () => {
      const further = join(folder, 'api2');
      await mkdir(further);
      // What an operator brings, beside the file with the keys of parameters: without the authority.
      await cp(join(dataDir, 'guest.auth'), join(further, 'guest.auth'));
      await mustRun(['chown', '--recursive', 'ward:ward', further]);
      const { ward } = await Ward.startSaying({ ...config, cluster: { node: 'api2' } }, further, undefined, {
        ...{ flags: [...apiFlags, '--join', api.url], through: asWard, env: { WARD_JOIN_TOKEN: apiToken } },
      });
      return stack.use(ward);
    };
    operate = async (...words: string[]) => {
      const files = ['--data', dataDir, '--config', join(dataDir, 'config.yaml')];
      const { code, stdout, stderr } = await runWard([...words, ...files]);
      if (code !== 0) throw new Error(stderr);
      return stdout;
    };
    const first = await startApi();
    await operate('cluster', 'init');
    await first.stop();
    api = stack.use(await startApi());
    const tokenFor = async (...words: string[]) =>
      JSON.parse(await operate('node', 'token', ...words, '-o', 'json')).token;
    token = await tokenFor('--name', 'inv1');
    apiToken = await tokenFor('--role', 'api', '--name', 'api2');
    await operate('cluster', 'nats-certificate', '127.0.0.1', '--out', nats.folder);
    await nats.begin(
      await operate('cluster', 'nats-config', '--listen', nats.listen, '--folder', nats.folder),
    );
    invoker = stack.use(await startInvoker(join(folder, 'invoker'), api.url, token));
    await api.deploy('hello', 'const main = ({ name }) => { console.log("a line"); return { hi: name } }');
    // The bus comes up, and the nodes hear each other.
    await api.until(async () => (await api.invoke('hello', { name: 'first' })).status !== 503);
  });
  afterAll(() => stack.disposeAsync());

  const furtherNode = async () => {
    further ??= await startFurther();
    return further;
  };

  test('has no database and no key, listens nowhere, and runs what API nodes give it', async () => {
    const answer = await api.invoke('hello', { name: 'world' });
    expect(answer).toMatchObject({ status: 200, body: { response: { result: { hi: 'world' } } } });
    const { logs } = await api.activation(answer.body.activationId);
    expect(logs).toEqual([expect.stringContaining('a line')]);
    for (const { pid } of wardsBelow(invoker.pid)) {
      expect(listeningSocketsOf(pid)).toEqual([]);
      const environ = await readFile(`/proc/${pid}/environ`, 'utf8');
      expect(environ).not.toMatch(/postgres:|AWS_SECRET/);
      for (const shown of [environ, await readFile(`/proc/${pid}/cmdline`, 'utf8')])
        expect(shown).not.toContain(token);
    }
    expect(await readFile(join(invoker.dataDir, 'config.yaml'), 'utf8')).not.toMatch(/store|blobs|bus/);
  });

  test('ends a call that is cancelled, whose one record says so', async () => {
    await api.deploy('wait', 'const main = () => new Promise((resolve) => setTimeout(resolve, 50_000))');
    const { body } = await api.request('POST', '/api/v1/namespaces/_/actions/wait', { body: {} });
    const { activationId } = body;
    const calls = '/ward/v1/namespaces/_/calls';
    const underWay = async () => (await api.request('GET', `${calls}?name=wait`)).body;
    await api.until(async () => (await underWay()).calls[0]?.hasBegun === true);
    expect(await underWay()).toMatchObject({ total: 1, calls: [{ activationId, path: 'wait' }] });
    const ids = { body: { activationIds: [activationId] } };
    const asked = await api.request('POST', `${calls}/cancel`, ids);
    expect(asked).toMatchObject({ status: 200, body: { cancelled: [activationId], missing: [] } });
    await api.until(async () => (await underWay()).total === 0);
    const { response, duration } = await api.activation(activationId);
    expect(response).toMatchObject({ success: false, result: { error: 'The activation was cancelled.' } });
    expect(duration).toBeLessThan(40_000);
    const { body: records } = await api.request('GET', '/api/v1/namespaces/_/activations?name=wait');
    expect(records).toHaveLength(1);
    expect((await api.request('POST', `${calls}/cancel`, ids)).body).toMatchObject({ cancelled: [] });
  });

  test('lets an action call its own API', async () => {
    const code = `const main = async () => {
      const { __OW_API_HOST: host, __OW_API_KEY: key } = process.env;
      const authorization = 'Basic ' + Buffer.from(key).toString('base64');
      const response = await fetch(host + '/api/v1/namespaces/_/actions', { headers: { authorization } });
      return { host, names: (await response.json()).map(({ name }) => name) };
    }`;
    await api.request('PUT', '/api/v1/namespaces/_/actions/keyed', {
      body: { exec: { kind: 'nodejs:24', code }, annotations: [{ key: 'provide-api-key', value: true }] },
    });
    const { body } = await api.invoke('keyed');
    expect(body.response.result).toEqual({
      host: 'http://127.0.0.1:3233',
      names: expect.arrayContaining(['hello', 'keyed']),
    });
  });

  test('gets parameters of its calls after the keys of the API node were rotated', async () => {
    await api.request('PUT', '/api/v1/namespaces/_/actions/secret', {
      body: {
        exec: { kind: 'nodejs:24', code: 'const main = ({ a }) => ({ a })' },
        parameters: [{ key: 'a', value: 'sealed' }],
      },
    });
    await operate('vault', 'rotate');
    const { body } = await api.invoke('secret');
    expect(body.response.result).toEqual({ a: 'sealed' });
  });

  test('runs pushed images by their digest', async () => {
    await using images = await makeBlackboxImages({ 'demo/app:1': {} });
    const to = `docker://${new URL(api.url).host}/guest/app:v1`;
    const flags = ['--insecure-policy', 'copy', '--dest-tls-verify=false', '--dest-creds', api.auth];
    const { code, stderr } = await runCommand(['skopeo', ...flags, `oci:${images.dir}:demo/app:1`, to], {
      timeoutMs: 60_000,
    });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const exec = { kind: 'blackbox', image: 'guest/app:v1' };
    expect(await api.request('PUT', '/api/v1/namespaces/_/actions/own', { body: { exec } })).toMatchObject({
      status: 200,
    });
    // The invoker has it before the first call.
    const names = () => readdir(join(invoker.dataDir, 'registry'), { recursive: true });
    await api.until(async () => (await names()).some((name) => /[0-9a-f]{64}\./.test(name)));
    const { body } = await api.invoke('own', { a: 1 });
    expect(body.response.result).toMatchObject({ runs: 1, body: { value: { a: 1 } } });
  });

  test('that was taken over can neither read the jobs of others nor speak for them', async () => {
    const place = ['--data', invoker.dataDir, '--config', join(invoker.dataDir, 'config.yaml')];
    const words = ['prove', '--vector', 'cluster', '--join', api.url, '-o', 'json', ...place];
    const { code, stdout, stderr } = await runWard(words, { env: { WARD_JOIN_TOKEN: token } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(' 0 escaped of ') });
    const { techniques, counts } = JSON.parse(stdout);
    expect(techniques.filter(({ asExpected }: { asExpected: boolean }) => !asExpected)).toEqual([]);
    expect(counts).toMatchObject({ BLOCKED: techniques.length, NOTHING: 0 });
    expect(techniques.length).toBeGreaterThan(15);
  });

  test('runs what a further API node gives it, which has joined with a token for its role', async () => {
    const joined = await furtherNode();
    const answers: unknown[] = [];
    // It hears the nodes only now.
    await api.until(async () => {
      const { status, body } = await joined.invoke('hello', { name: 'further' });
      answers.push(body);
      return status === 200;
    });
    expect(answers.at(-1)).toMatchObject({ response: { result: { hi: 'further' } } });
    expect(await readdir(join(joined.dataDir, 'cluster'))).toEqual(['node.json']);
  });

  test('has its calls followed through every API node while they run: by ward logs -f, to their end', async () => {
    const held = await deployHeld(api, 'held');
    const { body } = await api.request('POST', '/api/v1/namespaces/_/actions/held', { body: {} });
    await held.begun();
    const asked = [api, await furtherNode()];
    const followers = asked.map((node) => followLog(node, body.activationId));
    // The call waits to be released, so these lines come while it runs.
    for (const { seen } of followers) await expect.poll(seen, { timeout: 30_000 }).toBe('begun\n');
    expect((await api.request('GET', `/api/v1/namespaces/_/activations/${body.activationId}`)).status).toBe(
      404,
    );
    await held.release();
    for (const { ended, seen } of followers) {
      expect(await ended).toEqual([0, null]);
      expect(seen()).toBe('begun\nreleased\n');
    }
    expect(await api.activation(body.activationId)).toMatchObject({ response: { success: true } });
  });

  test('does not give its name to another process, which says so and does not start', async () => {
    const held = await deployHeld(api, 'kept');
    const { body } = await api.request('POST', '/api/v1/namespaces/_/actions/kept', { body: {} });
    await held.begun();
    const { token: fresh } = JSON.parse(await operate('node', 'token', '--name', 'inv1', '-o', 'json'));
    const folder = await mkdtemp(join(tmpdir(), 'ward-same-name-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const place = ['--data', folder, '--config', join(invoker.dataDir, 'config.yaml')];
    const second = await runWard(['up', '--role', 'invoker', '--join', api.url, ...place], {
      ...{ env: { WARD_JOIN_TOKEN: fresh }, timeoutMs: 60_000 },
    });
    expect(second).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringMatching(
        /another node of the cluster has the name inv1[\s\S]*ward node remove inv1/,
      ),
    });
    await held.release();
    expect(await api.activation(body.activationId)).toMatchObject({ response: { success: true } });
  });

  test.each(['up', 'down'])(
    'ends a process with a copy of its identity when the bus is %s at its start',
    async (bus) => {
      const folder = await mkdtemp(join(tmpdir(), 'ward-same-identity-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      await cp(join(invoker.dataDir, 'cluster'), join(folder, 'cluster'), { recursive: true });
      if (bus === 'down') await nats.kill();
      const place = ['--data', folder, '--config', join(invoker.dataDir, 'config.yaml')];
      const second = heardWard(['up', '--role', 'invoker', '--join', api.url, ...place]);
      if (bus === 'down') {
        try {
          await expect.poll(second.seen, { timeout: 30_000 }).toContain('this node goes on alone');
          const { status, body } = await api.request('GET', '/ping?ready');
          expect({ status, body }).toMatchObject({ status: 503, body: { ready: false, bus: 'down' } });
        } finally {
          await nats.restart();
        }
      }
      expect(await second.ended).toEqual([1, null]);
      expect(second.seen()).toContain('another node of the cluster has the name inv1');
      if (bus === 'down') expect(second.seen()).toContain('"code":"NODE_NAME_TAKEN"');
      const statusNow = async () => (await api.invoke('hello', { name: 'still' })).status;
      if (bus === 'up') expect(await statusNow()).toBe(200);
      else await api.until(async () => (await statusNow()) === 200);
      expect((await api.request('GET', '/ping?ready')).body).toMatchObject({ ready: true, bus: 'up' });
    },
  );

  test('starts again without a token, and ends when it is told to', async () => {
    const { ready } = dataPaths(invoker.dataDir);
    // It is not there while the bus is down.
    await api.until(() => existsSync(ready));
    expect(await invoker.stop()).toBe(0);
    expect(existsSync(ready)).toBe(false);
    invoker = stack.use(await startInvoker(invoker.dataDir, api.url));
    await api.until(() => existsSync(ready));
    await api.until(async () => (await api.invoke('hello', { name: 'again' })).status === 200);
  });
});

const apiFlags = ['--role', 'api'];
const asWard = ['setpriv', '--reuid=ward', '--regid=ward', '--clear-groups', '--'];

/** Follows a log as a user does, in a process of its own. */
function followLog(node: Ward, activationId: string) {
  const at = ['--apihost', node.url, '-u', node.auth];
  return heardWard(['logs', '-f', '--strip', activationId, ...at]);
}

/** Starts a command, and keeps what it says. */
function heardWard(args: readonly string[]) {
  const command = startWard(args);
  onTestFinished(() => void command.kill());
  let said = '';
  for (const stream of [command.stdout, command.stderr])
    stream?.on('data', (text) => {
      said += text;
    });
  return { seen: () => said, ended: once(command, 'close') };
}

/** Without the keys of the store of blobs, which are in the environment of these tests. */
async function startInvoker(dataDir: string, url: string, token?: string): Promise<Ward> {
  const credentials = Object.keys(process.env).filter((name) => name.startsWith('AWS_'));
  const hidden = Object.fromEntries(credentials.map((name) => [name, undefined]));
  const config = { invoker: { prewarm: [], memoryMiB: 1024 }, cluster: { node: 'inv1' } };
  // As its unit has it: empty once it has joined.
  const tokenFile = `${dataDir}.token`;
  await writeFile(tokenFile, `${token ?? ''}\n`, { mode: 0o600 });
  const { ward } = await Ward.startSaying(config, dataDir, undefined, {
    flags: ['--role', 'invoker', '--join', url, '--token-file', tokenFile],
    env: hidden,
  });
  return ward;
}
