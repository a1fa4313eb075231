import { expect, test } from 'vitest';
import { strictPolicy } from '../policy.ts';
import { buildSpec } from '../runtime-config/build.ts';
import { strictestOf } from '../seccomp/intersect.ts';
import { crunFeatures, input } from '../testing/spec-input.ts';
import { runtimeDrivers, runtimeNames } from './drivers.ts';
import { errorsInJsonLog } from './log.ts';

const paths = { id: 'a1', bundleDir: '/run/b', stateDir: '/run/s', logFile: '/run/b/log' };

test.each(runtimeNames)('%s: foreground, its own state and log, the channel as descriptor 3', (name) => {
  const argv = runtimeDrivers[name].runArgv({ ...crunFeatures, name }, paths, true);
  expect(argv.at(-1)).toBe('a1');
  expect(argv.join(' ')).toMatch(/--root \/run\/s .*--log (file:)?\/run\/b\/log .*run .*--bundle \/run\/b/);
  expect(argv.join(' ')).toMatch(/--preserve-fds 1|--pass-fd 3:3/);
  expect(argv).not.toContain('--detach');
  expect(runtimeDrivers[name].runArgv({ ...crunFeatures, name }, paths, false).join(' ')).not.toMatch(/-fd/);
  expect(runtimeDrivers[name].deleteArgv({ ...crunFeatures, name }, paths)).toEqual(
    expect.arrayContaining(['--root', '/run/s', 'delete', '--force', 'a1']),
  );
});

test('the state of a sandbox is one folder, where Ward knows it', () => {
  const states = runtimeNames.map((name) => runtimeDrivers[name].stateOf(paths));
  expect(states).toEqual(runtimeNames.map((name) => (name === 'runsc' ? undefined : '/run/s/a1')));
});

test('runtimes that can’t set clocks inherit them', () => {
  const keeping = (timeNamespace: boolean) =>
    runtimeNames.filter((name) => runtimeDrivers[name].keepsClocks({ ...crunFeatures, name, timeNamespace }));
  expect(keeping(true)).toEqual(['crun', 'runc']);
  expect(keeping(false)).toEqual(['runc']);
});

test('what gVisor’s filter can’t express is left to gVisor’s own kernel', () => {
  const { linux, mounts } = runtimeDrivers.runsc.adapt(
    buildSpec({ ...input, policy: { ...strictPolicy, runtime: 'runsc' } }),
  );
  const rule = (name: string) => linux.seccomp.syscalls.find(({ names }) => names.includes(name));
  for (const name of ['clone', 'futex', 'clone3', 'sendfile']) {
    expect(rule(name)).toMatchObject({ action: 'SCMP_ACT_ALLOW' });
    expect(rule(name)).not.toHaveProperty('args');
  }
  expect(rule('mount')?.action).toBe('SCMP_ACT_KILL');
  expect(rule('socket')?.args).toHaveLength(2);
  expect(mounts.find(({ destination }) => destination === '/dev')?.options).not.toContain('ro');
  expect(mounts.find(({ destination }) => destination === '/fn')?.options).toContain('ro');
});

test('a call that a custom profile refuses is not allowed under gVisor, whatever its errno', () => {
  const seccomp = strictestOf(
    [
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['chmod'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }],
      },
    ],
    { extraCalls: [], capabilities: [] },
  );
  const { linux } = runtimeDrivers.runsc.adapt(
    buildSpec({ ...input, policy: { ...strictPolicy, runtime: 'runsc', seccomp } }),
  );
  expect(linux.seccomp.syscalls.some(({ names }) => names.includes('chmod'))).toBe(false);
});

test.each([
  ['', ''],
  ['not json\n', ''],
  ['{"msg":"fine","level":"info"}\n{"msg":"hm","level":"warning"}\n', ''],
  ['{"msg":"broken ","level":"error"}\n{"msg":"dead","level":"fatal"}\n', 'broken; dead'],
  ['{"msg":"no level"}', 'no level'],
  ['{"level":"error"}', ''],
  ['[]\n7\nnull', ''],
])('errors in the log %j', (log, errors) => {
  expect(errorsInJsonLog(log)).toBe(errors);
});
