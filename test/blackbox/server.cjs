// The program of the test image: it speaks OpenWhisk's HTTP contract, or does what a test asks for instead. The first
// argument says what it does before it listens.
const fs = require('node:fs');
const http = require('node:http');

const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';
const [order = ''] = process.argv.slice(2);
let init;
let runs = 0;
let connections = 0;

const answers = {
  echo: (body) => ({ body, init, runs, argv: process.argv.slice(2), cwd: process.cwd(), env: process.env }),
  who: () => ({ uid: process.getuid(), gid: process.getgid(), pid: process.pid }),
  list: () => [1, 'two'],
  error: () => ({ error: 'on purpose' }),
  write: ({ path }) => {
    try {
      fs.writeFileSync(path, '');
      return { written: true };
    } catch (error) {
      return { code: error.code };
    }
  },
  count: () => ({ runs, connections }),
  say: ({ lines, marks = true }) => {
    for (const line of lines) console.log(line);
    console.error('on stderr');
    if (marks) for (const stream of [1, 2]) fs.writeSync(stream, `${sentinel}\n`);
    return {};
  },
};

const deeds = {
  answer: ({ status, body }, reply) => reply.writeHead(status).end(body),
  exit: () => process.exit(3),
  hang: ({ say }) => say && console.log(say),
  eat: () => {
    const kept = [];
    for (;;) kept.push(Buffer.alloc(1 << 20, 1));
  },
  ask: ({ path }, reply) => http.get(process.env.__OW_API_HOST + path, (answer) => answer.pipe(reply)),
  sleep: ({ ms }, reply) => setTimeout(() => reply.end('{}'), ms),
  raw: ({ text, end = true }, reply) => {
    const { socket } = reply;
    socket.write(text);
    if (end) socket.end();
  },
  drip: (_value, reply) => setInterval(() => reply.write(' '), 20),
  pour: ({ mebibytes }, reply) => {
    reply.writeHead(200);
    for (let n = 0; n < mebibytes; n++) reply.write(Buffer.alloc(1 << 20, 'x'));
    reply.end();
  },
  // Sends chunks of one byte, and as many interim replies as the test asks for.
  crumble: ({ mebibytes, interim = 0 }, { socket }) => {
    socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(interim));
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    const crumbs = '1\r\nx\r\n'.repeat(1 << 16);
    let left = mebibytes * 16;
    const write = () => {
      while (left-- > 0 && socket.write(crumbs));
      if (left < 0) socket.end('0\r\n\r\n');
    };
    socket.on('drain', write);
    write();
  },
  close: (_value, reply) => {
    reply.setHeader('connection', 'close');
    reply.end('{}');
  },
};

function onInit({ value }, reply) {
  init = value;
  const { code } = value;
  if (code === 'refuse') reply.writeHead(502).end('{"error":"Initialization has failed due to: no"}');
  else if (code === 'refuse oddly') reply.writeHead(500).end('no idea');
  else if (code === 'exit') process.exit(4);
  else if (code !== 'hang') reply.end('{"ok":true}');
}

function onRun(body, reply) {
  runs++;
  const { value } = body;
  const name = value.do ?? 'echo';
  if (answers[name]) reply.end(JSON.stringify(answers[name](name === 'echo' ? body : value)));
  else deeds[name](value, reply);
}

const server = http.createServer((request, reply) => {
  let text = '';
  request.on('data', (chunk) => (text += chunk));
  request.on('end', () => (request.url === '/init' ? onInit : onRun)(JSON.parse(text), reply));
});
server.on('connection', () => connections++);

console.log(`starting ${order}`);
if (order === 'exit') process.exit(5);
if (order !== 'deaf') setTimeout(() => server.listen(8080), order === 'late' ? 500 : 0);
else setInterval(() => {}, 1000);
