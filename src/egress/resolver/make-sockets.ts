/**
 * A short-lived program in the router's network namespace: it makes the resolver's sockets there and hands them to
 * Ward. A socket stays in the namespace where it was made, even when another process holds it.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const port = 53;
const udp = createSocket('udp4');
udp.bind(port, '0.0.0.0');
await once(udp, 'listening');
const tcp = createServer().listen(port, '0.0.0.0');
await once(tcp, 'listening');
await handOver('udp', udp);
await handOver('tcp', tcp);
process.exit(0);

function handOver(name: string, handle: typeof udp | typeof tcp): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(name, handle, {}, (error) => (error ? reject(error) : resolve()));
  });
}
