/** While Ward stops: what each entrance answers, and which calls have run once the next Ward serves. */
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { deployHeld } from './held-action.ts';
import { missingForSandboxes, type Reply, Ward } from './ward.ts';

const missing = missingForSandboxes();
const root = '/api/v1/namespaces/_';
const echo = 'function main({ from, n, body = {} }) { return { from: from ?? body.from, n: n ?? body.n }; }';
/** Number of calls at each entrance. */
const many = 5;

interface Hook {
  readonly response: { readonly result: { readonly url: string } };
}

async function put(ward: Ward, path: string, body: object): Promise<void> {
  const reply = await ward.request('PUT', `${root}/${path}`, { body });
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
}

async function arrange(ward: Ward): Promise<{ readonly hook: string; readonly api: string }> {
  const exec = { kind: 'nodejs:24', code: echo };
  await put(ward, 'actions/echo', { exec, annotations: [{ key: 'web-export', value: true }] });
  await put(ward, 'actions/keyed', { exec, annotations: [{ key: 'provide-api-key', value: true }] });
  await put(ward, 'actions/sequence', {
    exec: { kind: 'sequence', components: ['/_/echo', '/_/keyed'] },
  });
  const retry = [{ key: 'retry', value: { attempts: 2, backoffMs: 500, maxBackoffMs: 500 } }];
  await ward.deploy('broken', 'function main() { return { error: "it broke" }; }');
  for (const [trigger, action, annotations] of [
    ['plain', 'keyed', []],
    ['retried', 'echo', retry],
    ['hook', 'echo', []],
    ['alarm', 'echo', []],
    ['failing', 'broken', retry],
  ] as const) {
    await put(ward, `triggers/${trigger}`, {});
    await put(ward, `rules/on-${trigger}`, { trigger: `/_/${trigger}`, action: `/_/${action}`, annotations });
  }
  const client = ward.client();
  const feeds = client.feeds as unknown as { create(options: object): Promise<Hook> };
  const { response } = await feeds.create({ name: '/whisk.system/webhooks/webhook', trigger: 'hook' });
  const routes = client.routes as unknown as { create(options: object): Promise<{ gwApiUrl: string }> };
  const made = await routes.create({ relpath: '/echo', operation: 'POST', action: 'echo', basepath: '/api' });
  return { hook: new URL(response.result.url).pathname, api: `${new URL(made.gwApiUrl).pathname}/echo` };
}

describe.skipIf(missing !== undefined)(`while Ward stops${missing ? ` (${missing})` : ''}`, () => {
  const open: Ward[] = [];
  afterEach(async () => {
    for (const ward of open.splice(0).reverse()) await ward[Symbol.asyncDispose]();
  });

  it('each entrance accepts calls, which run once after the restart, or refuses them with 503 and a time', async () => {
    const limits = { firesPerMinute: 100_000, invocationsPerMinute: 100_000, concurrentInvocations: 1000 };
    const first = await Ward.start({ limits });
    open.push(first);
    const { hook, api } = await arrange(first);
    const held = await deployHeld(first, 'held');
    await put(first, 'actions/going', {
      exec: { kind: 'sequence', components: ['/_/held', '/_/echo'] },
    });
    const running = first.invoke('going');
    await held.begun();
    // Fails, so its next try is due while Ward stops.
    await first.request('POST', `${root}/triggers/failing`, { body: {} });
    await first.until(async () => (await runsOf(first, 'broken')).length === 1);
    const date = Date.now() + 1500;
    await first.client().feeds.create({
      name: '/whisk.system/alarms/once',
      trigger: 'alarm',
      params: { date: new Date(date).toISOString(), trigger_payload: { from: 'alarm', n: 0 } },
    });
    process.kill(first.pid, 'SIGTERM');
    let refusal: Reply | undefined;
    await first.until(async () => {
      refusal = await first.invoke('echo', { from: 'before', n: 0 });
      return refusal.status === 503;
    });
    expect(refusal?.headers.get('x-ward-fault')).toBe('SHUTTING_DOWN');

    const post = (path: string) => async (from: string, n: number) =>
      first.request('POST', path, { body: { from, n } });
    const entrances: Record<string, (from: string, n: number) => Promise<Reply>> = {
      call: post(`${root}/actions/echo`),
      keyed: post(`${root}/actions/keyed`),
      sequence: post(`${root}/actions/sequence`),
      trigger: post(`${root}/triggers/plain`),
      retried: post(`${root}/triggers/retried`),
      webhook: post(hook),
      blocking: post(`${root}/actions/echo?blocking=true`),
      'blocking sequence': post(`${root}/actions/sequence?blocking=true`),
      web: post('/api/v1/web/guest/default/echo.json'),
      gateway: post(api),
    };
    const answered: Record<string, Set<number>> = {};
    for (const [from, send] of Object.entries(entrances)) {
      const replies = await Promise.all(Array.from({ length: many }, (_, n) => send(from, n)));
      answered[from] = new Set(replies.map(({ status }) => status));
      for (const { status, headers } of replies)
        if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const accepted = ['call', 'keyed', 'sequence', 'trigger', 'retried', 'webhook'];
    const refused = ['blocking', 'blocking sequence', 'web', 'gateway'];
    expect(answered).toEqual(
      Object.fromEntries([
        ...accepted.map((from) => [from, new Set([202])]),
        ...refused.map((from) => [from, new Set([503])]),
      ]),
    );
    const blob = randomBytes(1000);
    const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;
    const pushed = await first.request('POST', `/v2/guest/app/blobs/uploads/?digest=${digest}`, {
      headers: { 'content-type': 'application/octet-stream' },
      body: blob,
    });
    expect(pushed.status).toBe(201);
    await first.until(() => Date.now() > date + 100);
    await held.release();
    // This includes the part that had not begun.
    expect(await running).toMatchObject({ status: 200, body: { response: { success: true } } });
    expect(await first.ended()).toBe(0);

    const second = await Ward.start({ limits }, first.dataDir);
    open.push(second);
    const expected = accepted.flatMap((from) => Array.from({ length: many }, (_, n) => `${from} ${n}`));
    const heard = async () =>
      [...(await runsOf(second, 'echo')), ...(await runsOf(second, 'keyed'))].filter(
        (each) => !each.startsWith('before') && !each.startsWith('undefined'),
      );
    // A sequence has two parts.
    const all = [...expected, ...expected.filter((each) => each.startsWith('sequence')), 'alarm 0'];
    await second.until(async () => (await heard()).length >= all.length);
    await second.until(async () => (await runsOf(second, 'broken')).length === 2);
    expect((await heard()).toSorted()).toEqual(all.toSorted());
    const { status } = await second.request('HEAD', `/v2/guest/app/blobs/${digest}`);
    expect(status).toBe(200);
  });
});

/** `from n` of each run of an action. A webhook's event has them in its body. */
async function runsOf(ward: Ward, name: string): Promise<string[]> {
  const { body } = await ward.request('GET', `${root}/activations?name=${name}&docs=true&limit=200`);
  return body.map(({ response }: Reply['body']) => `${response.result.from} ${response.result.n}`);
}
