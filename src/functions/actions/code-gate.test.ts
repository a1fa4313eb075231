import { describe, expect, test, vi } from 'vitest';
import { Fault } from '../../lib/index.ts';
import { jsonOf } from '../activations/result.ts';
import { hello, ref, startPlatform } from '../platform.fixture.ts';
import type { CodeGate, GateVerdict, RunVerdict } from './code-gate.ts';

const allow: GateVerdict = { outcome: 'allow', summary: '' };
const deny: GateVerdict = {
  outcome: 'deny',
  summary: '1 critical: CVE-2021-23337 in lodash 4.17.20, fixed in 4.17.21',
};

function gateOf(changes: Partial<CodeGate>): CodeGate {
  return { admitCode: async () => allow, admitImage: async () => allow, mayRun: () => allow, ...changes };
}

/** A call of the action `a`, without how long to wait. */
function callOf({ guest }: Awaited<ReturnType<typeof startPlatform>>) {
  return { identity: guest, action: ref('a'), payload: {}, transactionId: 't', authorization: undefined };
}

describe('the gate', () => {
  test('refuses code before any of it is stored', async () => {
    const asked: unknown[] = [];
    const gate = gateOf({
      admitCode: async ({ code, ...rest }) => {
        asked.push({ ...rest, code: Buffer.from(code).toString() });
        return deny;
      },
    });
    await using platform = await startPlatform({ gate });
    const { actions } = platform.functions;
    await expect(actions.put(ref('a'), hello, false, platform.guest)).rejects.toMatchObject({
      code: 'DEPLOYMENT_REFUSED',
      kind: 'denied',
      message: `The action is refused: ${deny.summary}`,
    });
    const { keyId: actor } = platform.guest;
    const { code } = hello.exec;
    expect(asked).toEqual([{ namespace: 'guest', actor, action: 'guest/a', kind: 'nodejs:24', code }]);
    await expect(actions.get(ref('a'), false, platform.guest.namespace)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await Array.fromAsync(platform.blobs.list())).toEqual([]);
  });

  test('is asked about an image by its name, but not about a change without code', async () => {
    const images: string[] = [];
    const gate = gateOf({
      admitImage: async ({ image }) => {
        images.push(image);
        return image === 'bad' ? deny : allow;
      },
    });
    await using platform = await startPlatform({ gate });
    const { actions } = platform.functions;
    const container = (image: string) => ({ exec: { kind: 'blackbox', image } });
    await actions.put(ref('a'), container('good'), false, platform.guest);
    await actions.put(ref('a'), { limits: { timeout: 5000 } }, true, platform.guest);
    const refused = actions.put(ref('a'), container('bad'), true, platform.guest);
    await expect(refused).rejects.toMatchObject({ code: 'DEPLOYMENT_REFUSED' });
    expect(images).toEqual(['good', 'bad']);
  });

  test('a call gets the image that was judged, also when it is judged again at the handover', async () => {
    const judged: (string | undefined)[] = [];
    const pinned = `guest/app@sha256:${'a'.repeat(64)}`;
    const mayRun: CodeGate['mayRun'] = ({ image }) => {
      judged.push(image);
      return { ...allow, image: pinned };
    };
    await using platform = await startPlatform({ gate: gateOf({ mayRun }) });
    const { actions, invocations } = platform.functions;
    const exec = { kind: 'blackbox', image: 'guest/app:v1' };
    await actions.put(ref('a'), { exec }, false, platform.guest);
    // It is brought to invokers.
    await vi.waitFor(() => expect(platform.invoker.prefetched).toEqual([pinned]));
    judged.length = 0;
    const slot = Promise.withResolvers<void>();
    platform.invoker.slot = slot.promise;
    const request = { identity: platform.guest, action: ref('a'), payload: {}, transactionId: 't' };
    const ended = invocations.invoke({ ...request, authorization: undefined, waitMs: 60_000 });
    await vi.waitFor(() => expect(platform.invoker.waiting).toBe(1));
    // The first verdict is too old by then.
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
    slot.resolve();
    await ended;
    vi.restoreAllMocks();
    expect(judged).toEqual(['guest/app:v1', pinned]);
    expect(platform.invoker.jobs).toMatchObject([{ image: pinned }]);
  });

  test('warns the author of an unknown image, whose calls fail as in OpenWhisk, blocking or not', async () => {
    const absent: GateVerdict = { outcome: 'absent', summary: 'no such image' };
    await using platform = await startPlatform({
      gate: gateOf({ admitImage: async () => absent, mayRun: () => absent }),
    });
    const { actions, invocations, activations } = platform.functions;
    const exec = { kind: 'blackbox', image: 'bogus/nowhere' };
    const view = await actions.put(ref('a'), { exec }, false, platform.guest);
    expect(view.warning).toBe('calls of the action will fail: no such image');
    expect((await actions.put(ref('a'), {}, true, platform.guest)).warning).toBeUndefined();
    const request = callOf(platform);
    const response = {
      status: 'action developer error',
      result: { error: "Failed to pull container image 'bogus/nowhere'." },
    };
    const { record } = await invocations.invoke({ ...request, waitMs: 60_000 });
    expect(JSON.parse(record === undefined ? '{}' : jsonOf(record.result))).toEqual(response.result);
    expect(record?.status).toBe(response.status);
    const { activationId } = await invocations.invoke({ ...request, waitMs: undefined });
    await expect
      .poll(() => activations.get('guest', activationId).catch(() => undefined))
      .toMatchObject({ response, end: expect.any(Number) });
    expect([platform.invoker.inFlight, platform.invoker.jobs.length]).toEqual([0, 0]);
  });

  test.each(['IMAGE_UNKNOWN', 'IMAGE_UNUSABLE'])(
    '%s of the invoker ends the activation, too',
    async (code) => {
      await using platform = await startPlatform();
      const { actions, invocations } = platform.functions;
      await actions.put(ref('a'), { exec: { kind: 'blackbox', image: 'gone' } }, false, platform.guest);
      platform.invoker.script = () => Promise.reject(new Fault(code, 'invalid', 'no image'));
      const request = { identity: platform.guest, action: ref('a'), payload: {}, transactionId: 't' };
      expect(
        await invocations.invoke({ ...request, authorization: undefined, waitMs: 60_000 }),
      ).toMatchObject({
        record: { status: 'action developer error' },
      });
      expect(platform.invoker.inFlight).toBe(0);
    },
  );

  test('refuses to run code that is denied by now, blocking or not, and holds nothing', async () => {
    let verdict = allow;
    await using platform = await startPlatform({ gate: gateOf({ mayRun: () => verdict }) });
    const { actions, invocations } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    const request = callOf(platform);
    expect(await invocations.invoke({ ...request, waitMs: 60_000 })).toMatchObject({
      record: { status: 'success' },
    });
    verdict = deny;
    for (const waitMs of [1000, undefined]) {
      await expect(invocations.invoke({ ...request, waitMs })).rejects.toMatchObject({ code: 'RUN_REFUSED' });
    }
    expect(platform.invoker.inFlight).toBe(0);
    expect(platform.invoker.jobs).toHaveLength(1);
  });

  test.each([
    ['at once', (verdict: GateVerdict) => verdict],
    ['when it has found out', async (verdict: GateVerdict) => verdict],
  ])('refuses code that was denied while a call waited for its sandbox: %s', async (_, told) => {
    let verdict: GateVerdict | Promise<GateVerdict> = allow;
    await using platform = await startPlatform({ gate: gateOf({ mayRun: () => verdict }) });
    const { actions, activations, invocations } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    const slot = Promise.withResolvers<void>();
    platform.invoker.slot = slot.promise;
    const request = callOf(platform);
    const waited = invocations.invoke({ ...request, waitMs: 60_000 });
    const accepted = await invocations.invoke({ ...request, waitMs: undefined });
    await expect.poll(() => platform.invoker.waiting).toBe(2);
    const startedAt = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(startedAt + 60_000);
    verdict = told(deny);
    slot.resolve();
    await expect(waited).rejects.toMatchObject({ code: 'RUN_REFUSED' });
    clock.mockRestore();
    const { activationId } = accepted;
    await expect
      .poll(async () => (await activations.get('guest', activationId).catch(() => undefined))?.['response'])
      .toMatchObject({ success: false, result: { error: expect.stringContaining(deny.summary) } });
    expect([platform.invoker.inFlight, platform.invoker.jobs.length]).toEqual([0, 0]);
  });

  test('that can’t judge for now refuses blocking calls with “try again”, and lets accepted ones wait', async () => {
    let verdict: RunVerdict = { outcome: 'unjudged', summary: 'the gate can’t judge it' };
    const verdicts: RunVerdict[] = [allow];
    const gate = gateOf({ mayRun: async () => verdicts.shift() ?? verdict });
    await using platform = await startPlatform({ gate });
    const { actions, activations, invocations } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    const request = callOf(platform);
    // Judged when it is accepted, and again when it begins.
    const { activationId } = await invocations.invoke({ ...request, waitMs: undefined });
    await expect(invocations.invoke({ ...request, waitMs: 60_000 })).rejects.toMatchObject({
      code: 'RUN_UNJUDGED',
      kind: 'busy',
      retryAfterMs: 5000,
    });
    verdict = allow;
    await expect
      .poll(() => activations.get('guest', activationId).catch(() => undefined), { timeout: 5000 })
      .toMatchObject({
        response: { success: true },
        annotations: expect.arrayContaining([
          { key: 'waitReason', value: 'the gate could not judge its code' },
        ]),
      });
  });

  test('makes the call wait while it does not know yet, with the same refusal', async () => {
    const answers = [allow, deny];
    const gate = gateOf({ mayRun: async () => answers.shift() ?? deny });
    await using platform = await startPlatform({ gate });
    const { actions, invocations } = platform.functions;
    await actions.put(ref('a'), hello, false, platform.guest);
    const request = { ...callOf(platform), waitMs: 60_000 };
    expect(await invocations.invoke(request)).toMatchObject({ record: { status: 'success' } });
    await expect(invocations.invoke(request)).rejects.toMatchObject({ code: 'RUN_REFUSED' });
    expect([platform.invoker.inFlight, platform.invoker.jobs.length]).toEqual([0, 1]);
  });

  test('is asked before code of a sequence is loaded in advance', async () => {
    let verdict = allow;
    const asked: string[] = [];
    const gate = gateOf({
      mayRun: ({ owner }, namespace) => {
        asked.push(`${owner} for ${namespace}`);
        return verdict;
      },
    });
    await using platform = await startPlatform({ gate });
    const { actions, invocations } = platform.functions;
    for (const name of ['a', 'b']) await actions.put(ref(name), hello, false, platform.guest);
    const exec = { kind: 'sequence', components: ['/_/a', '/_/b'] };
    await actions.put(ref('both'), { exec }, false, platform.guest);
    const request = {
      identity: platform.guest,
      action: ref('both'),
      payload: {},
      transactionId: 't',
      authorization: undefined,
      waitMs: 60_000,
    };
    await invocations.invoke(request);
    const warmed = platform.invoker.warmed.length;
    expect(warmed).toBeGreaterThan(0);
    expect(new Set(asked)).toEqual(new Set(['guest for guest']));
    verdict = deny;
    await invocations.invoke(request).catch(() => undefined);
    expect(platform.invoker.warmed).toHaveLength(warmed);
  });
});
