/** The life of a sandbox: working between calls, outliving its end, and finding what others have left. */
import { setTimeout as delay } from 'node:timers/promises';
import { endOf } from '../program.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'application' } as const;

export const lifeTechniques: readonly Technique[] = [
  {
    vector: 'neighbours',
    control: 'freezer',
    name: 'work-after-response',
    title: 'keep working in a thread after the answer',
    reference: 'Documentation/admin-guide/cgroup-v2.rst (cgroup.freeze)',
    expects: ['frozen'],
    run: (context) => workLater(context, 'work-after-response'),
  },
  {
    vector: 'neighbours',
    control: 'freezer',
    name: 'work-after-response-process',
    title: 'keep working in a process with its own session after the answer',
    reference: 'Documentation/admin-guide/cgroup-v2.rst (cgroup.freeze)',
    expects: ['frozen'],
    run: (context) => workLater(context, 'work-after-response-process'),
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
      const action = await deploy(programText('application/end-runner'));
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
    title: 'find what another function left in /tmp and in memory',
    reference: 'docs/architecture.md, Scheduling',
    expects: ['absent'],
    run: async ({ deploy }) => {
      const code = programText('application/leftovers');
      const [one, other] = [await deploy(code), await deploy(code)];
      await one.call();
      const { json } = await other.call();
      if (json !== '{"found":[]}') return escaped(json);
      return { outcome: 'BLOCKED', answer: 'absent', detail: 'the other function had another sandbox' };
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
      const action = await deploy(programText('application/code-change'));
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
    title: 'find the caller’s key without having asked for it',
    reference: 'OpenWhisk, annotation provide-api-key',
    expects: ['absent'],
    run: async ({ deploy }) => {
      const action = await deploy(programText('application/api-key'));
      const { json } = await action.call();
      if (json.includes('API_KEY')) return escaped(json);
      return { outcome: 'BLOCKED', answer: 'absent', detail: json.slice(0, 200) };
    },
  },
];

async function workLater({ deploy }: HostContext, name: string): Promise<AttackAnswer> {
  const action = await deploy(programText(`neighbours/${name}`));
  await action.call();
  let told = '';
  // A busy machine may take longer to freeze it.
  for (const idleMs of [700, 3000]) {
    await delay(idleMs);
    const { json } = await action.call();
    const longest = Math.max(0, ...[...json.matchAll(/\d+/g)].map(Number));
    told = `was frozen for ${longest} of ${idleMs} ms between two calls`;
    if (longest > 0) return { outcome: 'BLOCKED', answer: 'frozen', detail: told };
  }
  return escaped(told);
}

async function neverAnswer({ deploy }: HostContext): Promise<AttackAnswer> {
  const action = await deploy(programText('application/ignore-signals'), { timeoutMs: 1000 });
  const { timedOut, json } = await action.call();
  const next = await action.call({ good: true });
  if (!timedOut) return escaped(json);
  if (next.json !== '{"good":true}') return escaped(`the next call got ${next.json}`);
  return { outcome: 'BLOCKED', answer: 'limit', detail: json };
}

/** The program's output stays open while one of its processes is left. */
async function outlive({ start, signal, facts }: HostContext): Promise<AttackAnswer> {
  await using sandbox = await start(programText('application/outlive-end'));
  const ended = endOf(sandbox, AbortSignal.any([signal, AbortSignal.timeout(15_000)]));
  const programResult = await ended;
  const left = await sandbox.usage();
  if (programResult.outcome !== 'BLOCKED') return escaped('a process of it still runs');
  // gVisor's own processes may take a moment longer to end than what ran inside its kernel.
  const isOver = left.pids === 0 || facts.runtime === 'runsc';
  return isOver ? programResult : escaped(`${left.pids} processes are left`);
}

async function hostEnvironment({ deploy }: HostContext): Promise<AttackAnswer> {
  const action = await deploy(programText('application/host-environment'));
  const { json } = await action.call();
  // Short values can match by chance, and PATH matches on purpose.
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
