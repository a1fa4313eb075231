/** Triggers, rules and deliveries on a real Ward: events reach their actions despite failures and `kill -9`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSandboxes, type Reply, Ward } from './ward.ts';

const missing = missingForSandboxes();
const root = '/api/v1/namespaces/_';
const letters = '/ward/v1/namespaces/_/dead-letters';
const echo = 'function main(params) { return params; }';
const fails = 'function main() { return { error: "it broke" }; }';

let ward: Ward;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start({
    invoker: { memoryMiB: 2048, prewarm: [] },
    limits: { firesPerMinute: 1_000_000 },
  });
  await ward.raiseLimits();
});
afterAll(async () => {
  await ward?.[Symbol.asyncDispose]();
});

async function put(path: string, body: object): Promise<Reply['body']> {
  const reply = await ward.request('PUT', `${root}/${path}?overwrite=true`, { body });
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.body.error}`);
  return reply.body;
}

/** A trigger with one rule for an action with this code. */
async function arrange(name: string, code: string, annotations: readonly object[] = []): Promise<void> {
  await ward.deploy(`${name}-action`, code);
  await put(`triggers/${name}`, {});
  await put(`rules/${name}-rule`, { trigger: `/_/${name}`, action: `/_/${name}-action`, annotations });
}

const retry = (attempts: number, backoffMs = 100) => [
  { key: 'retry', value: { attempts, backoffMs, maxBackoffMs: backoffMs } },
];
const fire = (name: string, body: object = {}) => ward.request('POST', `${root}/triggers/${name}`, { body });
const lettersOf = async (name: string): Promise<Reply['body']> =>
  (await ward.request('GET', `${letters}?rule=${name}-rule`)).body;
const countOf = async (name: string): Promise<number> =>
  (await ward.request('GET', `${root}/activations?name=${name}-action&count=true`)).body.activations;

