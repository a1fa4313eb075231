/** A server with everything that others must not see, and every kind of client. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { runInFolder } from '../../src/cli/in-process.fixture.ts';
import { type Answered, openTarget, type Target } from '../fuzz/target.ts';
import { outsideEnv, runWard } from '../ward.ts';
import type { Right } from './documented.ts';

/** Mark in everything that is guest's. */
export const mark = 'what-guest-alone-knows';

/** Rights of an identity in guest. `stranger` has a key of another namespace, `nobody` has no valid key. */
export type Standing = readonly Right[] | 'stranger' | 'nobody';

export const identities = {
  'no key': 'nobody',
  'a key of the scope admin': ['any key', 'read', 'deploy', 'invoke', 'admin'],
  'a key of the scope full': ['any key', 'read', 'deploy', 'invoke'],
  'a key of the scope deploy': ['any key', 'read', 'deploy'],
  'a key of the scope invoke': ['any key', 'invoke'],
  'a key of the scope read': ['any key', 'read'],
  'a deleted key': 'nobody',
  'an expired key': 'nobody',
  'a replaced first key': 'nobody',
  'a wrong secret': 'nobody',
  'no Basic at all': 'nobody',
  'a key of another namespace': 'stranger',
  'a key of a deleted namespace': 'nobody',
  'a lent key, outside': 'nobody',
  'a token of the registry': 'nobody',
  'the token for metrics': 'nobody',
} as const satisfies Record<string, Standing>;
export type Who = keyof typeof identities;
export const everybody = Object.keys(identities) as Who[];
/** The first key. */
export const first = 'a key of the scope admin';

export interface Place extends AsyncDisposable {
  readonly target: Target;
  /** Things of guest's, with the mark in them. */
  readonly activation: string;
  ask(who: Who, method: string, path: string, body?: object): Promise<Answered>;
  /** @throws Error unless it succeeds */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there
  json(who: Who, method: string, path: string, body?: object): Promise<any>;
  /** Sends a request from a sandbox of guest, with the key that is lent to the run. */
  askInside(requests: readonly Request[]): Promise<readonly (readonly [status: number, body: string])[]>;
}

export type Request = readonly [method: string, path: string, body?: object];

const mostWaitMs = 30_000;
export const own = (path: string) => `/api/v1/namespaces/guest/${path}`;
const basic = (key: string) => `Basic ${Buffer.from(key).toString('base64')}`;

