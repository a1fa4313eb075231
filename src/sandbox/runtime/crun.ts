/** crun: the default, because it starts fastest. */
import { join } from 'node:path';
import { errorsInJsonLog } from './log.ts';
import type { RuntimeDriver } from './types.ts';

export const crun: RuntimeDriver = {
  name: 'crun',
  program: 'crun',
  joinsCgroup: false,
  ownsNetwork: false,
  keepsClocks: ({ timeNamespace }) => timeNamespace,
  adapt: (spec) => spec,
  runArgv: ({ path }, { id, bundleDir, stateDir, logFile }, hasChannel) => [
    ...[path, '--root', stateDir, '--cgroup-manager', 'cgroupfs'],
    ...['--log', `file:${logFile}`, '--log-format', 'json'],
    ...['run', '--keep', '--bundle', bundleDir],
    ...(hasChannel ? ['--preserve-fds', '1'] : []),
    id,
  ],
  stateOf: ({ id, stateDir }) => join(stateDir, id),
  deleteArgv: ({ path }, { id, stateDir }) => [
    ...[path, '--root', stateDir, '--cgroup-manager', 'cgroupfs'],
    ...['delete', '--force', id],
  ],
  errorIn: errorsInJsonLog,
};
