/** The policy that servers of a database share. The suite of the gate's store has its writes, on both engines. */
import { chmod, mkdtempDisposable, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  defaultPolicy,
  type GateStore,
  openGateStore,
  parsePolicy,
  type SharedFile,
} from '../../gate/index.ts';
import { type Log, silentLog } from '../../lib/index.ts';
import { actAsCaller } from '../admin/act-as.ts';
import { readKept, readShared, replaceKept } from './policy-place.ts';
import { openPolicySource, readPolicy } from './policy-source.ts';

const error = vi.fn<Log['error']>();
const log = { ...silentLog, error };
const strict = 'form: 1\nrules: { vulnerabilities: { limits: { low: 0 } } }\n';
const lax = 'form: 1\nrules: { gaps: warn }\n';
const own = defaultPolicy().revision;
const revisionOf = (text: string) => parsePolicy(text).revision;

let stack: AsyncDisposableStack;
let path: string;
let store: GateStore;
beforeEach(async () => {
  error.mockReset();
  stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-policy-'))).path;
  path = join(folder, 'policy.yaml');
  store = stack.use(await openGateStore({ path: join(folder, 'gate.db') }));
});
afterEach(() => stack.disposeAsync());

const place = () => ({ path, store, isShared: true });
const share = async (text: string) =>
  replaceKept(place(), await readShared(store), { text, revision: 'any' });

test('counts without a file, and a file counts before it', async () => {
  const source = await openPolicySource({ path, store, log });
  const now = async () => {
    await source.refresh();
    return source.current().revision;
  };
  expect(await now()).toBe(own);
  await share(strict);
  expect(await now()).toBe(revisionOf(strict));
  await writeFile(path, lax);
  expect(await now()).toBe(revisionOf(lax));
  await share('form: 1\n');
  expect(await now()).toBe(revisionOf(lax));
  expect(readPolicy(path, [], await store.sharedFile('policy.yaml')).source).toBe('file');
  await rm(path);
  expect(await now()).toBe(revisionOf('form: 1\n'));
  expect(error).not.toHaveBeenCalled();
});

test('that is no policy, or older than the known one, changes nothing, and the log says so once', async () => {
  await share(lax);
  const first = await store.sharedFile('policy.yaml');
  await share(strict);
  const second = await store.sharedFile('policy.yaml');
  let given: SharedFile | undefined | 'stored' = 'stored';
  const lying: Pick<GateStore, 'waivers' | 'sharedFile'> = {
    waivers: () => store.waivers(),
    sharedFile: async (name) => (given === 'stored' ? await store.sharedFile(name) : given),
  };
  const source = await openPolicySource({ path, store: lying, log });
  for (given of [first, undefined]) {
    await source.refresh();
    expect(source.current().revision).toBe(revisionOf(strict));
  }
  expect(error.mock.calls).toEqual([
    [
      { found: first?.revision, known: second?.revision },
      expect.stringContaining('older policy than this server'),
    ],
  ]);
  given = 'stored';
  for (const text of ['a: *b\n', `${'['.repeat(100_000)}`, 'form: 1\nrules: { malwar: deny }\n', '\0'])
    await share(text);
  for (let time = 0; time < 2; time++) await source.refresh();
  expect(source.current().revision).toBe(revisionOf(strict));
  expect(error).toHaveBeenCalledTimes(2);
  await share(lax);
  await source.refresh();
  expect(source.current().revision).toBe(revisionOf(lax));
  await share('no policy');
  await expect(openPolicySource({ path, store, log })).rejects.toMatchObject({ code: 'POLICY_INVALID' });
});

test('is looked for again after a look that may have read before the change', async () => {
  const answers: PromiseWithResolvers<SharedFile | undefined>[] = [];
  const slow = {
    waivers: () => store.waivers(),
    sharedFile: () => {
      const answer = Promise.withResolvers<SharedFile | undefined>();
      answers.push(answer);
      return answer.promise;
    },
  };
  const opening = openPolicySource({ path, store: slow, log });
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  answers[0]?.resolve(undefined);
  const source = await opening;
  const early = source.refresh();
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  await share(strict);
  const late = [source.refresh(), source.refresh()];
  answers[1]?.reject(new Error('no answer'));
  await expect(early).rejects.toThrow('no answer');
  await vi.waitFor(() => expect(answers).toHaveLength(3));
  answers[2]?.resolve(await store.sharedFile('policy.yaml'));
  await Promise.all(late);
  expect([source.current().revision, answers.length]).toEqual([revisionOf(strict), 3]);
});

test('is replaced by who has read it, and not where a server has a file of its own', async () => {
  const read = await readKept(place());
  expect(read).toEqual({ text: undefined, digest: null });
  const write = (text: string) => replaceKept(place(), read, { text, revision: 'r' });
  const outcomes = await Promise.allSettled([write(strict), write(lax)]);
  expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'POLICY_CHANGED' } }]);
  expect((await store.audit()).map(({ event }) => event)).toEqual(['set-policy']);
  await writeFile(path, lax);
  const kept = await readKept(place());
  expect(kept).toMatchObject({ text: lax, readOnly: expect.stringContaining('ward policy set') });
  await expect(replaceKept(place(), kept, { text: strict, revision: 'r' })).rejects.toMatchObject({
    code: 'POLICY_READ_ONLY',
  });
  // The same on a machine whose database came back from a cluster.
  await rm(path);
  const back = { ...place(), isShared: false };
  const shared = await readKept(back);
  expect(shared.text).toBe(strict);
  await replaceKept(back, shared, { text: lax, revision: 'r' });
  expect(await readKept(back)).toMatchObject({ text: lax, mode: 0o600 });
});

const empty = { waivers: async () => [], sharedFile: async () => undefined };

test.skipIf(process.geteuid?.() !== 0)(
  'in a file that can’t be read is tried again, and the log says so once',
  async () => {
    await chmod(dirname(path), 0o755);
    const source = await openPolicySource({ path, store: empty, log });
    await writeFile(path, lax, { mode: 0o600 });
    {
      using _nobody = actAsCaller({ SUDO_UID: '65534', SUDO_GID: '65534' });
      for (let time = 0; time < 2; time++) await source.refresh();
    }
    expect([source.current().revision, error.mock.calls.length]).toEqual([own, 1]);
    await source.refresh();
    expect(source.current().revision).toBe(revisionOf(lax));
  },
);

test('in a file is read again when it has the length and the date of the earlier one', async () => {
  const date = new Date(1_700_000_000_000);
  const write = async (text: string) => {
    await writeFile(path, text);
    await utimes(path, date, date);
  };
  await write(lax);
  const source = await openPolicySource({ path, store: empty, log });
  const other = lax.replace('warn', 'deny');
  await write(other);
  await source.refresh();
  expect(source.current().revision).toBe(revisionOf(other));
});
