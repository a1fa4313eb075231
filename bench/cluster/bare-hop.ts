/**
 * The baseline of a hop: Fastify that answers each call after a request over NATS, or the program that answers those requests.
 * Messages have the sizes and the subjects of a small call. Prints its address, if it has one.
 */
import { connect } from '@nats-io/transport-node';
import Fastify from 'fastify';

const [servers = '', part] = process.argv.slice(2);
const order = Buffer.alloc(650, 'x');
const answer = Buffer.alloc(350, 'x');
const connection = await connect({ servers, noAsyncTraces: true });

if (part === 'answer') {
  const callback = () => connection.publish('bare.api.a.b', answer);
  connection.subscribe('bare.inv.b.*', { callback });
  await connection.flush();
  console.log('ready');
} else {
  const waiting: (() => void)[] = [];
  connection.subscribe('bare.api.a.*', { callback: () => waiting.shift()?.() });
  const app = Fastify();
  app.post('/echo', async (request) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    connection.publish('bare.inv.b.a', order, { reply: 'bare.none.a' });
    await promise;
    return request.body;
  });
  console.log(`ready ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
}
