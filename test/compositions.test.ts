/** Sequences and compositions, on real sandboxes: results, records, errors in the middle, limits. */
import { fileURLToPath } from 'node:url';
import composer from 'openwhisk-composer';
import composerClient from 'openwhisk-composer/client.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { onlyOneMachine } from './one-machine.ts';
import { missingForSandboxes, type Reply, Ward } from './ward.ts';

const missing = missingForSandboxes();
const actions = '/api/v1/namespaces/_/actions';

let ward: Ward;

const code = {
  add: 'const main = ({ n = 0, by = 1 }) => ({ n: n + by })',
  fail: "const main = () => ({ error: 'enough' })",
  crash: "const main = () => { throw new Error('broken') }",
  list: 'const main = () => [1, 2]',
  sum: 'const main = (args) => ({ sum: args.reduce((a, b) => a + b, 0) })',
  // Calls `add` until n is 3, then says so.
  loop: "const main = ({ n = 0, turns = 0 }) => n < 3 ? { action: 'add', params: { n }, state: { turns: turns + 1 } } : { params: { n, turns } }",
  endless: "const main = () => ({ action: 'add' })",
  says: 'const main = ({ error, say }) => error ? { params: { caught: error } } : { action: say }',
};

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start();
  await ward.raiseLimits();
  for (const [name, source] of Object.entries(code)) await ward.deploy(name, source);
  for (const name of ['loop', 'endless', 'says']) await annotate(name, 'conductor', true);
});
afterAll(() => ward?.[Symbol.asyncDispose]());

async function annotate(name: string, key: string, value: unknown): Promise<void> {
  const body = { annotations: [{ key, value }] };
  const reply = await ward.request('PUT', `${actions}/${name}?overwrite=true`, { body });
  expect(reply.status).toBe(200);
}

