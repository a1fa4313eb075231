/** The baseline: a bare Fastify that sends back the JSON it got. Prints its port. */
import Fastify from 'fastify';

const app = Fastify();
app.post('/echo', (request) => request.body);
console.log(`ready ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
