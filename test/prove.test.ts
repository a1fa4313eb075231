/**
 * The attack suite against real sandboxes. crun blocks everything, and each other installed runtime blocks a sample;
 * `npm run prove:all` runs the whole suite under each. The suite can also fail: under a policy that was weakened on
 * purpose, and under Docker's defaults, it reports techniques that escape.
 */
import { availableParallelism, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { canShare } from '../src/prover/batch.ts';
import { type ProveReport, prove, proveWeakened, selectTechniques } from '../src/prover/index.ts';
import { programsFolder } from '../src/prover/programs.ts';
import { missingForTechniques, openProverPlace } from '../src/prover/prover.fixture.ts';
import { openSuite, runInPlace } from '../src/prover/suite.ts';
import { hungUpOn, refused } from '../src/prover/techniques/server-requests.ts';
import type { Expectation, ProgramTechnique, TechniqueResult } from '../src/prover/types.ts';
import { openWeakened } from '../src/prover/weakened/open.ts';
import { type RuntimeName, type SandboxPolicy, strictPolicy } from '../src/sandbox/index.ts';
import { strictProfile } from '../src/sandbox/seccomp/profile.ts';
import { attackedApi } from '../src/server/by-hand/prove-api.ts';

/** Those that start in an invoker of a cluster are in cluster-invoker.test.ts. */
const all = selectTechniques({}).filter(({ vector }) => vector !== 'cluster');
const isWhole = process.env['WARD_PROVE_ALL'] === '1';

/** For each control, the first technique of each vector that it must stop. */
const sample = all.filter(
  ({ vector, control }, at) =>
    all.findIndex((other) => other.vector === vector && other.control === control) === at,
);

/** Runs the named techniques in a host of its own, under the default policy with changes. */
async function proven(
  names: readonly string[],
  runtime: RuntimeName,
  changes: Partial<SandboxPolicy> = {},
  compare = false,
  openApi = attackedApi(),
): Promise<ProveReport> {
  await using place = await openProverPlace(runtime);
  const techniques = all.filter(({ name }) => names.includes(name));
  expect(techniques.map(({ name }) => name).sort()).toEqual([...names].sort());
  return await prove({
    ...place,
    policy: { ...strictPolicy, runtime, ...changes },
    techniques,
    compare,
    openApi,
  });
}

function escapedOf({ techniques }: ProveReport): string[] {
  return techniques.filter(({ outcome }) => outcome === 'ESCAPED').map(({ name }) => name);
}

describe.each<RuntimeName>(['crun', 'runc', 'runsc'])('under %s', (runtime) => {
  const missing = missingForTechniques(runtime);
  const techniques = runtime === 'crun' || isWhole ? all : sample;
  const names = techniques.map(({ name }) => name);
  let report: ProveReport | undefined;

  beforeAll(async () => {
    if (missing === undefined) report = await proven(names, runtime);
  }, 900_000);

  test.skipIf(missing !== undefined).each(names.map((name, at) => [name, at] as const))('%s', (name, at) => {
    const row = report?.techniques[at];
    const { cannotFail, reaches } = techniques[at] ?? {};
    const mayProveNothing = row?.outcome === 'NOTHING' && (cannotFail ?? reaches) !== undefined;
    expect(row, JSON.stringify(row)).toMatchObject(
      mayProveNothing ? { name, answer: '' } : { name, outcome: 'BLOCKED', asExpected: true },
    );
  });

  test.skipIf(missing !== undefined)('all in all', () => {
    expect(report).toMatchObject({ ok: true, counts: { ESCAPED: 0, ERROR: 0 }, runtime: { name: runtime } });
    expect(report?.counts.BLOCKED).toBeGreaterThan(names.length * 0.9);
  });
});

const withMoreCalls = {
  ...strictProfile,
  allow: new Map([
    ...strictProfile.allow,
    ...['unshare', 'clone', 'splice', 'memfd_create', 'ptrace', 'add_key'].map((name) => [name, []] as const),
  ]),
};

/** A weakened setting, and the named techniques that then escape, because no other control stops them. */
const weakened: readonly (readonly [
  what: string,
  changes: Partial<SandboxPolicy>,
  escapes: readonly string[],
])[] = [
  [
    'more system calls and a capability',
    { capabilities: ['CAP_SYS_ADMIN'], seccomp: withMoreCalls },
    [
      ...['unshare-uts', 'clone-user-namespace', 'splice-file', 'memfd-create', 'memfd-exec'],
      ...['ptrace-child', 'keyring-add', 'capabilities-held'],
    ],
  ],
  [
    'no Landlock',
    { landlock: undefined },
    ['self-mem-write', 'landlock-widen', 'landlock-detour', 'dirty-cow', 'oom-score-lower'],
  ],
  [
    'programs in /tmp',
    { tmpfs: strictPolicy.tmpfs.map((mount) => ({ ...mount, exec: true })), landlock: undefined },
    ['exec-tmp', 'exec-shm', 'exec-binary', 'exec-nameless', 'exec-by-loader', 'exec-mapping'],
  ],
];

test('the sample covers every control and every vector', () => {
  for (const what of ['control', 'vector'] as const)
    expect(new Set(sample.map((technique) => technique[what]))).toEqual(
      new Set(all.map((technique) => technique[what])),
    );
});

describe.skipIf(missingForTechniques('crun') !== undefined)('a weakened policy', () => {
  test.each(weakened)('with %s is detected', { timeout: 120_000 }, async (_, changes, escapes) => {
    const report = await proven([...escapes, 'mount-tmpfs', 'host-file'], 'crun', {
      ...changes,
      required: [],
    });
    expect(escapedOf(report).sort()).toEqual([...escapes].sort());
    expect(report.ok).toBe(false);
  });
});

describe.skipIf(missingForTechniques('crun') !== undefined)('the suite judges the policy in force', () => {
  test('limits beyond the machine’s resources do not count', { timeout: 120_000 }, async () => {
    const names = ['memory-bomb', 'fork-bomb', 'mount-tmpfs'];
    const report = await proven(names, 'crun', { memoryBytes: 2 * totalmem(), pidsLimit: 4_194_304 });
    expect(escapedOf(report).sort()).toEqual(['fork-bomb', 'memory-bomb']);
  });

  test('a limit that the machine can’t bear to reach proves nothing', {
    timeout: 120_000,
  }, async () => {
    const names = ['memory-bomb', 'memory-tmpfs', 'cpu-spin', 'mount-tmpfs'];
    const memoryBytes = Math.floor(totalmem() * 0.9);
    const { ok, counts, techniques } = await proven(names, 'crun', {
      memoryBytes,
      cpus: availableParallelism(),
    });
    expect({ ok, counts }).toEqual({ ok: true, counts: { BLOCKED: 1, ESCAPED: 0, ERROR: 0, NOTHING: 3 } });
    expect(techniques.find(({ name }) => name === 'cpu-spin')?.detail).toMatch(
      /^the limit is \d+ processors/,
    );
  });

  test('the policy’s own limits are reached', { timeout: 120_000 }, async () => {
    const names = ['memory-bomb', 'fork-bomb', 'inodes-tmp'];
    const tmpfs = strictPolicy.tmpfs.map((mount) => ({ ...mount, inodes: 77 }));
    const { techniques } = await proven(names, 'crun', {
      memoryBytes: 96 * 1024 * 1024,
      pidsLimit: 33,
      tmpfs,
    });
    const told = Object.fromEntries(
      techniques.map(({ name, answer, detail }) => [name, `${answer} ${detail}`]),
    );
    expect(told).toMatchObject({
      'memory-bomb': expect.stringMatching(/^killed/),
      'fork-bomb': expect.stringMatching(/^EAGAIN after 3[0-2] processes/),
      'inodes-tmp': expect.stringMatching(/^ENOSPC after 7[0-6] files/),
    });
  });
});

describe.skipIf(missingForTechniques('runc') !== undefined)('a technique without its control', () => {
  /** One technique for each mechanism that can be removed. */
  const removable = [
    ...['mount-tmpfs', 'ptrace-child', 'landlock-widen', 'capabilities-held', 'no-new-privileges-unset'],
    ...['proc-kernel-objects', 'root-change', 'device-disks', 'host-file', 'fill-tmp', 'descriptor-flood'],
    ...['memory-bomb', 'fork-bomb', 'cpu-spin', 'host-namespace-uts', 'tenant-loopback', 'tenant-user'],
  ];
  const techniques = all.filter(({ name }) => removable.includes(name));

  test('gets through', { timeout: 240_000 }, async () => {
    await using place = await openProverPlace('runc');
    const report = await proveWeakened({ ...place, policy: strictPolicy, techniques });
    const others = report.techniques.filter(({ outcome }) => outcome !== 'ESCAPED');
    expect({ others, ok: report.ok, count: report.techniques.length }).toEqual({
      ...{ others: [], ok: true, count: removable.length },
    });
  });

  test('is blocked in the same place with it', { timeout: 240_000 }, async () => {
    await using place = await openProverPlace('runc');
    await using weakened = await openWeakened({ ...place, policy: { ...strictPolicy, runtime: 'runc' } });
    const whole = await weakened.without([]);
    const programs = techniques.filter(canShare);
    expect(programs.length).toBeGreaterThan(8);
    for (const technique of programs) {
      expect(await runInPlace(whole, technique)).toMatchObject({ outcome: 'BLOCKED', asExpected: true });
    }
  });
});

describe.skipIf(missingForTechniques('crun') !== undefined)('an API without its entrance', () => {
  const unguarded = attackedApi((app) => ({ socket }) => {
    app.server.emit('connection', socket);
    socket.resume();
  });
  const escapes = ['api-foreign-key', 'api-smuggling'];

  test('is detected, except where the keys still protect', { timeout: 120_000 }, async () => {
    const names = [...escapes, 'api-no-key'];
    const report = await proven(names, 'crun', {}, false, unguarded);
    expect(escapedOf(report).sort()).toEqual(escapes);
    expect(report.counts).toMatchObject({ ERROR: 0, NOTHING: 0 });
  });
});

const withoutComparison = missingForTechniques('crun') ?? missingForTechniques('runc');

describe.skipIf(withoutComparison !== undefined)('beside Docker’s defaults', () => {
  /** Techniques whose control Docker leaves out by default. */
  const added = [
    ...['splice-file', 'ptrace-child', 'abi-int80', 'root-write', 'exec-tmp', 'setuid-root'],
    ...['host-namespace-user', 'capabilities-held', 'fork-bomb'],
  ];
  const common = ['mount-tmpfs', 'unshare-user', 'host-file', 'bpf-program'];

  test('Ward blocks what succeeds there, and both block the rest', { timeout: 120_000 }, async () => {
    const { ok, dockerDefaultCounts, techniques } = await proven([...added, ...common], 'crun', {}, true);
    expect(ok).toBe(true);
    expect(dockerDefaultCounts).toEqual({
      BLOCKED: common.length,
      ESCAPED: added.length,
      ERROR: 0,
      NOTHING: 0,
    });
    const passed = techniques.filter(({ dockerDefault }) => dockerDefault?.outcome === 'ESCAPED');
    expect(passed.map(({ name }) => name).sort()).toEqual([...added].sort());
  });
});

describe.skipIf(missingForTechniques('crun') !== undefined)('programs that share a sandbox', () => {
  /** Runs the given techniques. */
  const program = relative(join(programsFolder, 'escape'), join(import.meta.dirname, 'given-program'));
  const technique = (name: string, expects: Expectation, given: string): ProgramTechnique => ({
    ...{ name, vector: 'escape', title: 'try', reference: 'none', control: 'seccomp' },
    ...{ expects: [expects], program, parameters: { given } },
  });

  test('leave nothing to each other, and an unexpected outcome is repeated in a sandbox of its own', {
    timeout: 120_000,
  }, async () => {
    await using place = await openProverPlace('crun');
    await using suite = await openSuite({ ...place, policy: strictPolicy });
    const results: TechniqueResult[] = [];
    const programs = [
      technique(
        'leaver',
        'limit',
        'os.mkdir("/tmp/left")\nopen("/tmp/left/file", "w").close()\nif os.fork() == 0: time.sleep(60)\nblocked("limit")',
      ),
      technique(
        'seeker',
        'absent',
        'left = os.listdir("/tmp") + [n for n in os.listdir("/proc") if n.isdigit()][2:]\nescaped(left) if left else blocked("absent")',
      ),
      technique('killed', 'killed', 'syscall("mount", "none", "/tmp", "tmpfs", 0, None)'),
      technique('silent', 'EPERM', 'os._exit(7)'),
      technique('first-process', 'limit', 'blocked("limit") if os.getpid() == 1 else escaped("shared")'),
      technique('last', 'EPERM', 'blocked("EPERM")'),
    ];
    await suite.runTogether(programs, (result, at) => {
      results[at] = result;
    });
    expect(results.map(({ name, outcome, answer }) => `${name} ${outcome} ${answer}`)).toEqual([
      'leaver BLOCKED limit',
      'seeker BLOCKED absent',
      'killed BLOCKED killed',
      'silent ERROR ',
      'first-process BLOCKED limit',
      'last BLOCKED EPERM',
    ]);
  });
});

describe.skipIf(missingForTechniques('crun') !== undefined)('requests of a compromised server', () => {
  test('are reported as escaped when the keeper grants them', async () => {
    await using place = await openProverPlace('crun');
    await using suite = await openSuite({ ...place, policy: strictPolicy });
    const granted = [
      refused('granted', 'ask for what it may have', /./, ({ link, sound }) =>
        link.ask('check', { ask: sound }),
      ),
      hungUpOn('heard', 'say what a server says', ({ sound }) => ({
        op: 'check',
        id: 1_000_000,
        ask: sound,
      })),
    ];
    for (const technique of granted) expect(await suite.run(technique)).toMatchObject({ outcome: 'ESCAPED' });
    const unfit = refused('unfit', 'be refused for something else', /^EGRESS_EXCEEDED /, ({ link }) =>
      link.ask('lend', { sandbox: '0123456789abcdef' }),
    );
    expect(await suite.run(unfit)).toMatchObject({ outcome: 'ERROR' });
  });
});
