/** The baseline: a bare Fastify that sends back the JSON it got. Prints its port. */
import Fastify from 'fastify';

const app = Fastify();
app.post('/echo', (request) => request.body);
await app.listen({ host: '127.0.0.1', port: 0 });
const [address] = app.addresses();
console.log(`ready http://127.0.0.1:${address?.port}`);
