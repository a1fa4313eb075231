/** The life of a sandbox: to work when nobody asks, to outlive one's end, and to find what others have left. */
import { setTimeout as delay } from 'node:timers/promises';
import { endOf } from '../program.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'application' } as const;

export const lifeTechniques: readonly Technique[] = [
  {
    vector: 'neighbours',
    control: 'freezer',
    name: 'work-after-response',
    title: 'go on working in a thread after the answer',
    reference: 'Documentation/admin-guide/cgroup-v2.rst (cgroup.freeze)',
    expects: ['frozen'],
    run: (context) =>
      workLater(context, 'import threading\nthreading.Thread(target=tick, daemon=True).start()'),
  },
  {
    vector: 'neighbours',
    control: 'freezer',
    name: 'work-after-response-process',
    title: 'go on working in a process of its own session after the answer',
    reference: 'Documentation/admin-guide/cgroup-v2.rst (cgroup.freeze)',
    expects: ['frozen'],
    run: (context) => workLater(context, 'if os.fork() == 0:\n    os.setsid()\n    tick()'),
  },
  {
    ...head,
    control: 'sandbox-end',
    name: 'ignore-signals',
    title: 'ignore every signal and never answer',
    reference: 'signal(7)',
    expects: ['limit'],
    run: neverAnswer,
  },
  {
    ...head,
    control: 'sandbox-end',
    name: 'outlive-end',
    title: 'leave a process behind that outlives the program',
    reference: 'pid_namespaces(7)',
    expects: ['killed'],
    run: outlive,
  },
  {
    ...head,
    control: 'sandbox-end',
    name: 'end-runner',
    title: 'end the runner, so that the next caller finds none',
    reference: 'runners/README.md',
    expects: ['refused'],
    run: async ({ deploy }) => {
      const action = await deploy(
        'import os\ndef main(args):\n    if args.get("good"):\n        return {"good": True}\n    os._exit(0)\n',
      );
      const first = await action.call();
      const next = await action.call({ good: true });
      if (next.json !== '{"good":true}') return escaped(`the next call got ${next.json}`);
      if (first.status !== 'action developer error') return escaped(`${first.status}: ${first.json}`);
      return { outcome: 'BLOCKED', answer: 'refused', detail: first.json };
    },
  },
  {
    ...head,
    control: 'sandbox-end',
    name: 'leftovers',
    title: 'find what another function has left in /tmp and in memory',
    reference: 'docs/architecture.md, Scheduling',
    expects: ['absent'],
    run: async ({ deploy }) => {
      const code = `
import os, builtins
def main(args):
    found = [path for path in ("/tmp/left", "/dev/shm/left") if os.path.exists(path)] + (["memory"] if hasattr(builtins, "left") else [])
    for path in ("/tmp/left", "/dev/shm/left"):
        open(path, "w").close()
    builtins.left = True
    return {"found": found}
`;
      const [one, other] = [await deploy(code), await deploy(code)];
      await one.call();
      const { json } = await other.call();
      if (json !== '{"found":[]}') return escaped(json);
      return { outcome: 'BLOCKED', answer: 'absent', detail: 'the other function’s sandbox was its own' };
    },
  },
  {
    ...head,
    control: 'read-only-root',
    name: 'code-change',
    title: 'change the function’s code for the next caller',
    reference: 'mount(2), MS_RDONLY',
    expects: ['EROFS', 'EACCES', 'EPERM'],
    run: async ({ deploy }) => {
      const action = await deploy(`
import errno
def main(args):
    answers = []
    for path in ("/fn/__main__.py", "/fn/more.py", "/ward/runner.py"):
        try:
            open(path, "a").close()
            answers.append("ok")
        except OSError as error:
            answers.append(errno.errorcode[error.errno])
    return {"answers": answers}
`);
      const { json } = await action.call();
      const answer = /^\{"answers":\["(\w+)"/.exec(json)?.[1];
      if (answer === undefined || json.includes('"ok"')) return escaped(json);
      return { outcome: 'BLOCKED', answer, detail: json };
    },
  },
  {
    ...head,
    control: 'own-environment',
    name: 'host-environment',
    title: 'find settings and secrets of the server in the environment',
    reference: 'environ(7)',
    expects: ['absent'],
    run: hostEnvironment,
  },
  {
    ...head,
    control: 'own-environment',
    name: 'api-key',
    title: 'find the caller’s key, which was not asked for',
    reference: 'OpenWhisk, annotation provide-api-key',
    expects: ['absent'],
    run: async ({ deploy }) => {
      const action = await deploy('import os\ndef main(args):\n    return {"names": sorted(os.environ)}\n');
      const { json } = await action.call();
      if (json.includes('API_KEY')) return escaped(json);
      return { outcome: 'BLOCKED', answer: 'absent', detail: json.slice(0, 200) };
    },
  },
];

/** A moment is noted each millisecond; while it stands still there is a gap. */
const ticking = `
import os, time
def tick():
    last = time.monotonic()
    while True:
        time.sleep(0.001)
        now = time.monotonic()
        if now - last > 0.25:
            with open("/tmp/gap", "a") as file:
                file.write("%d " % ((now - last) * 1000))
        last = now
`;

async function workLater({ deploy }: HostContext, begin: string): Promise<AttackAnswer> {
  const indented = begin.replaceAll('\n', '\n        ');
  const action = await deploy(`${ticking}
def main(args):
    if not os.path.exists("/tmp/begun"):
        open("/tmp/begun", "w").close()
        ${indented}
    time.sleep(0.02)
    return {"gaps": open("/tmp/gap").read() if os.path.exists("/tmp/gap") else ""}
`);
  await action.call();
  let told = '';
  // The second time is for a machine that is too busy to freeze it at once.
  for (const idleMs of [700, 3000]) {
    await delay(idleMs);
    const { json } = await action.call();
    const longest = Math.max(0, ...[...json.matchAll(/\d+/g)].map(Number));
    told = `stood still for ${longest} of ${idleMs} ms between two calls`;
    if (longest > 0) return { outcome: 'BLOCKED', answer: 'frozen', detail: told };
  }
  return escaped(told);
}

async function neverAnswer({ deploy }: HostContext): Promise<AttackAnswer> {
  const action = await deploy(
    `
import signal
def main(args):
    if args.get("good"):
        return {"good": True}
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
`,
    { timeoutMs: 1000 },
  );
  const { timedOut, json } = await action.call();
  const next = await action.call({ good: true });
  if (!timedOut) return escaped(json);
  if (next.json !== '{"good":true}') return escaped(`the next call got ${next.json}`);
  return { outcome: 'BLOCKED', answer: 'limit', detail: json };
}

/** While a process is left, the stream that it has from the program does not end. */
async function outlive({ start, signal, facts }: HostContext): Promise<AttackAnswer> {
  await using sandbox = await start(`
if os.fork() == 0:
    os.setsid()
    for number in range(1, 32):
        attempt(lambda: signal.signal(number, signal.SIG_IGN))
    if os.fork() == 0:
        time.sleep(60)
    time.sleep(60)
    os._exit(0)
time.sleep(0.05)
blocked("killed", "its processes ended with the program")
`);
  const ended = endOf(sandbox, AbortSignal.any([signal, AbortSignal.timeout(15_000)]));
  const programResult = await ended;
  const left = await sandbox.usage();
  if (programResult.outcome !== 'BLOCKED') return escaped('a process of it still runs');
  // What ran under gVisor was inside its kernel, whose own processes may take a moment longer to end.
  const isOver = left.pids === 0 || facts.runtime === 'runsc';
  return isOver ? programResult : escaped(`${left.pids} processes are left`);
}

async function hostEnvironment({ deploy }: HostContext): Promise<AttackAnswer> {
  const action = await deploy(
    'import os\ndef main(args):\n    return {"values": list(os.environ.values())}\n',
  );
  const { json } = await action.call();
  // Short values are the same by chance, and paths of programs on purpose.
  const own = Object.entries(process.env).filter(
    ([name, value]) => name !== 'PATH' && (value?.length ?? 0) >= 8,
  );
  const found = own.find(([, value]) => json.includes(JSON.stringify(value)));
  if (found !== undefined) return escaped(`the server’s ${found[0]} is in it`);
  return { outcome: 'BLOCKED', answer: 'absent', detail: `none of ${own.length} values of the server’s` };
}

function escaped(detail: string): AttackAnswer {
  return { outcome: 'ESCAPED', detail };
}
