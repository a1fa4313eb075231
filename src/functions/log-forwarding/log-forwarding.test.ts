import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { completion, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';

const splunk = { host: 'log.example', port: '8088', index: 'main', hec_token: 's3cret-token' };
const { hec_token: _, ...shown } = splunk;
const here = { adobe_io_runtime: {} };
const forwarding = { ceiling: { public: true, rules: [] }, resolve: async () => ['127.0.0.1'] };

/** Runs an action whose log has one line. */
async function call({ functions, invoker, guest, authorization }: Platform): Promise<void> {
  invoker.script = () =>
    completion({}, { log: Promise.resolve(['2026-11-28T20:55:01.000000000Z stdout: said']) });
  await functions.actions.put(ref('hello'), hello, true, guest);
  const more = { payload: {}, waitMs: 5000, transactionId: 't', authorization };
  await functions.invocations.invoke({ identity: guest, action: ref('hello'), ...more });
}

test('a destination is kept encrypted, and shown without its secret', async () => {
  await using platform = await startPlatform({ forwarding });
  const { logForwarding } = platform.functions;
  expect(await logForwarding.get('guest')).toEqual(here);
  expect(await logForwarding.set('guest', { splunk_hec: splunk })).toEqual({ splunk_hec: shown });
  expect(await logForwarding.get('guest')).toEqual({ splunk_hec: shown });
  const [row] = (await platform.store.namespaces.list()).filter(({ name }) => name === 'guest');
  expect(JSON.stringify(row)).toContain('"logForwarding":"w1:test:');
  for (const file of [platform.path, `${platform.path}-wal`]) {
    expect((await readFile(file)).includes('s3cret-token')).toBe(false);
  }
  const next = await platform.restart();
  expect(await next.logForwarding.get('guest')).toEqual({ splunk_hec: shown });
  expect(await logForwarding.set('guest', here)).toEqual(here);
  expect((await platform.store.namespaces.byName('guest'))?.settings).toEqual({});
});

test('another server learns of it', async () => {
  await using platform = await startPlatform({ forwarding, isAlone: false, lookEveryMs: 10 });
  const other = await platform.restart();
  expect(await other.logForwarding.get('guest')).toEqual(here);
  await platform.functions.logForwarding.set('guest', { splunk_hec: splunk });
  await expect.poll(() => other.logForwarding.get('guest')).toEqual({ splunk_hec: shown });
});

test('new limits or keys of a namespace leave it as it is, and a namespace of the same name does not get it', async () => {
  await using platform = await startPlatform({ forwarding });
  const { logForwarding, namespaces } = platform.functions;
  await logForwarding.set('guest', { splunk_hec: splunk });
  await namespaces.setLimits('guest', { concurrentInvocations: 5 });
  await namespaces.rotateKey('guest');
  expect(await logForwarding.get('guest')).toEqual({ splunk_hec: shown });
  await namespaces.delete('guest');
  await namespaces.create('guest');
  await platform.functions.lookForChanges();
  expect(await logForwarding.get('guest')).toEqual(here);
});

test('each recorded activation goes to the forwarder, which asks where its destination is', async () => {
  await using platform = await startPlatform({ forwarding });
  const { logForwarding } = platform.functions;
  await call(platform);
  await logForwarding.set('guest', { splunk_hec: splunk });
  expect(await logForwarding.errors('guest')).toEqual({ destination: 'splunk_hec', errors: [] });
  await call(platform);
  await expect
    .poll(async () => (await logForwarding.errors('guest')).errors, { timeout: 5000 })
    .toEqual([
      expect.stringMatching(
        /log\.example:8088 is loopback; the logs? of \d activations? (?:was|were) given up$/,
      ),
    ]);
});

test('another server shows its errors, too', async () => {
  await using platform = await startPlatform({ forwarding, isAlone: false });
  const other = await platform.restart();
  await platform.functions.logForwarding.set('guest', { splunk_hec: splunk });
  await call(platform);
  await expect
    .poll(async () => (await other.logForwarding.errors('guest')).errors, { timeout: 5000 })
    .toEqual([expect.stringMatching(/^\d{4}-.*Z: .*log\.example:8088 is loopback; the log of 1 activation/)]);
});

test('without places that the operator allows, there is no destination', async () => {
  await using platform = await startPlatform();
  const { logForwarding } = platform.functions;
  const refusal = { code: 'EGRESS_EXCEEDED', kind: 'denied' };
  await expect(logForwarding.set('guest', { splunk_hec: splunk })).rejects.toMatchObject(refusal);
  const inside = { splunk_hec: { ...splunk, host: '169.254.169.254' } };
  await using open = await startPlatform({ forwarding });
  await expect(open.functions.logForwarding.set('guest', inside)).rejects.toMatchObject(refusal);
  expect(await logForwarding.set('guest', here)).toEqual(here);
});
