/** The baseline: a bare Fastify that echoes its JSON body. Prints its address. */
import Fastify from 'fastify';

const app = Fastify();
app.post('/echo', (request) => request.body);
console.log(`ready ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
