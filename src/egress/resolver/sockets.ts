/** The resolver's sockets, which lie in the router's network namespace while Ward stays in its own. */
import { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { Server } from 'node:net';
import { join } from 'node:path';
import { startCommand } from '../../lib/index.ts';
import { inNamespace, programEnv, unavailable } from '../programs.ts';

export interface ResolverSockets {
  readonly udp: UdpSocket;
  readonly tcp: Server;
}

const patienceMs = 30_000;

/** @throws Fault EGRESS_UNAVAILABLE */
export async function makeResolverSockets(namespace: string): Promise<ResolverSockets> {
  const program = join(import.meta.dirname, 'make-sockets.ts');
  const child = startCommand(inNamespace(namespace, [process.execPath, program]), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: programEnv,
  });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-1000);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  let udp: UdpSocket | undefined;
  let tcp: Server | undefined;
  child.on('message', (_name, handle) => {
    if (handle instanceof UdpSocket) udp = handle;
    if (handle instanceof Server) tcp = handle;
  });
  try {
    await once(child, 'close');
  } finally {
    clearTimeout(timer);
  }
  if (udp && tcp) return { udp, tcp };
  udp?.close();
  tcp?.close();
  throw unavailable(`can't make sockets in a network namespace: ${complaint.trim()}`);
}
