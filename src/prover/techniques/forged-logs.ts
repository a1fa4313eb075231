/** Logs: to fill them, and to write into those of others. */
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = {
  vector: 'application',
  control: 'log-limit',
  reference: 'OpenWhisk, docs/actions-new.md (sentinels)',
} as const;

const MiB = 1024 * 1024;
const limitBytes = 65_536;

const prelude = `
import os, sys
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
def main(args):
    own = os.environ["__OW_ACTIVATION_ID"]
    if args.get("good"):
        print("good")
        return {"good": True}
`;

export const logTechniques: readonly Technique[] = [
  flood(
    'log-flood',
    'write 8 MiB of lines',
    'for _ in range(8 * 16): os.write(1, (b"x" * 1023 + bytes([10])) * 64)',
  ),
  flood('log-endless-line', 'write a line of 8 MiB', 'for _ in range(8 * 16): os.write(1, b"x" * 65536)'),
  flood(
    'log-empty-lines',
    'write a million empty lines',
    'for _ in range(16): os.write(1, bytes([10]) * 65536)',
  ),
  flood(
    'log-both-streams',
    'write 8 MiB to both streams in turn',
    'for at in range(8 * 16): os.write(1 + at % 2, (b"x" * 1023 + bytes([10])) * 64)',
  ),
  stray(
    'sentinel-own',
    'end one’s log early, so that the rest is the next caller’s',
    'print(SENTINEL + " " + own + chr(10) + "stray", flush=True)',
  ),
  stray(
    'sentinel-other',
    'end the logs of others',
    'print((SENTINEL + " " + "0" * 32 + chr(10)) * 100 + SENTINEL + chr(10) + "stray", flush=True)',
  ),
  stray(
    'sentinel-half',
    'leave half a sentinel for the call that logs next',
    'os.write(1, ("stray" + SENTINEL + " ").encode())',
    true,
  ),
  stray(
    'log-after-answer',
    'go on writing after the answer',
    'import threading, time\n    def late():\n        while True:\n            os.write(1, b"stray" + bytes([10]))\n            time.sleep(0.001)\n    threading.Thread(target=late, daemon=True).start()',
    true,
  ),
  {
    ...head,
    name: 'log-close',
    title: 'close both streams, for readers that wait for their end',
    expects: ['refused'],
    run: closeStreams,
  },
];

/** What is kept of it is within the limit, and the result is what it was. */
function flood(name: string, title: string, code: string): Technique {
  return {
    ...head,
    name,
    title,
    expects: ['limit'],
    vector: 'neighbours',
    timeoutMs: 60_000,
    run: async ({ deploy }) => {
      const action = await deploy(`${prelude}    ${code}\n    return {"done": True}\n`, {
        logBytes: limitBytes,
        timeoutMs: 40_000,
      });
      const { json, lines } = await action.call();
      const kept = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
      // The note that says what is left out, and the time before each line, come on top.
      if (kept > 2 * limitBytes) return escaped(`${(kept / MiB).toFixed(1)} MiB of log are kept`);
      if (json !== '{"done":true}') return escaped(`its own call got ${json}`);
      return { outcome: 'BLOCKED', answer: 'limit', detail: lines.at(-1)?.slice(-160) ?? '' };
    },
  };
}

/** What one call leaves in the stream is not in the log of the next. `isShared`: of the same function, so it may be. */
function stray(name: string, title: string, code: string, isShared = false): Technique {
  return {
    ...head,
    name,
    title,
    expects: ['refused'],
    run: async ({ deploy }) => {
      const action = await deploy(`${prelude}    ${code}\n    return {"done": True}\n`);
      const other = await deploy(prelude);
      const first = await action.call();
      const [second, bystander] = [await action.call({ good: true }), await other.call({ good: true })];
      const told = isShared ? bystander : second;
      if (told.lines.some((line) => line.includes('stray')))
        return escaped('a line of one call is in the log of another');
      if (!told.lines.some((line) => line.endsWith('good'))) return escaped('the log of another call is cut');
      if (first.json !== '{"done":true}' || second.json !== '{"good":true}')
        return escaped(`calls got ${first.json} and ${second.json}`);
      return { outcome: 'BLOCKED', answer: 'refused', detail: 'each log has its own lines' };
    },
  };
}

async function closeStreams({ deploy }: HostContext): Promise<AttackAnswer> {
  const action = await deploy(`${prelude}    os.close(1); os.close(2)\n    return {"done": True}\n`);
  const { json, lines } = await action.call();
  if (json !== '{"done":true}') return escaped(`the call got ${json}`);
  return { outcome: 'BLOCKED', answer: 'refused', detail: `its answer came, with ${lines.length} lines` };
}

function escaped(detail: string): AttackAnswer {
  return { outcome: 'ESCAPED', detail };
}
