/** Probes of limits that a sandbox inherits from the process that starts its runtime. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { arch } from 'node:os';
import { randomHex, runCommand } from '../../lib/index.ts';
import { type Inherited, settingArgv } from '../inherited.ts';
import { type ProbeProgram, runProgram } from './program.ts';
import type { LimitProbe, ProbeFinding } from './types.ts';

type Context = Omit<ProbeProgram, 'source'>;

export const inheritedProbes: readonly LimitProbe<Context>[] = [
  { mechanism: 'landlock-scope', run: scope },
  { mechanism: 'no-write-execute', run: noWriteExecute },
  { mechanism: 'core-scheduling', run: core },
  { mechanism: 'speculation-control', run: speculation },
];

/**
 * Uses no sandbox, because its network namespace would refuse first: sets the same limit on a process beside a server.
 */
async function scope(): Promise<ProbeFinding> {
  const name = `ward-doctor-${randomHex(8)}`;
  const server = createServer((socket) => socket.destroy()).listen({ path: `\0${name}` });
  await once(server, 'listening');
  try {
    const connect = `use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; print connect($s, pack_sockaddr_un("\\0${name}")) ? "connected" : "refused: $!"`;
    const { stdout, stderr } = await runSet('scope', ['/usr/bin/perl', '-e', connect]);
    return {
      held: stdout.startsWith('refused: Operation not permitted'),
      evidence: `an abstract socket outside: ${stdout || stderr}`,
    };
  } finally {
    server.close();
  }
}

async function noWriteExecute(context: Context): Promise<ProbeFinding> {
  const source = [
    'import mmap',
    'try: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)',
    'except OSError as error: print("refused:", error.strerror)',
    'else: print("mapped")',
  ].join('\n');
  const policy = { ...context.policy, writeExecute: 'refused' } as const;
  const { stdout } = await runProgram({ ...context, source, policy });
  return {
    held: stdout.startsWith('refused:'),
    evidence: `mapping memory that is writable and executable: ${stdout.trim()}`,
  };
}

/** The kernel shows the cookie of a process as a number, 0 for none. */
async function core(): Promise<ProbeFinding> {
  const call = arch() === 'arm64' ? 167 : 157;
  const cookie = `my $c = pack("Q", 0); syscall(${call}, 62, 0, 0, 0, $c); print unpack("Q", $c)`;
  const told = [
    await runSet('core', ['/usr/bin/perl', '-e', cookie]),
    await runSet('core', ['/usr/bin/perl', '-e', cookie]),
  ];
  const cookies = told.map(({ stdout }) => stdout);
  return {
    held: cookies.every((one) => /^[1-9]\d*$/.test(one)) && new Set(cookies).size === 2,
    evidence: `two sandboxes would have the cookies ${cookies.join(' and ')}`,
  };
}

async function speculation(context: Context): Promise<ProbeFinding> {
  const source =
    'print(*[line.strip() for line in open("/proc/self/status") if line.startswith("Specul")], sep="; ")';
  const { stdout } = await runProgram({ ...context, source });
  return { held: /force mitigated|force disabled/.test(stdout), evidence: stdout.trim() };
}

function runSet(name: Inherited, argv: readonly string[]) {
  const processor = arch() === 'arm64' ? 'arm64' : 'x64';
  return runCommand(settingArgv([name], processor, argv), { timeoutMs: 10_000 });
}
