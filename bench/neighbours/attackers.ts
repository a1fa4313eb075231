/**
 * Neighbours that a victim must not notice. Each belongs to another namespace with generous limits, and does only what
 * any tenant could do.
 */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Ward } from '../../test/ward.ts';

export interface Attack {
  readonly ward: Ward;
  /** API key of the attacking namespace. */
  readonly auth: string;
  readonly signal: AbortSignal;
}

export interface Attacker {
  readonly name: string;
  readonly deploy: (attack: Attack) => Promise<void>;
  /** Attacks until it is aborted. */
  readonly run: (attack: Attack) => Promise<void>;
}

const cores = availableParallelism();

export const attackers: readonly Attacker[] = [
  program('CPU spin on all cores', 2 * cores, 'nodejs:24', 'exports.main = () => { for (;;); };'),
  program(
    'fork bomb',
    2,
    'python:3.13',
    `import os
def main(args):
    while True:
        try:
            if os.fork() == 0:
                while True:
                    try: os.fork()
                    except OSError: pass
        except OSError:
            pass
`,
  ),
  program(
    'memory bomb at its limit',
    2,
    'python:3.13',
    `def main(args):
    held = []
    while True:
        held.append(bytearray(b'x' * 1048576))
`,
  ),
  program(
    'tmpfs fill',
    2,
    'python:3.13',
    `import os
def main(args):
    block = b'x' * 1048576
    while True:
        for n in range(4000):
            try:
                with open(f'/tmp/{n}', 'wb') as file:
                    while True: file.write(block)
            except OSError:
                pass
        for n in range(4000):
            try: os.unlink(f'/tmp/{n}')
            except OSError: pass
`,
  ),
  program(
    'log flood',
    2,
    'python:3.13',
    `import os
def main(args):
    lines = (b'x' * 127 + b'\\n') * 512
    while True:
        os.write(1, lines)
        os.write(2, lines)
`,
  ),
  repeated('64 MB of results a second', {
    code: "exports.main = () => ({ text: 'x'.repeat(1000000) });",
    perSecond: 64,
  }),
  storm('cold-start storm'),
  flood('invocation flood, 10,000 queued'),
  { name: 'slow clients', deploy: async () => {}, run: dribble },
];

/** Runs `sandboxes` endless programs at once; when one ends, another follows. */
function program(name: string, sandboxes: number, kind: string, code: string): Attacker {
  return {
    name,
    deploy: ({ ward, auth }) => deployed(ward, auth, 'attack', { kind, code, limits: { timeout: 5000 } }),
    run: (attack) =>
      together(sandboxes, async () => {
        while (!attack.signal.aborted) await invoke(attack, 'attack', true);
      }),
  };
}

function repeated(name: string, { code, perSecond }: { code: string; perSecond: number }): Attacker {
  return {
    name,
    deploy: ({ ward, auth }) => deployed(ward, auth, 'attack', { kind: 'nodejs:24', code }),
    async run(attack) {
      const under = new Set<Promise<unknown>>();
      while (!attack.signal.aborted) {
        const call = invoke(attack, 'attack', true).finally(() => under.delete(call));
        under.add(call);
        await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
        if (under.size >= perSecond) await Promise.race(under);
      }
      await Promise.all(under);
    },
  };
}

/** Every call needs a sandbox of its own. */
function storm(name: string): Attacker {
  const code = 'exports.main = () => ({});';
  const annotations = [{ key: 'fresh', value: true }];
  return {
    name,
    deploy: ({ ward, auth }) => deployed(ward, auth, 'attack', { kind: 'nodejs:24', code, annotations }),
    run: (attack) =>
      together(50, async () => {
        while (!attack.signal.aborted) await invoke(attack, 'attack', true);
      }),
  };
}

function flood(name: string): Attacker {
  const code = 'exports.main = () => new Promise((resolve) => setTimeout(resolve, 100, {}));';
  return {
    name,
    deploy: ({ ward, auth }) => deployed(ward, auth, 'attack', { kind: 'nodejs:24', code }),
    run: (attack) =>
      together(20, async () => {
        while (!attack.signal.aborted) {
          const status = await invoke(attack, 'attack', false);
          // Ward accepts as many as the namespace may queue and refuses the rest, which are sent again.
          if (status !== 202) await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }),
  };
}

/** Sends requests that never end, and never reads some answers. */
async function dribble({ ward, auth, signal }: Attack): Promise<void> {
  const { hostname, port } = new URL(ward.url);
  const head = `POST /api/v1/namespaces/_/actions/attack HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Basic ${Buffer.from(auth).toString('base64')}\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n`;
  const list = `GET /api/v1/namespaces/_/actions HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Basic ${Buffer.from(auth).toString('base64')}\r\n\r\n`;
  const sockets: Socket[] = [];
  for (let at = 0; at < 300; at++) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.pause();
    // A third never finishes its head, a third never finishes its body, a third never reads its answer.
    socket.write([head.slice(0, 40), head, list.repeat(50)][at % 3] ?? '');
    sockets.push(socket);
  }
  const timer = setInterval(() => {
    for (const [at, socket] of sockets.entries()) if (at % 3 === 1 && socket.writable) socket.write(' ');
  }, 100);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  clearInterval(timer);
  for (const socket of sockets) socket.destroy();
}

interface Deployment {
  readonly kind: string;
  readonly code: string;
  readonly limits?: object;
  readonly annotations?: readonly object[];
}

async function deployed(ward: Ward, auth: string, name: string, what: Deployment): Promise<void> {
  const { kind, code, limits = {}, annotations = [] } = what;
  const path = `/api/v1/namespaces/_/actions/${name}?overwrite=true`;
  const reply = await ward.request('PUT', path, {
    auth,
    body: { exec: { kind, code }, limits, annotations },
  });
  if (reply.status !== 200)
    throw new Error(`deploying an attacker: ${reply.status} ${JSON.stringify(reply.body)}`);
}

const agent = new Agent({ keepAlive: true });

/** The status, or 0 when there was no answer. Leaves the body unparsed, to save processor time. */
async function invoke({ ward, auth, signal }: Attack, name: string, blocking: boolean): Promise<number> {
  const url = `${ward.url}/api/v1/namespaces/_/actions/${name}?blocking=${blocking}`;
  try {
    const asked = request(url, { agent, method: 'POST', auth, signal }).end();
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      asked.once('response', resolve).once('error', reject),
    );
    await once(response.resume(), 'end');
    return response.statusCode ?? 0;
  } catch {
    return 0;
  }
}

async function together(count: number, each: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, each));
}
