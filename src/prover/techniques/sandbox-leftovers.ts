/** What a function has left behind, sought by another of the same tenant, whose sandbox waited for it ready-made. */
import type { HostContext, Technique } from '../types.ts';

const head = { vector: 'application', control: 'sandbox-end', expects: ['absent'] } as const;

interface Leftover {
  readonly name: string;
  readonly title: string;
  readonly reference: string;
  /** Python in a function that has `mark`: what was found, as a list. */
  readonly find: string;
  /** Leaves it. */
  readonly leave: string;
}

const leftovers: readonly Leftover[] = [
  {
    name: 'process',
    title: 'find a process that another function has left',
    reference: 'proc(5)',
    find: `[n for n in os.listdir("/proc") if n.isdigit() and mark.encode() in open("/proc/" + n + "/cmdline", "rb").read()]`,
    leave: `os.spawnv(os.P_NOWAIT, os.path.realpath("/usr/bin/python3"), ["python3", "-I", "-c", "import time; time.sleep(60)", mark])`,
  },
  {
    name: 'thread',
    title: 'find a thread that another function has left in the runner',
    reference: 'pthreads(7)',
    find: `[t.name for t in threading.enumerate() if t.name == mark]`,
    leave: `threading.Thread(target=time.sleep, args=(60,), name=mark, daemon=True).start()`,
  },
  {
    name: 'abstract-socket',
    title: 'reach a server that another function has left at an abstract name',
    reference: 'unix(7)',
    find: `[mark] if connects(socket.AF_UNIX, chr(0) + mark) else []`,
    leave: `keep(serve(socket.AF_UNIX, chr(0) + mark))`,
  },
  {
    name: 'port',
    title: 'reach a server that another function has left on a port',
    reference: 'tcp(7)',
    find: `[4711] if connects(socket.AF_INET, ("127.0.0.1", 4711)) else []`,
    leave: `keep(serve(socket.AF_INET, ("127.0.0.1", 4711)))`,
  },
  {
    name: 'descriptor',
    title: 'find a file that another function has left open in the runner',
    reference: 'proc_pid_fd(5)',
    find: `[n for n in os.listdir("/proc/self/fd") if mark in os.path.basename(read_link("/proc/self/fd/" + n))]`,
    leave: `os.open("/tmp/" + mark, os.O_CREAT | os.O_RDWR)`,
  },
  {
    name: 'environment',
    title: 'find what another function has set in the environment',
    reference: 'environ(7)',
    find: `[name for name in os.environ if mark in name]`,
    leave: `os.environ[mark] = "left"`,
  },
  {
    name: 'module',
    title: 'have a module of the runner answer for another function',
    reference: 'Python, sys.modules',
    find: `["json"] if getattr(json.dumps, "mark", "") == mark else []`,
    leave: `json.dumps = marked(json.dumps, mark)`,
  },
  {
    name: 'search-path',
    title: 'put one’s own modules before those of another function',
    reference: 'Python, sys.path',
    find: `[path for path in sys.path if mark in path]`,
    leave: `sys.path.insert(0, "/tmp/" + mark)`,
  },
  {
    name: 'signal-handler',
    title: 'leave a handler that runs in another function',
    reference: 'signal(7)',
    find: `["SIGUSR1"] if signal.getsignal(signal.SIGUSR1) not in (signal.SIG_DFL, None) else []`,
    leave: `signal_later(mark)`,
  },
  {
    name: 'limits',
    title: 'leave lower limits to another function',
    reference: 'setrlimit(2), umask(2)',
    find: `["umask"] if swap_umask(0o77) == 0o7 else []`,
    leave: `os.umask(0o7)`,
  },
];

const tools = (mark: string) => `
import json, os, signal, socket, sys, threading, time
mark = "${mark}"
kept = []
def keep(thing):
    kept.append(thing)
def serve(family, address):
    end = socket.socket(family)
    end.bind(address)
    end.listen()
    return end
def connects(family, address):
    try:
        socket.socket(family).connect(address)
        return True
    except OSError:
        return False
def read_link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""
def marked(function, mark):
    def wrapped(*args, **more):
        return function(*args, **more)
    wrapped.mark = mark
    return wrapped
def swap_umask(value):
    before = os.umask(value)
    os.umask(before)
    return before
def signal_later(mark):
    try:
        signal.signal(signal.SIGUSR1, lambda *_: None)
    except ValueError:
        # Not in the main thread: then it is ignored by the process instead.
        import ctypes
        ctypes.CDLL(None).signal(signal.SIGUSR1, ctypes.c_void_p(1))
`;

export const leftoverTechniques: readonly Technique[] = leftovers.map(
  ({ name, title, reference, find, leave }) => ({
    ...{ ...head, name: `leftover-${name}`, title, reference },
    run: (context) => seekLeftover(context, find, leave),
  }),
);

const none = '{"found":[]}';

/** The one that leaves it finds it itself, or its not being found would say nothing. */
async function seekLeftover({ deploy }: HostContext, find: string, leave: string) {
  const code = `${tools('ward-left')}
def main(args):
    before = ${find}
    if not before:
        ${leave}
        time.sleep(0.05)
    return {"found": before}
`;
  const [one, other] = [await deploy(code), await deploy(code)];
  await one.call();
  let own = await one.call();
  // On a busy machine it may take longer to leave it.
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