function sequence(name: string, components: readonly string[]): Promise<Reply> {
  const body = { exec: { kind: 'sequence', components } };
  return ward.request('PUT', `${actions}/${name}?overwrite=true`, { body });
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there
function annotation(record: any, key: string): unknown {
  return record.annotations.find((each: { key: string }) => each.key === key)?.value;
}

describe.skipIf(missing !== undefined)(`sequences${missing ? ` (${missing})` : ''}`, () => {
  it('pass on large results, which are answered and stored unchanged', async () => {
    await ward.deploy('grow', "const main = ({ text = 'ü' }) => ({ text: text.repeat(300) })");
    await ward.deploy('many', 'const main = () => Array.from({ length: 50_000 }, (_, n) => n)');
    await sequence('grown', ['/_/grow', '/_/grow']);
    const grown = { text: 'ü'.repeat(90_000) };
    const whole = await ward.invoke('grown');
    expect(whole.body.response.result).toEqual(grown);
    const kept = await ward.activation(whole.body.activationId);
    const last = await ward.activation(kept.logs[1]);
    for (const { response } of [kept, last]) expect(response.result).toEqual(grown);
    const text = 'ü'.repeat(300);
    const alone = await ward.request('POST', `${actions}/grow?blocking=true&result=true`, { body: { text } });
    expect(alone.body).toEqual(grown);
    const many = await ward.invoke('many');
    expect(many.body).toEqual(Array.from({ length: 50_000 }, (_, n) => n));
  });

  it('pass each result to the next action, and leave linked records', async () => {
    const put = await sequence('three', ['/_/add', 'guest/add', '/guest/add']);
    expect(put).toMatchObject({
      status: 200,
      body: {
        exec: { kind: 'sequence', components: ['/guest/add', '/guest/add', '/guest/add'] },
        parameters: [{ key: '_actions', value: ['/guest/add', '/guest/add', '/guest/add'] }],
      },
    });
    const { status, body } = await ward.invoke('three', { n: 4 });
    expect(status).toBe(200);
    expect(body.response).toMatchObject({ status: 'success', result: { n: 7 } });
    const whole = await ward.activation(body.activationId);
    expect(whole.logs).toHaveLength(3);
    expect(annotation(whole, 'topmost')).toBe(true);
    expect(annotation(whole, 'kind')).toBe('sequence');
    expect(whole.cause).toBeUndefined();
    const parts = await Promise.all(whole.logs.map((id: string) => ward.activation(id)));
    for (const part of parts) {
      expect(part).toMatchObject({ name: 'add', cause: whole.activationId });
      expect(annotation(part, 'causedBy')).toBe('sequence');
      expect(annotation(part, 'topmost')).toBeUndefined();
    }
    expect(parts.map((part) => part.response.result.n)).toEqual([5, 6, 7]);
    expect(whole.duration).toBe(parts.reduce((sum, part) => sum + part.duration, 0));
  });

  it('end at the first error, and have its kind', async () => {
    await sequence('stops', ['/_/add', '/_/fail', '/_/add']);
    const stopped = await ward.invoke('stops');
    expect(stopped).toMatchObject({
      status: 502,
      body: { response: { status: 'application error', result: { error: 'enough' } } },
    });
    expect((await ward.activation(stopped.body.activationId)).logs).toHaveLength(2);
    await sequence('crashes', ['/_/crash', '/_/add']);
    const crashed = await ward.invoke('crashes');
    expect(crashed).toMatchObject({ status: 502, body: { response: { status: 'action developer error' } } });
    expect((await ward.activation(crashed.body.activationId)).logs).toHaveLength(1);
  });

  it('an error in their parameters does not end them', async () => {
    expect((await ward.invoke('three', { n: 1, error: 'old' })).body.response.result).toEqual({ n: 4 });
  });

  it('pass lists on', async () => {
    await sequence('lists', ['/_/list', '/_/sum']);
    expect((await ward.invoke('lists')).body.response.result).toEqual({ sum: 3 });
  });

  it('within sequences: one record for each, and one limit for all', async () => {
    await sequence('inner', ['/_/add', '/_/add']);
    await sequence('outer', ['/_/inner', '/_/add']);
    const { body } = await ward.invoke('outer', { n: 0 });
    expect(body.response.result).toEqual({ n: 3 });
    const outer = await ward.activation(body.activationId);
    const inner = await ward.activation(outer.logs[0]);
    expect(inner).toMatchObject({ name: 'inner', cause: outer.activationId });
    expect(inner.logs).toHaveLength(2);
    expect(annotation(inner, 'topmost')).toBe(false);
    const many = await sequence(
      'many',
      Array.from({ length: 26 }, () => '/_/inner'),
    );
    expect(many).toMatchObject({ status: 400, body: { error: 'Too many actions in the sequence.' } });
  });

  it('run to the end and are recorded when no one waits for them', async () => {
    const reply = await ward.request('POST', `${actions}/three`, { body: { n: 0 } });
    expect(reply.status).toBe(202);
    const { activationId } = reply.body;
    expect((await ward.activation(activationId)).response.result).toEqual({ n: 3 });
  });

  it.each([
    ['none', [], 'No component specified for the sequence.'],
    ['51', Array.from({ length: 51 }, () => '/_/add'), 'Too many actions in the sequence.'],
    ['one that is missing', ['/_/add', '/_/nowhere'], 'Sequence component does not exist.'],
    ['itself', ['/_/add', '/_/refused'], 'Sequence may not refer to itself.'],
  ])('%s as components is refused', async (_, components, error) => {
    expect(await sequence('refused', components)).toMatchObject({ status: 400, body: { error } });
  });

  it('a cycle through other sequences is refused', async () => {
    await sequence('ring-a', ['/_/add']);
    await sequence('ring-b', ['/_/ring-a']);
    expect(await sequence('ring-a', ['/_/ring-b'])).toMatchObject({
      status: 400,
      body: { error: 'Sequence may not refer to itself.' },
    });
  });

  it('a component of another namespace is refused without revealing whether it exists', async () => {
    await ward.createNamespace('seq-other');
    expect((await sequence('foreign', ['/seq-other/add'])).status).toBe(403);
  });

  it('a deleted component is an error of the call', async () => {
    await ward.deploy('short-lived', code.add);
    await sequence('holey', ['/_/add', '/_/short-lived']);
    expect((await ward.request('DELETE', `${actions}/short-lived`)).status).toBe(200);
    expect(await ward.invoke('holey')).toMatchObject({
      status: 502,
      body: { response: { result: { error: 'Sequence component does not exist.' } } },
    });
  });
});

describe.skipIf(missing !== undefined)(`compositions${missing ? ` (${missing})` : ''}`, () => {
  it('go on until the conductor names no next action, and return its state to it', async () => {
    const { status, body } = await ward.invoke('loop');
    expect(status).toBe(200);
    expect(body.response.result).toEqual({ n: 3, turns: 3 });
    const whole = await ward.activation(body.activationId);
    expect(annotation(whole, 'conductor')).toBe(true);
    expect(annotation(whole, 'kind')).toBe('sequence');
    expect(whole.logs).toHaveLength(2 * 3 + 1);
    const names = await Promise.all(whole.logs.map(async (id: string) => (await ward.activation(id)).name));
    expect(names).toEqual(['loop', 'add', 'loop', 'add', 'loop', 'add', 'loop']);
  });

  it('one that never ends is stopped', async () => {
    const { status, body } = await ward.invoke('endless');
    expect(status).toBe(502);
    expect(body.response.result).toEqual({ error: 'Too many actions in the composition.' });
    const whole = await ward.activation(body.activationId);
    expect(whole.logs).toHaveLength(50 + 101);
  });

  it.each([
    ['nowhere', "Failed to resolve action with name 'guest/nowhere' during composition."],
    [7, 'Failed to parse action name from json value 7 during composition.'],
    [
      '/whisk.system/none/none',
      "Failed entitlement check for action with name 'whisk.system/none/none' during composition.",
    ],
  ])('the conductor is told that it can not call %s', async (say, caught) => {
    expect((await ward.invoke('says', { say })).body.response.result).toEqual({ caught });
  });

  it('made with Composer run', async () => {
    await ward.deploy('is-odd', 'const main = ({ n }) => ({ value: n % 2 === 1, n })');
    const composition = composer.sequence(
      'add',
      composer.if(
        composer.action('is-odd'),
        composer.literal({ odd: true }),
        composer.literal({ odd: false }),
      ),
    );
    const client = composerClient({ apihost: ward.url, api_key: ward.auth }, true);
    await client.compositions.deploy({ name: 'odd', ...composition.compile() }, true);
    const invoke = (n: number) =>
      client.actions.invoke({ name: 'odd', params: { n }, blocking: true, result: true });
    expect([await invoke(2), await invoke(3)]).toEqual([{ odd: true }, { odd: false }]);
  });

  it('branch and join again in Redis, with their own key and egress to it', async (test) => {
    onlyOneMachine('the network of its own reaches no engine');
    if ((await runCommand(['redis-server', '--version']).catch(() => undefined))?.code !== 0)
      test.skip('redis-server is not installed');
    const program = fileURLToPath(new URL('./parallel-composition.ts', import.meta.url));
    const argv = ['unshare', '--net', '--', process.execPath, program];
    // Sooner than the test's own time-out, which would not show how far it came.
    const { code, stdout, stderr } = await runCommand(argv, { timeoutMs: 110_000 });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      parallel: { value: [{ n: 2 }, { n: 3 }, { n: 100 }] },
      map: { value: [{ n: 2 }, { n: 15 }] },
    });
  });
});
