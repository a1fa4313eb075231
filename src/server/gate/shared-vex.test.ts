/** The VEX documents that servers of a database share, and the folder that one machine has. */
import {
  chmod,
  mkdir,
  mkdtempDisposable,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { type GateStore, openGateStore, type SharedFile } from '../../gate/index.ts';
import { type Log, silentLog } from '../../lib/index.ts';
import { actAsCaller } from '../admin/act-as.ts';
import { readOwnVex, replaceVex } from './vex-place.ts';
import { openVexSource } from './vex-source.ts';

const error = vi.fn<Log['error']>();
const log = { ...silentLog, error };

let stack: AsyncDisposableStack;
let folder: string;
let store: GateStore;
beforeEach(async () => {
  error.mockReset();
  stack = new AsyncDisposableStack();
  const place = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-vex-'))).path;
  folder = join(place, 'vex');
  store = stack.use(await openGateStore({ path: join(place, 'gate.db') }));
});
afterEach(() => stack.disposeAsync());

const textOf = (id: string) =>
  JSON.stringify({ bomFormat: 'CycloneDX', vulnerabilities: [{ id, analysis: { state: 'not_affected' } }] });
const document = (name: string, id = name) => ({ name: `${name}.json`, bytes: Buffer.from(textOf(id)) });
const share = (...names: readonly string[]) =>
  replaceVex(
    { folder, store, isShared: true },
    names.map((name) => document(name)),
  );
const replace = (...names: readonly string[]) =>
  replaceVex(
    { folder, store, isShared: false },
    names.map((name) => document(name)),
  );
const idsOf = (vex: Awaited<ReturnType<typeof readOwnVex>>) => vex?.statements.flatMap(({ ids }) => ids);

test('count without files, and files count before them', async () => {
  const source = await openVexSource({ folder, store, log });
  const now = async () => {
    await source.refresh();
    return [source.source(), ...(idsOf(source.current()) ?? [])];
  };
  expect(await now()).toEqual([null]);
  await share('a', 'b');
  expect(await now()).toEqual(['database', 'a', 'b']);
  const { revision } = source.current();
  await mkdir(folder);
  await writeFile(join(folder, 'README'), 'no document');
  expect(await now()).toEqual(['database', 'a', 'b']);
  for (const name of ['a', 'b']) await writeFile(join(folder, `${name}.json`), textOf(name));
  expect(await now()).toEqual(['folder', 'a', 'b']);
  expect(source.current().revision).toBe(revision);
  await share('c');
  expect(await now()).toEqual(['folder', 'a', 'b']);
  await rm(folder, { recursive: true });
  expect(await now()).toEqual(['database', 'c']);
  await share();
  expect(await now()).toEqual([null]);
  expect((await store.audit()).map(({ event, name }) => `${event} ${name}`)).toEqual([
    ...['set-vex vex', 'set-vex vex', 'set-vex vex'],
  ]);
  expect(error).not.toHaveBeenCalled();
});

test('that can’t be read, or are older than the known ones, change nothing, and the log says so once', async () => {
  await share('a');
  const first = await store.sharedFile('vex.json');
  await share('b');
  const second = await store.sharedFile('vex.json');
  let given: SharedFile | undefined = second;
  const source = await openVexSource({ folder, store: { sharedFile: async () => given }, log });
  for (given of [first, undefined]) {
    await source.refresh();
    expect(idsOf(source.current())).toEqual(['b']);
  }
  expect(error).toHaveBeenCalledTimes(1);
  for (const text of ['no JSON', '["a.json"]', '{"a.json": "{}"}', '{"../a.json": ""}']) {
    const bytes = Buffer.from(text);
    given = { name: 'vex.json', revision: Number.MAX_SAFE_INTEGER, digest: digestOf(bytes), bytes };
    for (let time = 0; time < 2; time++) await source.refresh();
    expect([idsOf(source.current()), source.problem()]).toEqual([['b'], expect.any(String)]);
  }
  expect(error).toHaveBeenCalledTimes(5);
});

test('of two that replace them at once, one is refused', async () => {
  const outcomes = await Promise.allSettled([share('a'), share('b')]);
  const won = outcomes.find(({ status }) => status === 'fulfilled');
  const lost = outcomes.find(({ status }) => status === 'rejected');
  expect([won, lost]).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'VEX_CHANGED' } }]);
  expect(await store.audit()).toHaveLength(1);
});

