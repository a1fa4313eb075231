/** The runtime itself, which is root on the host: what it leaves open, where it starts a program, and which. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../lib/index.ts';
import type { Sandbox } from '../../sandbox/index.ts';
import { endOf } from '../program.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'escape' } as const;

export const runtimeTechniques: readonly Technique[] = [
  {
    ...head,
    control: 'mount-namespace',
    name: 'leaked-descriptors',
    title: 'find files that the runtime has left open',
    reference: 'CVE-2024-21626 (Leaky Vessels), CVE-2016-9962',
    expects: ['absent'],
    program: `
import stat
for name in os.listdir("/proc/self/fd"):
    try:
        kind = os.stat("/proc/self/fd/" + name).st_mode
        target = os.readlink("/proc/self/fd/" + name)
    except OSError:
        continue
    # The folder that is being listed is one's own.
    if target.startswith("/proc/") and target.endswith("/fd"):
        continue
    if int(name) > 2 or not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or target == "/dev/null"):
        escaped("descriptor " + name + " is " + target)
blocked("absent", "three pipes, and nothing else")
`,
  },
  {
    ...head,
    control: 'request-check',
    name: 'working-directory',
    title: 'start in a folder of the host, by a descriptor that the runtime has open',
    reference: 'CVE-2024-21626 (Leaky Vessels)',
    expects: ['refused', 'ENOENT', 'EACCES', 'ENOTDIR'],
    run: startInDescriptor,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'working-directory-link',
    title: 'the same by a link of the image',
    reference: 'CVE-2024-21626 (Leaky Vessels)',
    expects: ['refused', 'ENOENT', 'EACCES', 'ENOTDIR'],
    run: startBehindLink,
  },
  {
    ...head,
    control: 'landlock',
    name: 'runtime-as-program',
    title: 'have the runtime start itself, so that its file can be overwritten',
    reference: 'CVE-2019-5736',
    expects: ['refused'],
    run: startRuntime,
  },
];

const climb = `
def look():
    start = os.open(".", os.O_PATH | os.O_DIRECTORY)
    for _ in range(64):
        start = os.open("..", os.O_PATH | os.O_DIRECTORY, dir_fd=start)
    file = os.open(facts["secretFile"].lstrip("/"), os.O_RDONLY, dir_fd=start)
    if os.read(file, 64).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file of that name")
refused(look, "a file of the host was read from " + os.getcwd())
`;

/** Descriptors that runtimes have been seen to have: of the control groups, of the bundle, of the root. */
const descriptors = [3, 6, 7, 8] as const;

async function startInDescriptor({ run }: HostContext): Promise<AttackAnswer> {
  return await firstEscape(descriptors.map((number) => () => run(climb, { cwd: `/proc/self/fd/${number}` })));
}

/** The same by a link of the image, which no request shows. */
async function startBehindLink({ run, rootWith }: HostContext): Promise<AttackAnswer> {
  const rootDir = await rootWith(async (layer) => {
    for (const number of descriptors) await symlink(`/proc/self/fd/${number}`, join(layer, `cwd-${number}`));
  });
  return await firstEscape(descriptors.map((number) => () => run(climb, { rootDir, cwd: `/cwd-${number}` })));
}

/** What the last attempt got, unless one before it has escaped. A sandbox that isn't started is a refusal. */
async function firstEscape(attempts: readonly (() => Promise<AttackAnswer>)[]): Promise<AttackAnswer> {
  let last: AttackAnswer = { outcome: 'BLOCKED', answer: 'refused', detail: '' };
  for (const attempt of attempts) {
    last = await attempt().catch((error: unknown) => ({
      outcome: 'BLOCKED',
      answer: 'refused',
      detail: messageOf(error),
    }));
    if (last.outcome === 'ESCAPED') return last;
  }
  return last;
}

async function startRuntime({ host, policy, rootDir, signal }: HostContext): Promise<AttackAnswer> {
  let sandbox: Sandbox;
  try {
    const args = ['/proc/self/exe', '--version'];
    sandbox = await host.start({ rootDir, args, env: {}, cwd: '/', policy, channel: 'none' });
  } catch (error) {
    return { outcome: 'BLOCKED', answer: 'refused', detail: messageOf(error) };
  }
  await using started = sandbox;
  let said = '';
  started.stdout.on('data', (chunk: Buffer) => {
    said += String(chunk).slice(0, 4096);
  });
  const programResult = await endOf(started, signal);
  if (/crun|runc|runsc/.test(said)) return { outcome: 'ESCAPED', detail: `it ran: ${said.slice(0, 100)}` };
  return { outcome: 'BLOCKED', answer: 'refused', detail: said.slice(0, 100) || programResult.detail };
}
