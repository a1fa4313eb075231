/** Forged frames on the channel: garbage, and answers for another activation. */
import type { Completion } from '../../dispatch/index.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, Expectation, HostContext, HostTechnique, Technique } from '../types.ts';

const head = {
  vector: 'application',
  control: 'channel-protocol',
  reference: 'runners/README.md, The channel',
} as const;

/** What a function does with the channel when it is asked to misbehave. */
interface Misdeed {
  readonly name: string;
  readonly title: string;
  readonly expects: readonly [Expectation, ...Expectation[]];
}

const misdeeds: readonly Misdeed[] = [
  {
    name: 'frame-garbage',
    title: 'write bytes that are not a frame',
    expects: ['refused'],
  },
  {
    name: 'frame-endless',
    title: 'announce a frame of 4 GiB',
    expects: ['refused'],
  },
  {
    name: 'frame-empty',
    title: 'announce a frame of no bytes',
    expects: ['refused'],
  },
  {
    name: 'frame-cut',
    title: 'begin a frame and never end it',
    expects: ['limit'],
  },
  {
    name: 'frame-other-activation',
    title: 'answer for another activation',
    expects: ['refused'],
  },
  {
    name: 'frame-unknown',
    title: 'send an unexpected frame',
    expects: ['refused'],
  },
  {
    name: 'frame-init',
    title: 'report initialisation a second time',
    expects: ['refused'],
  },
  {
    name: 'frame-text',
    title: 'answer with a text instead of an object',
    expects: ['refused'],
  },
  {
    name: 'frame-invalid-utf8',
    title: 'answer with bytes that are not text',
    expects: ['refused'],
  },
  {
    name: 'frame-deep',
    title: 'answer with endless nesting, against code that walks it',
    expects: ['refused'],
  },
  {
    name: 'frame-large',
    title: 'answer with 12 MiB, against code that keeps it',
    expects: ['limit'],
  },
  {
    name: 'channel-close',
    title: 'close the channel',
    expects: ['refused', 'limit'],
  },
];

export const frameTechniques: readonly Technique[] = [
  ...misdeeds.map(
    (misdeed): HostTechnique => ({ ...head, ...misdeed, run: (context) => misbehave(context, misdeed.name) }),
  ),
  {
    ...head,
    name: 'frame-twice',
    title: 'answer twice, so that the second answer is the next caller’s',
    expects: ['refused'],
    run: answerTwice,
  },
  {
    ...head,
    name: 'frame-prototype',
    title: 'answer with names that would change every object of the host',
    reference: 'CVE-2019-10744 (prototype pollution)',
    expects: ['refused'],
    run: pollute,
  },
];

/** The caller must get an error that names the misdeed, and the next call a new sandbox. */
async function misbehave({ deploy }: HostContext, name: string): Promise<AttackAnswer> {
  const action = await deploy(programText(`application/${name}`), { timeoutMs: 3000 });
  const completion = await action.call({ misbehave: true });
  const next = await action.call();
  if (next.json !== '{"good":true}') return escaped(`the next call got ${next.json.slice(0, 200)}`);
  return answerOfCompletion(completion);
}

function answerOfCompletion({ status, json, timedOut }: Completion): AttackAnswer {
  const detail = json.slice(0, 200);
  if (status === 'success') return escaped(detail);
  if (timedOut || detail.includes('exceeded the allowed length')) {
    return { outcome: 'BLOCKED', answer: 'limit', detail };
  }
  if (status === 'action developer error') return { outcome: 'BLOCKED', answer: 'refused', detail };
  return escaped(`${status}: ${detail}`);
}

async function answerTwice({ deploy }: HostContext): Promise<AttackAnswer> {
  const action = await deploy(programText('application/frame-twice'));
  for (const call of [1, 2, 3]) {
    const { json } = await action.call({ misbehave: true, call });
    const parsed: unknown = JSON.parse(json);
    const isOwn = typeof parsed === 'object' && parsed !== null && 'call' in parsed && parsed.call === call;
    // The second answer ends the sandbox, and the call may fail with it. An error is not a wrong answer.
    const isError = typeof parsed === 'object' && parsed !== null && 'error' in parsed;
    if (!isOwn && !isError) return escaped(`call ${call} got ${json}`);
  }
  return { outcome: 'BLOCKED', answer: 'refused', detail: 'each call got its own answer' };
}

async function pollute({ deploy }: HostContext): Promise<AttackAnswer> {
  const action = await deploy(programText('application/frame-prototype'));
  const { status } = await action.call({ misbehave: true });
  if ('wardProve' in {}) return escaped('every object of the host has an additional property');
  return { outcome: 'BLOCKED', answer: 'refused', detail: `treated as data (${status})` };
}

function escaped(detail: string): AttackAnswer {
  return { outcome: 'ESCAPED', detail };
}