export async function openPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-rights-'));
  await writeFile(join(folder, 'token'), 'metrics-of-the-operator\n');
  const target = await openTarget({ metrics: { tokenFile: join(folder, 'token') } });
  const credentials = new Map<Who, string | undefined>([[first, target.key]]);
  const ask = (who: Who, method: string, path: string, body?: object): Promise<Answered> => {
    const authorization = credentials.get(who);
    const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      ...(authorization === undefined ? {} : { authorization }),
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(text.length) }),
    };
    return target.ask({ method, path, headers, body: text });
  };
  const json = async (who: Who, method: string, path: string, body?: object) => {
    const answer = await ask(who, method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return answer.body.length === 0 ? undefined : JSON.parse(String(answer.body));
  };

  let hasStarted = false;
  /** The first call starts a process, as an operator does; the others run in this one, which costs less. */
  async function operator(...args: string[]) {
    const argv = [...args, '--data', target.dataDir, '-o', 'json'];
    const isFirst = !hasStarted;
    hasStarted = true;
    const here = { cwd: process.cwd(), env: { ...outsideEnv(), WSK_CONFIG_FILE: '/nonexistent' } };
    const { code, stdout, stderr } = await (isFirst ? runWard(argv) : runInFolder(argv, here));
    if (code !== 0) throw new Error(stderr);
    return stdout === '' ? {} : JSON.parse(stdout);
  }

  /** @throws Error if it takes so long that it will not come */
  async function answered(awaited: number, who: Who, path: string): Promise<Answered> {
    for (const end = performance.now() + mostWaitMs; ; ) {
      const answer = await ask(who, 'GET', path);
      if (answer.status === awaited) return answer;
      if (performance.now() > end) throw new Error(`${who} still gets ${answer.status} from ${path}`);
      await pause(5);
    }
  }

  /** Creates one of everything, each with the mark in it. */
  async function seed(): Promise<string> {
    const marked = { parameters: [{ key: 'mark', value: mark }] };
    const exec = {
      kind: 'nodejs:24',
      code: `function main() { console.log('${mark}'); return { mark: '${mark}' } }`,
    };
    const kept = { annotations: [{ key: 'capture-input', value: true }] };
    await json(first, 'PUT', own('actions/secret'), { exec, ...marked, ...kept });
    await json(first, 'PUT', own('packages/secret-box'), marked);
    await json(first, 'PUT', own('actions/secret-box/secret'), { exec, ...marked });
    await json(first, 'PUT', own('triggers/secrettriggers'), marked);
    await json(first, 'PUT', own('rules/secretrules'), {
      ...{ trigger: '/_/secrettriggers', action: '/_/secret' },
      annotations: [{ key: 'mark', value: mark }],
    });
    const { activationId } = await json(first, 'POST', own('actions/secret?blocking=true'), { given: mark });
    await answered(200, first, own(`activations/${activationId}`));
    return activationId;
  }

  async function makeIdentities(): Promise<void> {
    const keys = ['namespace', 'key'];
    for (const scope of ['full', 'deploy', 'invoke', 'read'] as const) {
      const { key } = await operator(...keys, 'create', 'guest', '--scope', scope);
      credentials.set(`a key of the scope ${scope}`, basic(key));
    }
    const short = await operator(...keys, 'create', 'guest', '--expires', '1s');
    credentials.set('an expired key', basic(short.key));
    const deleted = await operator(...keys, 'create', 'guest');
    credentials.set('a deleted key', basic(deleted.key));
    await json('a deleted key', 'GET', own('actions'));
    await operator(...keys, 'delete', 'guest', deleted.key.split(':')[0]);
    credentials.set(
      'a key of another namespace',
      basic((await operator('namespace', 'create', 'other')).key),
    );
    const gone = basic((await operator('namespace', 'create', 'gone')).key);
    credentials.set('a key of a deleted namespace', gone);
    await json('a key of a deleted namespace', 'GET', '/api/v1/namespaces');
    await operator('namespace', 'delete', 'gone');
    credentials.set('a replaced first key', credentials.get(first));
    credentials.set(first, basic((await operator('namespace', 'rotate-key', 'guest')).key));
    credentials.set('a wrong secret', basic(`${short.key.split(':')[0]}:${'x'.repeat(64)}`));
    credentials.set('no Basic at all', 'Negotiate eA==');
    credentials.set('the token for metrics', 'Bearer metrics-of-the-operator');
    const scope = 'repository:guest/app:pull,push registry:catalog:*';
    const { token } = await json(first, 'GET', `/v2/token?scope=${encodeURIComponent(scope)}`);
    credentials.set('a token of the registry', `Bearer ${token}`);
    for (const who of [
      'a deleted key',
      'a key of a deleted namespace',
      'an expired key',
      'a replaced first key',
    ] as const)
      await answered(401, who, '/api/v1/namespaces');
  }

  /** A run that reports its lent key, sends requests for the test, and goes on until it is released. */
  async function borrow(): Promise<() => Promise<void>> {
    const code = `exports.main = async () => {
      const key = process.env.__OW_API_KEY;
      const headers = { authorization: 'Basic ' + Buffer.from(key).toString('base64'), 'content-type': 'application/json' };
      const api = (method, path, body) => fetch(process.env.__OW_API_HOST + path, {
        method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }), redirect: 'manual' });
      const put = (name, value) => api('PUT', '/api/v1/namespaces/_/packages/' + name + '?overwrite=true',
        { annotations: [{ key: 'value', value }] });
      await put('lent', key);
      for (;;) {
        const found = await api('GET', '/api/v1/namespaces/_/packages/asked');
        if (found.status === 404) { await new Promise((r) => setTimeout(r, 50)); continue; }
        const { annotations } = await found.json();
        const asked = annotations.find(({ key }) => key === 'value').value;
        if (asked.length === 0) return {};
        const done = [];
        for (const [method, path, body] of asked) {
          const answer = await api(method, path, body);
          done.push([answer.status, path.endsWith('/stream') ? '' : await answer.text()]);
          await answer.body?.cancel().catch(() => {});
        }
        await api('DELETE', '/api/v1/namespaces/_/packages/asked');
        await put('answered', done);
      }
    };`;
    const annotations = [
      { key: 'provide-api-key', value: true },
      { key: 'web-export', value: true },
    ];
    await json(first, 'PUT', own('actions/borrower'), {
      ...{ exec: { kind: 'nodejs:24', code }, annotations, limits: { timeout: 300_000 } },
    });
    const call = ask('no key', 'GET', '/api/v1/web/guest/default/borrower.json');
    const ended = call.then(({ status, body }) => {
      throw new Error(`the borrower has ended: ${status} ${body}`);
    });
    credentials.set('a lent key, outside', basic(await Promise.race([told('lent'), ended])));
    ended.catch(() => {});
    return async () => {
      await json(first, 'PUT', own('packages/asked?overwrite=true'), {
        annotations: [{ key: 'value', value: [] }],
      });
      await call;
    };
  }

  /** What the borrower has put into a package, as soon as it exists. */
  async function told(name: string) {
    const { body } = await answered(200, first, own(`packages/${name}`));
    await json(first, 'DELETE', own(`packages/${name}`));
    const { annotations } = JSON.parse(String(body));
    return annotations.find(({ key }: { key: string }) => key === 'value').value;
  }

  const activation = await seed();
  await makeIdentities();
  const release = await borrow();
  return {
    ...{ target, activation, ask, json },
    async askInside(requests) {
      await json(first, 'PUT', own('packages/asked?overwrite=true'), {
        annotations: [{ key: 'value', value: requests }],
      });
      return told('answered');
    },
    async [Symbol.asyncDispose]() {
      await release();
      await target[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