test('in a folder are replaced together, and a crash leaves the old ones or the new ones', async () => {
  await replace('a', 'b');
  expect(idsOf(await readOwnVex(folder))).toEqual(['a', 'b']);
  // A reader meanwhile finds all of one set.
  const found = new Set<string>();
  let isOver = false;
  const reading = (async () => {
    while (!isOver) found.add(String(idsOf(await readOwnVex(folder))));
  })();
  for (let time = 0; time < 8; time++) await (time % 2 === 0 ? replace('c', 'd', 'e') : replace('a', 'b'));
  isOver = true;
  await reading;
  expect([...found].filter((each) => each !== 'a,b' && each !== 'c,d,e')).toEqual([]);
  // Killed between the two renames, and after them.
  await rename(folder, `${folder}.before`);
  expect(idsOf(await readOwnVex(folder))).toEqual(['a', 'b']);
  await replace('f');
  expect(idsOf(await readOwnVex(folder))).toEqual(['f']);
  await mkdir(`${folder}.before`);
  await writeFile(join(`${folder}.before`, 'old.json'), textOf('old'));
  await replace('g');
  expect(await readdir(join(folder, '..'))).not.toContain('vex.before');
  expect(await readdir(folder)).toEqual(['g.json']);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  await share('h');
  await replace();
  expect(await readOwnVex(folder)).toBeUndefined();
  expect(await openVexSource({ folder, store, log }).then((source) => source.source())).toBeNull();
});

test('in a folder that is managed elsewhere are not replaced', async () => {
  const refused = { code: 'VEX_READ_ONLY' };
  await replace('a');
  await writeFile(join(folder, 'README'), 'why');
  await expect(replace('b')).rejects.toMatchObject(refused);
  await rm(join(folder, 'README'));
  await rename(folder, `${folder}.real`);
  await symlink(`${folder}.real`, folder);
  await expect(replace('b')).rejects.toMatchObject(refused);
  expect(idsOf(await readOwnVex(folder))).toEqual(['a']);
});

const empty = { sharedFile: async () => undefined };

test.skipIf(process.geteuid?.() !== 0)(
  'in a folder that can’t be read are tried again, and the log says so once',
  async () => {
    const source = await openVexSource({ folder, store: empty, log });
    await replace('a');
    for (const each of [dirname(folder), folder]) await chmod(each, 0o755);
    {
      using _nobody = actAsCaller({ SUDO_UID: '65534', SUDO_GID: '65534' });
      for (let time = 0; time < 2; time++) await source.refresh();
    }
    expect([source.source(), source.problem(), error.mock.calls.length]).toEqual([
      ...[null, expect.stringContaining('EACCES'), 1],
    ]);
    await rename(folder, `${folder}.real`);
    await source.refresh();
    expect([source.source(), source.problem()]).toEqual([null, undefined]);
    await rename(`${folder}.real`, folder);
    await source.refresh();
    expect([idsOf(source.current()), source.problem()]).toEqual([['a'], undefined]);
  },
);

test('in a folder are read again when one has the length and the date of the earlier one', async () => {
  const date = new Date(1_700_000_000_000);
  const write = async (id: string) => {
    await writeFile(join(folder, 'a.json'), textOf(id));
    await utimes(join(folder, 'a.json'), date, date);
  };
  await mkdir(folder);
  await write('a');
  const source = await openVexSource({ folder, store: empty, log });
  await write('b');
  await source.refresh();
  expect(idsOf(source.current())).toEqual(['b']);
});