/** Follows the log of an activation until it has the text. */
async function untilItSays(activationId: string, text: string): Promise<void> {
  const { body } = await fetch(`${ward.url}${root}/activations/${activationId}/stream`, {
    headers: { authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}` },
  });
  let seen = '';
  for await (const chunk of body ?? []) {
    seen += Buffer.from(chunk).toString();
    if (seen.includes(text)) return;
  }
  throw new Error(`its log does not say '${text}': ${seen}`);
}

/** Parameters of the action's call, found by the rule's entry in the record of a firing. */
async function calledBy(activationId: string): Promise<Reply['body'][]> {
  const { logs } = await ward.activation(activationId);
  const entries = logs.map((line: string) => JSON.parse(line));
  return Promise.all(
    entries.map(async (entry: { activationId: string }) => ward.activation(entry.activationId)),
  );
}

describe.skipIf(missing !== undefined)(`triggers and rules${missing ? ` (${missing})` : ''}`, () => {
  it('call every action with the parameters of action, trigger and payload', async () => {
    const exec = { kind: 'nodejs:24', code: echo };
    const defaults = ['a', 'b', 'c'].map((key) => ({ key, value: 'action' }));
    for (const name of ['one', 'two']) await put(`actions/${name}`, { exec, parameters: defaults });
    await put('triggers/both', {
      parameters: defaults.slice(1).map(({ key }) => ({ key, value: 'trigger' })),
    });
    for (const name of ['one', 'two'])
      await put(`rules/on-${name}`, { trigger: '/_/both', action: `/_/${name}` });
    const fired = await fire('both', { c: 'payload' });
    expect(fired.status).toBe(202);
    const activations = await calledBy(fired.body.activationId);
    expect(activations.map(({ name }) => name).toSorted()).toEqual(['one', 'two']);
    for (const { response, cause } of activations) {
      expect(response.result).toEqual({ a: 'action', b: 'trigger', c: 'payload' });
      expect(cause).toBeUndefined();
    }
    const record = await ward.activation(fired.body.activationId);
    expect(record).toMatchObject({ name: 'both', response: { success: true, result: { c: 'payload' } } });
  });

  it('work through the OpenWhisk client', async () => {
    const { actions, triggers, rules } = ward.client();
    await actions.create({ name: 'js-a', action: echo });
    await triggers.create({ name: 'js-t' });
    await rules.create({ name: 'js-r', trigger: 'js-t', action: 'js-a' });
    const fired = await triggers.invoke({ name: 'js-t', params: { x: 1 } });
    const [activation] = await calledBy(fired.activationId);
    expect(activation.response.result).toEqual({ x: 1 });
    await rules.disable({ name: 'js-r' });
    expect(await rules.get({ name: 'js-r' })).toMatchObject({ status: 'inactive' });
    expect((await fire('js-t')).status).toBe(204);
    await rules.enable({ name: 'js-r' });
    expect((await fire('js-t')).status).toBe(202);
    await triggers.delete({ name: 'js-t' });
    expect(await rules.get({ name: 'js-r' })).toMatchObject({ status: 'inactive' });
    await expect(rules.enable({ name: 'js-r' })).rejects.toMatchObject({ statusCode: 404 });
    await triggers.create({ name: 'js-t' });
    expect((await fire('js-t')).status).toBe(204);
    expect(await rules.list()).toContainEqual(expect.objectContaining({ name: 'js-r' }));
    await rules.delete({ name: 'js-r' });
    await expect(rules.get({ name: 'js-r' })).rejects.toMatchObject({ statusCode: 404 });
  });

  it('count firings and calls apart, and the record says what was refused', async () => {
    await using small = await Ward.start({ limits: { firesPerMinute: 2, invocationsPerMinute: 1 } });
    await small.deploy('a', echo);
    await small.request('PUT', `${root}/triggers/t`, { body: {} });
    await small.request('PUT', `${root}/rules/r`, { body: { trigger: '/_/t', action: '/_/a' } });
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await small.request('POST', `${root}/triggers/t`, { body: {} }));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 429]);
    expect(answers[2]?.body.error).toMatch(
      /^Too many requests in the last minute \(count: \d+, allowed: 2\)\.$/,
    );
    const { logs } = await small.activation(answers[1]?.body.activationId);
    expect(JSON.parse(logs[0])).toMatchObject({
      success: false,
      error: expect.stringMatching(/^Too many requests in the last minute \(count: \d+, allowed: 1\)\.$/),
    });
  });
});

describe.skipIf(missing !== undefined)('a rule with retry', () => {
  it('calls its action again until it succeeds', async () => {
    await arrange(
      'flaky',
      `function main(p) {
        globalThis.calls = (globalThis.calls ?? 0) + 1;
        return globalThis.calls < 3 ? { error: 'not yet' } : p;
      }`,
      retry(10),
    );
    const { body } = await fire('flaky', { x: 1 });
    await ward.until(async () => {
      const { body: list } = await ward.request('GET', `${root}/activations?name=flaky-action`);
      return list.some(({ statusCode }: { statusCode: number }) => statusCode === 0);
    });
    expect(await countOf('flaky')).toBe(3);
    expect(await lettersOf('flaky')).toEqual([]);
    expect(await ward.activation(body.activationId)).toMatchObject({ response: { success: true } });
  });

  it('keeps failed events, for its owner to replay or delete', async () => {
    await arrange('broken', fails, retry(2));
    await fire('broken', { x: 1 });
    await fire('broken', { x: 2 });
    await ward.until(async () => (await lettersOf('broken')).length === 2);
    const [second, first] = await lettersOf('broken');
    expect(second).toMatchObject({
      trigger: 'broken',
      action: '/guest/broken-action',
      attempts: 2,
      error: 'it broke',
    });
    await ward.deploy('broken-action', echo);
    const replayed = await ward.request('POST', `${letters}/${first.id}/replay`);
    expect(replayed.status).toBe(202);
    expect((await ward.activation(replayed.body.activationId)).response.result).toMatchObject({
      x: expect.any(Number),
    });
    await ward.until(async () => (await lettersOf('broken')).length === 1);
    expect((await ward.request('DELETE', `${letters}/${second.id}`)).status).toBe(204);
    expect(await lettersOf('broken')).toEqual([]);
    expect((await ward.request('POST', `${letters}/${second.id}/replay`)).status).toBe(404);
  });

  it('goes on after kill -9, whether its action was running or its next try was due', async () => {
    await arrange(
      'runs',
      "function main() { console.log('begun'); return new Promise(() => {}); }",
      retry(1),
    );
    // Waits at least two seconds: a kill during a try can leave no record of it.
    await arrange('waits', fails, retry(2, 4000));
    const { body } = await fire('runs', { x: 2 });
    const { logs } = await ward.activation(body.activationId);
    const { activationId } = JSON.parse(logs[0]);
    await untilItSays(activationId, 'begun');
    await fire('waits', { x: 1 });
    await ward.until(async () => (await countOf('waits')) === 1);
    await ward.kill();
    ward = await Ward.start({ invoker: { memoryMiB: 2048, prewarm: [] } }, ward.dataDir);
    await ward.until(async () => (await lettersOf('runs')).length === 1);
    const [letter] = await lettersOf('runs');
    expect(letter).toMatchObject({ activationId, attempts: 1 });
    expect(letter.error).toMatch(/interrupted: the server that had it stopped/);
    await ward.until(async () => (await lettersOf('waits')).length === 1);
    expect(await lettersOf('waits')).toMatchObject([{ attempts: 2, error: 'it broke' }]);
    expect(await countOf('waits')).toBe(2);
    await ward.deploy('runs-action', echo);
    const replayed = await ward.request('POST', `${letters}/${letter.id}/replay`);
    expect((await ward.activation(replayed.body.activationId)).response.result).toEqual({ x: 2 });
  });
});
