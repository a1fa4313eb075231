/** Functions in real sandboxes that write anything to their channel and their streams, and end in any way. */
import fc from 'fast-check';
import { mutatedBytes, shownBytes } from '../hostile.ts';
import { serverPart } from '../server-part.ts';
import type { Probe } from '../types.ts';

const code = `const { writeSync } = require('node:fs');
function main({ frames, out, end }) {
  for (const [fd, text] of [[3, frames], [1, out], [2, out]]) {
    try { writeSync(fd, Buffer.from(text, 'base64')); } catch {}
  }
  if (end === 'exit') process.exit(3);
  if (end === 'throw') throw new Error('x');
  if (end === 'never') return new Promise(() => {});
  if (end === 'kill') process.kill(process.pid, 'SIGKILL');
  return { ok: true };
}`;

function frame(value: object): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(json.length);
  return Buffer.concat([head, json]);
}

const frames = [
  Buffer.alloc(0),
  frame({ type: 'result', id: '0'.repeat(32), ok: true, value: {} }),
  frame({ type: 'ready' }),
];

const input = fc.record({
  frames: mutatedBytes(frames),
  out: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  end: fc.constantFrom('return', 'return', 'exit', 'throw', 'kill', 'never'),
});
/** Success, still running, or a failure of the function, but never of the platform. */
const expected = [200, 202, 502];

export const sandboxes = serverPart({
  name: 'sandboxes',
  share: 200,
  lanes: 2,
  async against(target) {
    const ask = (method: string, path: string, value: object) => {
      const body = Buffer.from(JSON.stringify(value));
      const headers = {
        authorization: target.key,
        'content-type': 'application/json',
        'content-length': String(body.length),
      };
      return target.ask({ method, path: `/api/v1/namespaces/_/actions/${path}`, headers, body });
    };
    const limits = { timeout: 1000, memory: 128 };
    await ask('PUT', 'hostile', { exec: { kind: 'nodejs:24', code }, limits });
    const probes = input.map(({ end, ...bytes }): Probe => {
      const payload = { frames: bytes.frames.toString('base64'), out: bytes.out.toString('base64'), end };
      return {
        target: 'a function',
        shown: `${end} ${shownBytes(bytes.frames)}`,
        async run() {
          const { status, body } = await ask('POST', 'hostile?blocking=true', payload);
          if (!expected.includes(status)) throw new Error(`${status} ${body.toString().slice(0, 300)}`);
        },
      };
    });
    return { probes };
  },
});
