/** Servers of the host that a sandbox might reach, and a sandbox's port that the host might reach. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type ListenOptions, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomHex } from '../../lib/index.ts';
import { firstLine } from '../program.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, HostTechnique, Technique } from '../types.ts';

const head = { vector: 'outside', control: 'network-namespace' } as const;
const expects = [
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EACCES',
  'EPERM',
  'ENOENT',
  'EADDRNOTAVAIL',
] as const;

export const hostTechniques: readonly Technique[] = [
  ...['127.0.0.1', '::1'].map(
    (address, at): HostTechnique => ({
      ...head,
      expects,
      name: `host-loopback-v${at === 0 ? 4 : 6}`,
      title: `reach a server that listens on the host’s ${address}`,
      reference: 'network_namespaces(7), CVE-2020-15257',
      run: (context) =>
        whileListening({ host: address, port: 0 }, (server) =>
          context.run(programText('outside/host-loopback'), { more: { address, port: portOf(server) } }),
        ),
    }),
  ),
  {
    ...head,
    expects,
    name: 'host-abstract-socket',
    title: 'reach a server of the host through an abstract socket name',
    reference: 'unix(7), CVE-2020-15257',
    run: (context) => {
      const name = `ward-prove-${randomHex(8)}`;
      return whileListening({ path: `\0${name}` }, () =>
        context.run(programText('outside/host-socket'), { more: { name, isAbstract: true } }),
      );
    },
  },
  {
    ...head,
    expects,
    control: 'mount-namespace',
    name: 'host-path-socket',
    title: 'reach a server of the host through a path that all users may use',
    reference: 'unix(7)',
    run: async (context) => {
      const folder = await mkdtemp(join(tmpdir(), 'ward-prove-'));
      try {
        const name = join(folder, 'socket');
        const options = { path: name, readableAll: true, writableAll: true };
        return await whileListening(options, () =>
          context.run(programText('outside/host-socket'), { more: { name, isAbstract: false } }),
        );
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  },
  {
    ...head,
    expects: ['ECONNREFUSED'],
    name: 'reach-in',
    title: 'open a port that can be reached from outside',
    reference: 'network_namespaces(7)',
    run: reachIn,
  },
];

async function whileListening(
  options: ListenOptions,
  use: (server: Server) => Promise<AttackAnswer>,
): Promise<AttackAnswer> {
  const server = createServer((socket) => socket.destroy());
  server.listen(options);
  await once(server, 'listening');
  try {
    return await use(server);
  } finally {
    server.close();
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Landlock may refuse the port; then there is nothing to reach. */
async function reachIn({ start, signal }: HostContext): Promise<AttackAnswer> {
  await using sandbox = await start(programText('outside/reach-in'));
  const port = Number(await firstLine(sandbox, signal));
  if (!(port > 0)) return { outcome: 'BLOCKED', answer: 'ECONNREFUSED', detail: 'no port could be opened' };
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return { outcome: 'ESCAPED', detail: `port ${port} of the host leads into the sandbox` };
  } catch {
    return { outcome: 'BLOCKED', answer: 'ECONNREFUSED', detail: `port ${port} is the sandbox’s own` };
  } finally {
    socket.destroy();
  }
}
