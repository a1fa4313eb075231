/** Leftovers of a function, which another function of the same tenant looks for in a prewarmed sandbox. */
import { programText } from '../programs.ts';
import type { HostContext, Technique } from '../types.ts';

const head = { vector: 'application', control: 'sandbox-end', expects: ['absent'] } as const;

interface Leftover {
  readonly name: string;
  readonly title: string;
  readonly reference: string;
}

const leftovers: readonly Leftover[] = [
  {
    name: 'process',
    title: 'find a process that another function left behind',
    reference: 'proc(5)',
  },
  {
    name: 'thread',
    title: 'find a thread that another function left in the runner',
    reference: 'pthreads(7)',
  },
  {
    name: 'abstract-socket',
    title: 'reach a server that another function left on an abstract socket name',
    reference: 'unix(7)',
  },
  {
    name: 'port',
    title: 'reach a server that another function left on a port',
    reference: 'tcp(7)',
  },
  {
    name: 'descriptor',
    title: 'find a file that another function left open in the runner',
    reference: 'proc_pid_fd(5)',
  },
  {
    name: 'environment',
    title: 'find what another function set in the environment',
    reference: 'environ(7)',
  },
  {
    name: 'module',
    title: 'make a module of the runner answer for another function',
    reference: 'Python, sys.modules',
  },
  {
    name: 'search-path',
    title: 'put its own modules before those of another function',
    reference: 'Python, sys.path',
  },
  {
    name: 'signal-handler',
    title: 'leave a handler that runs in another function',
    reference: 'signal(7)',
  },
  {
    name: 'limits',
    title: 'leave lower limits for another function',
    reference: 'setrlimit(2), umask(2)',
  },
];

export const leftoverTechniques: readonly Technique[] = leftovers.map(({ name, title, reference }) => ({
  ...{ ...head, name: `leftover-${name}`, title, reference },
  run: (context) => seekLeftover(context, `leftover-${name}`),
}));

const none = '{"found":[]}';

/** The function must find its own leftover first: otherwise a failure to find it elsewhere proves nothing. */
async function seekLeftover({ deploy }: HostContext, name: string) {
  const code = programText(`application/${name}`);
  const [one, other] = [await deploy(code), await deploy(code)];
  await one.call();
  let own = await one.call();
  // On a busy machine the leftover may take longer to appear.
  for (let tries = 1; tries < 5 && own.json === none; tries++) own = await one.call();
  if (own.json === none) {
    return { outcome: 'NOTHING', detail: 'a function does not find it in its own sandbox either' } as const;
  }
  const { json } = await other.call();
  if (json !== '{"found":[]}') return { outcome: 'ESCAPED', detail: json } as const;
  return {
    outcome: 'BLOCKED',
    answer: 'absent',
    detail: `it found ${own.json} in its own sandbox only`,
  } as const;
}
