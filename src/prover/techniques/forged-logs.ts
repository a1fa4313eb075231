/** Logs: filling them, and writing into other calls' logs. */
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = {
  vector: 'application',
  control: 'log-limit',
  reference: 'OpenWhisk, docs/actions-new.md (sentinels)',
} as const;

const MiB = 1024 * 1024;
const limitBytes = 65_536;

export const logTechniques: readonly Technique[] = [
  flood('log-flood', 'write 8 MiB of lines'),
  flood('log-endless-line', 'write a line of 8 MiB'),
  flood('log-empty-lines', 'write a million empty lines'),
  flood('log-both-streams', 'write 8 MiB to both streams alternately'),
  stray('sentinel-own', 'end its log early, so that the next caller gets the rest'),
  stray('sentinel-other', 'end the logs of others'),
  stray('sentinel-half', 'leave half a sentinel for the call that logs next', true),
  stray('log-after-answer', 'keep writing after the answer', true),
  {
    ...head,
    name: 'log-close',
    title: 'close both streams, against readers that wait for their end',
    expects: ['refused'],
    run: closeStreams,
  },
];

/** The log that is kept must be within the limit, and the result must be unchanged. */
function flood(name: string, title: string): Technique {
  return {
    ...head,
    name,
    title,
    expects: ['limit'],
    vector: 'neighbours',
    timeoutMs: 60_000,
    run: async ({ deploy }) => {
      const action = await deploy(programText(`neighbours/${name}`), {
        logBytes: limitBytes,
        timeoutMs: 40_000,
      });
      const { json, lines } = await action.call();
      const kept = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
      // The note about what is left out and the time before each line add to the limit.
      if (kept > 2 * limitBytes) return escaped(`${(kept / MiB).toFixed(1)} MiB of log are kept`);
      if (json !== '{"done":true}') return escaped(`its own call got ${json}`);
      return { outcome: 'BLOCKED', answer: 'limit', detail: lines.at(-1)?.slice(-160) ?? '' };
    },
  };
}

/** Nothing that one call writes may be in another function's log or, unless `isShared`, in its own next call's log. */
function stray(name: string, title: string, isShared = false): Technique {
  return {
    ...head,
    name,
    title,
    expects: ['refused'],
    run: async ({ deploy }) => {
      const action = await deploy(programText(`application/${name}`));
      const other = await deploy(programText('parts/logs'));
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
  const action = await deploy(programText('application/log-close'));
  const { json, lines } = await action.call();
  if (json !== '{"done":true}') return escaped(`the call got ${json}`);
  return { outcome: 'BLOCKED', answer: 'refused', detail: `its answer came, with ${lines.length} lines` };
}

function escaped(detail: string): AttackAnswer {
  return { outcome: 'ESCAPED', detail };
}
