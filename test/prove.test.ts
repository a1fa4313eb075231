/**
 * The attack suite against real sandboxes: everything is blocked under each runtime that is here. And it can fail:
 * under a policy that was weakened on purpose, and under Docker's defaults, techniques are seen to escape.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { type ProveReport, prove, selectTechniques } from '../src/prover/index.ts';
import { missingForTechniques, openProverPlace } from '../src/prover/prover.fixture.ts';
import { openSuite } from '../src/prover/suite.ts';
import type { Expectation, ProgramTechnique, TechniqueResult } from '../src/prover/types.ts';
import { type RuntimeName, type SandboxPolicy, strictPolicy } from '../src/sandbox/index.ts';
import { strictProfile } from '../src/sandbox/seccomp/profile.ts';
import { attackedApi } from '../src/server/prove-api.ts';

const all = selectTechniques({});

/** Runs what is named, under the default policy with changes, in a host of its own. */
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
  const names = all.map(({ name }) => name);
  let report: ProveReport | undefined;

  beforeAll(async () => {
    if (missing === undefined) report = await proven(names, runtime);
  }, 900_000);

  test.skipIf(missing !== undefined).each(names.map((name, at) => [name, at] as const))('%s', (name, at) => {
    const row = report?.techniques[at];
    expect(row, JSON.stringify(row)).toMatchObject({ name, outcome: 'BLOCKED', asExpected: true });
  });

  test.skipIf(missing !== undefined)('all in all', () => {
    expect(report).toMatchObject({
      ok: true,
      counts: { BLOCKED: names.length, ESCAPED: 0, ERROR: 0, SKIPPED: 0 },
      runtime: { name: runtime },
    });
  });
});

const withMoreCalls = {
  ...strictProfile,
  allow: new Map([
    ...strictProfile.allow,
    ...['unshare', 'clone', 'splice', 'memfd_create', 'ptrace', 'add_key'].map((name) => [name, []] as const),
  ]),
};

/** What is taken away, and all that escapes then of what is named: techniques that no other control answers too. */
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

describe.skipIf(missingForTechniques('crun') !== undefined)('a weakened policy', () => {
  test.each(weakened)('with %s is seen through', { timeout: 120_000 }, async (_, changes, escapes) => {
    const report = await proven([...escapes, 'mount-tmpfs', 'host-file'], 'crun', {
      ...changes,
      required: [],
    });
    expect(escapedOf(report).sort()).toEqual([...escapes].sort());
    expect(report.ok).toBe(false);
  });
});

describe.skipIf(missingForTechniques('crun') !== undefined)('an API without its entrance', () => {
  const unguarded = attackedApi((app) => ({ socket }) => {
    app.server.emit('connection', socket);
    socket.resume();
  });
  const escapes = ['api-foreign-key', 'api-smuggling'];

  test('is seen through, as far as the keys do not hold', { timeout: 120_000 }, async () => {
    const names = [...escapes, 'api-no-key'];
    const report = await proven(names, 'crun', {}, false, unguarded);
    expect(escapedOf(report).sort()).toEqual(escapes);
    expect(report.counts).toMatchObject({ ERROR: 0, SKIPPED: 0 });
  });
});

const withoutComparison = missingForTechniques('crun') ?? missingForTechniques('runc');

describe.skipIf(withoutComparison !== undefined)('beside Docker’s defaults', () => {
  /** The control of each is one that Docker leaves out by default. */
  const added = [
    ...['splice-file', 'ptrace-child', 'abi-int80', 'root-write', 'exec-tmp', 'setuid-root'],
    ...['host-namespace-user', 'capabilities-held', 'fork-bomb'],
  ];
  const common = ['mount-tmpfs', 'unshare-user', 'host-file', 'bpf-program'];

  test('Ward blocks what passes there, and both block the rest', { timeout: 120_000 }, async () => {
    const { ok, dockerDefaultCounts, techniques } = await proven([...added, ...common], 'crun', {}, true);
    expect(ok).toBe(true);
    expect(dockerDefaultCounts).toEqual({
      BLOCKED: common.length,
      ESCAPED: added.length,
      ERROR: 0,
      SKIPPED: 0,
    });
    const passed = techniques.filter(({ dockerDefault }) => dockerDefault?.outcome === 'ESCAPED');
    expect(passed.map(({ name }) => name).sort()).toEqual([...added].sort());
  });
});

describe.skipIf(missingForTechniques('crun') !== undefined)('programs that share a sandbox', () => {
  const technique = (name: string, expects: Expectation, program: string): ProgramTechnique => ({
    ...{ name, vector: 'escape', title: 'try', reference: 'none', control: 'seccomp' },
    ...{ expects: [expects], program },
  });

  test('leave nothing to each other, and what is not as expected is told from a sandbox of its own', {
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
