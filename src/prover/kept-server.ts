/** Opens a real keeper over the suite's own host, and gives the attacker the server's end of its connection. */
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { openRootMounter } from '../images/index.ts';
import {
  type KeeperLink,
  keep,
  linkOver,
  openKeptCode,
  openKeptHost,
  openStreamDoor,
  sayLine,
} from '../keeper/index.ts';
import { silentLog } from '../lib/index.ts';
import { type OperatorPolicy, operatorPolicy, type PolicyAsk, type SandboxHost } from '../sandbox/index.ts';
import type { HostContext } from './types.ts';

export interface KeptServer extends AsyncDisposable {
  readonly link: KeeperLink;
  /** For messages that no server would send. */
  readonly line: Socket;
  readonly host: SandboxHost;
  readonly operator: OperatorPolicy;
  /** A policy that the server may ask for. */
  readonly sound: PolicyAsk;
  /** The name of the suite's root, which is already mounted. */
  readonly root: string;
  readonly layersDir: string;
}

const suiteRoot = 'a'.repeat(64);

export async function openKeptServer({ host, policy, rootDir }: HostContext): Promise<KeptServer> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ward-prove-keeper-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const places = { layersDir: join(folder, 'layers'), mountsDir: join(folder, 'roots') };
  const laid = join(folder, 'laid');
  for (const each of [...Object.values(places), laid]) await mkdir(each, { mode: 0o711 });
  const door = stack.use(await openStreamDoor(join(folder, 'door'), 0));
  const code = await openKeptCode(laid, 0);
  const [mine, theirs] = await socketPair(join(folder, 'line'));
  const operator = { ...operatorPolicy(), defaults: policy };
  const mounter = openRootMounter({ ...places, folders: [] });
  stack.use(
    keep({
      ...{ channel: mine, host, operator, code, door, userId: 0, log: silentLog },
      layersDir: places.layersDir,
      memoryBytes: Math.max(operator.ceiling.memoryBytes, policy.memoryBytes),
      // The suite's own root is already mounted.
      mounter: {
        mount: async (name, root) => (name === suiteRoot ? rootDir : mounter.mount(name, root)),
        unmount: async (name) => (name === suiteRoot ? undefined : mounter.unmount(name)),
      },
      scanCommand: async () => ({ argv: ['/bin/true'], env: {} }),
    }),
  );
  const { controllers, ...cgroup } = host.features.cgroup;
  sayLine(mine, {
    door: { path: door.path, secret: door.secret },
    ...{ ...places, instance: host.instance, codeWorkDir: code.workDir, hearsKernel: false, task: {} },
    cgroup: { ...cgroup, controllers: [...controllers] },
  });
  const link = await linkOver(theirs);
  stack.defer(() => link.close());
  const none = { reference: basename(rootDir), layers: [], folders: [] };
  await link.ask('mount', { root: suiteRoot, ...none });
  const opened = stack.move();
  return {
    ...{ link, line: theirs, operator, root: suiteRoot, layersDir: places.layersDir },
    host: openKeptHost(link, operator),
    sound: { request: {}, memoryBytes: policy.memoryBytes },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Returns the two ends of a Unix socket. */
export async function socketPair(path: string): Promise<readonly [Socket, Socket]> {
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  const theirs = connect(path);
  const [mine] = (await once(server, 'connection')) as [Socket];
  server.close();
  return [mine, theirs];
}
