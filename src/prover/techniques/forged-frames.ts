/** The channel: frames that are no answer, or somebody else's. */
import type { Completion } from '../../dispatch/index.ts';
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
  readonly code: string;
}

const prelude = `
import json, os, struct
def frame(text):
    data = text.encode() if isinstance(text, str) else text
    data = struct.pack(">I", len(data)) + data
    while data:
        data = data[os.write(3, data):]
def answer(value, id=None):
    frame(json.dumps({"type": "result", "id": id or os.environ["__OW_ACTIVATION_ID"], "ok": True, "value": value}, separators=(",", ":")))
def hang():
    import time
    while True:
        time.sleep(1)
def main(args):
    if not args.get("misbehave"):
        return {"good": True}
`;

const misdeeds: readonly Misdeed[] = [
  {
    name: 'frame-garbage',
    title: 'write what is not a frame',
    expects: ['refused'],
    code: 'os.write(3, b"GET / HTTP/1.1" + bytes([13, 10, 13, 10])); hang()',
  },
  {
    name: 'frame-endless',
    title: 'announce a frame of 4 GiB',
    expects: ['refused'],
    code: 'os.write(3, bytes([255] * 4)); hang()',
  },
  {
    name: 'frame-empty',
    title: 'announce a frame of no bytes',
    expects: ['refused'],
    code: 'os.write(3, bytes(4)); hang()',
  },
  {
    name: 'frame-cut',
    title: 'begin a frame and never end it',
    expects: ['limit'],
    code: 'os.write(3, struct.pack(">I", 1000) + b"{"); hang()',
  },
  {
    name: 'frame-other-activation',
    title: 'answer for another activation',
    expects: ['refused'],
    code: 'answer({"forged": True}, "0" * 32); hang()',
  },
  {
    name: 'frame-unknown',
    title: 'send what nobody waits for',
    expects: ['refused'],
    code: `frame('{"type":"ready"}'); hang()`,
  },
  {
    name: 'frame-init',
    title: 'be initialised a second time',
    expects: ['refused'],
    code: `frame('{"type":"init-ok"}'); hang()`,
  },
  {
    name: 'frame-text',
    title: 'answer with a text in the place of an object',
    expects: ['refused'],
    code: 'answer("text"); hang()',
  },
  {
    name: 'frame-invalid-utf8',
    title: 'answer with bytes that are no text',
    expects: ['refused'],
    code: 'frame(bytes([0xff, 0xfe, 0x00, 0x80] * 4)); hang()',
  },
  {
    name: 'frame-deep',
    title: 'answer with what nests without end, for the code that walks it',
    expects: ['refused'],
    code: `depth = 500_000
    frame('{"type":"result","id":"' + os.environ["__OW_ACTIVATION_ID"] + '","ok":true,"value":' + "[" * depth + "]" * depth + "}"); hang()`,
  },
  {
    name: 'frame-large',
    title: 'answer with 12 MiB, for the code that keeps it',
    expects: ['limit'],
    code: 'return {"large": "x" * (12 << 20)}',
  },
  {
    name: 'channel-close',
    title: 'close the channel',
    expects: ['refused', 'limit'],
    code: 'os.close(3); hang()',
  },
];

export const frameTechniques: readonly Technique[] = [
  ...misdeeds.map(
    ({ code, ...rest }): HostTechnique => ({ ...head, ...rest, run: (context) => misbehave(context, code) }),
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
    title: 'answer with names that change every object of the host',
    reference: 'CVE-2019-10744 (prototype pollution)',
    expects: ['refused'],
    run: pollute,
  },
];

/** The caller gets an error that says what was done, and the next call a sandbox that has done nothing. */
async function misbehave({ deploy }: HostContext, code: string): Promise<AttackAnswer> {
  const action = await deploy(`${prelude}\n    ${code}\n`, { timeoutMs: 3000 });
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
  const action = await deploy(`${prelude}
    answer({"call": args["call"], "forged": True})
    return {"call": args["call"]}
`);
  for (const call of [1, 2, 3]) {
    const { json } = await action.call({ misbehave: true, call });
    const parsed: unknown = JSON.parse(json);
    const isOwn = typeof parsed === 'object' && parsed !== null && 'call' in parsed && parsed.call === call;
    // A sandbox that was ended for its second answer may have taken the call with it: that is an error, and no answer.
    const isError = typeof parsed === 'object' && parsed !== null && 'error' in parsed;
    if (!isOwn && !isError) return escaped(`call ${call} got ${json}`);
  }
  return { outcome: 'BLOCKED', answer: 'refused', detail: 'each call got its own answer' };
}

async function pollute({ deploy }: HostContext): Promise<AttackAnswer> {
  const action = await deploy(`${prelude}
    answer({"__proto__": {"wardProve": True}, "constructor": {"prototype": {"wardProve": True}}}); hang()
`);
  const { status } = await action.call({ misbehave: true });
  if ('wardProve' in {}) return escaped('every object of the host has a property more');
  return { outcome: 'BLOCKED', answer: 'refused', detail: `taken for data (${status})` };
}

function escaped(detail: string): AttackAnswer {
  return { outcome: 'ESCAPED', detail };
}
