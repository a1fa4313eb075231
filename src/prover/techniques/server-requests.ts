/**
 * A server that was taken over asks the keeper for what no server may have. Each request goes to a real keeper, which
 * must first grant the same server something permitted: a keeper that refuses everything proves nothing.
 */
import { once } from 'node:events';
import { mkdir, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { sayLine } from '../../keeper/index.ts';
import { isFault } from '../../lib/index.ts';
import type { PolicyAsk } from '../../sandbox/index.ts';
import { type KeptServer, openKeptServer } from '../kept-server.ts';
import { answerOf, interpreterOf, runProgram, type Start } from '../program.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, HostTechnique, Technique } from '../types.ts';

const head = { vector: 'application', control: 'keeper-check', expects: ['refused'] } as const;
const mebibyte = 1024 * 1024;
const someName = '0123456789abcdef';
const otherRoot = 'b'.repeat(64);

type Demand = (server: KeptServer, context: HostContext) => Promise<unknown>;

/** A request that the keeper must answer with this fault. */
export function refused(name: string, title: string, fault: RegExp, demand: Demand): HostTechnique {
  return { ...titled(name, title), run: (context) => answerTo(context, fault, demand) };
}

/** A message so unlike a server's request that the keeper must hang up. */
export function hungUpOn(
  name: string,
  title: string,
  said: (server: KeptServer) => object | Buffer,
): HostTechnique {
  return { ...titled(name, title), run: (context) => answerToNoise(context, said) };
}

function titled(name: string, title: string) {
  return {
    ...{ ...head, name: `server-${name}`, title: `in the server: ${title}` },
    reference: 'src/keeper/wire.ts',
  };
}

const checked =
  (change: (server: KeptServer) => Partial<PolicyAsk>): Demand =>
  (server) =>
    server.link.ask('check', { ask: { ...server.sound, ...change(server) } });
const strange = (more: object) => () => ({ id: 1_000_000, ...more });

export const serverRequestTechniques: readonly Technique[] = [
  refused(
    'ask-memory',
    'ask for more memory than any sandbox may have',
    /^POLICY_EXCEEDED /,
    checked(({ operator: { ceiling }, sound }) => ({
      memoryBytes: Math.max(ceiling.memoryBytes, sound.memoryBytes) + mebibyte,
    })),
  ),
  refused(
    'ask-cpus',
    'ask for more processors than any sandbox may have',
    /^POLICY_EXCEEDED /,
    checked(({ operator: { ceiling, defaults } }) => ({
      request: { cpus: Math.max(ceiling.cpus, defaults.cpus) + 1 },
    })),
  ),
  refused(
    'ask-programs-in-tmpfs',
    'ask for a tmpfs that runs programs',
    /^POLICY_EXCEEDED /,
    checked(() => ({ request: { tmpfs: [{ path: '/tmp', sizeBytes: mebibyte, inodes: 64, exec: true }] } })),
  ),
  refused(
    'ask-egress',
    'ask for access to an address that no sandbox may reach',
    /^EGRESS_EXCEEDED /,
    // The wire has the rules as text, so the type doesn't fit.
    (server) =>
      server.link.ask('check', {
        ask: { ...server.sound, request: { egress: [{ cidr: '203.0.113.0/24' }] } },
      } as never),
  ),
  {
    ...titled('ask-calls', 'ask for a seccomp profile that allows all calls'),
    expects: ['killed', 'EPERM', 'ENOSYS'],
    run: askForCalls,
  },
  hungUpOn('ask-capability', 'ask for capabilities', ({ sound }) => ({
    ...{ op: 'check', id: 1_000_000, ask: { ...sound, request: { capAdd: ['ALL'] } } },
  })),
  hungUpOn('ask-user', 'ask for the user of another tenant', ({ sound }) => ({
    ...{ op: 'check', id: 1_000_000, ask: { ...sound, request: { uid: 0 } } },
  })),
  hungUpOn('ask-policy', 'send a finished policy', ({ sound }) => ({
    ...{ op: 'check', id: 1_000_000, ask: sound, policy: { uid: 0 } },
  })),
  hungUpOn(
    'ask-process',
    'ask for a process without a sandbox',
    strange({ op: 'exec', argv: ['/bin/true'] }),
  ),
  hungUpOn('ask-root-path', 'name a root by a path', strange({ op: 'unmount', root: '../../etc' })),
  hungUpOn('ask-code-path', 'name code by a path', strange({ op: 'removeCode', code: '../../../etc' })),
  hungUpOn(
    'ask-port-path',
    'name a folder of ports by a path',
    strange({ op: 'portFolder', sandbox: '../platform', port: 80 }),
  ),
  hungUpOn(
    'ask-no-port',
    'name a port that does not exist',
    strange({ op: 'wayIn', sandbox: someName, port: 0 }),
  ),
  hungUpOn('ask-endless-line', 'send an endless line', () => Buffer.alloc(16 * mebibyte, 'x')),
  refused('ask-other-root', 'start from a root that it did not ask to mount', /^REQUEST_UNSAFE /, (server) =>
    server.link.ask('start', { order: { ...orderOf(server), root: otherRoot } }),
  ),
  refused(
    'ask-folder-outside',
    'create a folder outside a root',
    /^REQUEST_UNSAFE /,
    mounted((one) => [one], ['../up']),
  ),
  refused(
    'ask-layer-outside',
    'mount a host folder as a layer',
    /is not a layer of the image store/,
    mounted(() => ['../../../etc']),
  ),
  refused(
    'ask-layer-link',
    'mount a link to a host folder as a layer',
    /ENOTDIR|ELOOP/,
    mounted((_, link) => [link]),
  ),
  { ...titled('ask-other-sandbox', 'reach into a sandbox that it did not ask for'), run: reachIntoOther },
  { ...titled('door-secret', 'connect to the stream door with a wrong secret'), run: knock },
  { ...titled('door-run', 'bring streams of another run to the stream door'), run: bringOthers },
];

async function answerTo(context: HostContext, fault: RegExp, demand: Demand): Promise<AttackAnswer> {
  await using server = await openKeptServer(context);
  await server.link.ask('check', { ask: server.sound });
  try {
    await demand(server, context);
    return { outcome: 'ESCAPED', detail: 'the keeper granted it' };
  } catch (error) {
    if (!isFault(error) || !fault.test(`${error.code} ${error.message}`)) throw error;
    return { outcome: 'BLOCKED', answer: 'refused', detail: `${error.code}: ${error.message}` };
  }
}

async function answerToNoise(
  context: HostContext,
  said: (server: KeptServer) => object | Buffer,
): Promise<AttackAnswer> {
  await using server = await openKeptServer(context);
  const { link, line, sound } = server;
  await link.ask('check', { ask: sound });
  const noise = said(server);
  if (Buffer.isBuffer(noise)) line.write(noise);
  else sayLine(line, noise);
  const stillListens = await link.ask('check', { ask: sound }).then(
    () => true,
    () => false,
  );
  if (stillListens) return { outcome: 'ESCAPED', detail: 'the keeper still listens' };
  return { outcome: 'BLOCKED', answer: 'refused', detail: 'the keeper hung up' };
}

/** Mounts a permitted layer first. `layersOf` gets the names of that layer and of a link. */
function mounted(
  layersOf: (one: string, link: string) => readonly string[],
  folders: readonly string[] = [],
): Demand {
  const [one, link] = ['c', 'd'].map((letter) => `unpacked/${letter.repeat(64)}`) as [string, string];
  return async ({ link: keeper, layersDir }) => {
    for (const folder of ['dev', 'fn', 'proc', 'sys', 'tmp', 'ward'])
      await mkdir(join(layersDir, one, folder), { recursive: true });
    await symlink('/etc', join(layersDir, link));
    const plain = { root: otherRoot, reference: 'of the suite' };
    await keeper.ask('mount', { ...plain, layers: [one], folders: [] });
    await keeper.ask('unmount', { root: otherRoot });
    await keeper.ask('mount', { ...plain, layers: [...layersOf(one, link)], folders: [...folders] });
  };
}

function orderOf({ root, sound }: KeptServer) {
  return { root, args: ['/bin/true'], env: {}, cwd: '/', channel: 'none' as const, ask: sound };
}

/** The keeper grants the request, but it has no effect: profiles only take calls away. */
async function askForCalls(context: HostContext): Promise<AttackAnswer> {
  await using server = await openKeptServer(context);
  const { host, root, sound } = server;
  const ask = { ...sound, request: { seccomp: [{ defaultAction: 'SCMP_ACT_ALLOW' }] } };
  const start: Start = ({ policy: _, ...rest }) => host.start({ ...rest, rootDir: root, ask });
  return answerOf(
    await runProgram({ ...context, start }, programText('application/server-ask-calls'), {}, context.signal),
  );
}

async function reachIntoOther(context: HostContext): Promise<AttackAnswer> {
  await using server = await openKeptServer(context);
  const { link } = server;
  const other = await context.start('time.sleep(60)');
  let hasEnded = false;
  void other.exited.then(() => {
    hasEnded = true;
  });
  await using own = await startOwn(server, context, 'import time; time.sleep(60)');
  await link.ask('lend', { sandbox: own.id });
  const sandbox = other.id;
  const demands = [
    () => link.ask('lend', { sandbox }),
    () => link.ask('wayIn', { sandbox, port: 80 }),
    () => link.ask('portFolder', { sandbox, port: 80 }),
    () => link.ask('serve', { sandbox, port: 80, connections: 1 }),
  ];
  for (const demand of demands) {
    const error = await demand().catch((reason: unknown) => reason);
    if (!isFault(error)) return { outcome: 'ESCAPED', detail: 'the keeper knows the other sandbox' };
    if (error.code !== 'SANDBOX_ENDED') throw error;
  }
  await link.ask('destroy', { sandbox });
  if (hasEnded) return { outcome: 'ESCAPED', detail: 'the other sandbox was ended' };
  return { outcome: 'BLOCKED', answer: 'refused', detail: 'the keeper knows no such sandbox of this server' };
}

/** The door must close without an answer on a wrong secret, and open for the right one. */
async function knock(context: HostContext): Promise<AttackAnswer> {
  await using server = await openKeptServer(context);
  const socket = connect(server.link.hello.door.path);
  let heard = '';
  socket.on('data', (bytes: Buffer) => {
    heard += String(bytes);
  });
  socket.on('error', () => {});
  socket.write(`${'0'.repeat(32)} 3 1\n`);
  await once(socket, 'close');
  return answerFor(await outputOf(server, context), heard);
}

/** Streams for another run must wait for it, and must not be used for this one. */
async function bringOthers(context: HostContext): Promise<AttackAnswer> {
  await using server = await openKeptServer(context);
  const { path, secret } = server.link.hello.door;
  const socket = connect(path);
  let heard = '';
  socket.on('data', (bytes: Buffer) => {
    heard += String(bytes);
  });
  socket.on('error', () => {});
  socket.write(`${secret} 999999 1\n`);
  const said = await outputOf(server, context);
  socket.destroy();
  return answerFor(said, heard);
}

function answerFor(own: string, heard: string): AttackAnswer {
  if (own !== 'own\n') throw new Error('its own sandbox wrote nothing');
  if (heard !== '') return { outcome: 'ESCAPED', detail: 'it received the output of another sandbox' };
  return { outcome: 'BLOCKED', answer: 'refused', detail: 'the sandbox wrote to the streams of its own run' };
}

async function outputOf(server: KeptServer, context: HostContext): Promise<string> {
  await using sandbox = await startOwn(server, context, 'print("own")');
  return await text(sandbox.stdout);
}

async function startOwn({ host, root, sound }: KeptServer, { rootDir }: HostContext, program: string) {
  const args = [await interpreterOf(rootDir), '-I', '-c', program];
  return await host.start({ rootDir: root, args, env: {}, cwd: '/', channel: 'none', ask: sound });
}
