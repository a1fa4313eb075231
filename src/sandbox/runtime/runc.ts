/**
 * runc: the reference implementation. Before 1.2 it doesn't know the time namespace, so it is started in one, with clocks
 * of its own, that its children are born in.
 */
import { join } from 'node:path';
import { errorsInJsonLog } from './log.ts';
import type { RuntimeDriver } from './types.ts';

export const runc: RuntimeDriver = {
  name: 'runc',
  program: 'runc',
  joinsCgroup: false,
  ownsNetwork: false,
  keepsClocks: () => true,
  adapt: (spec) => spec,
  runArgv: ({ path }, { id, bundleDir, stateDir, logFile }, hasChannel) => [
    ...[path, '--root', stateDir, '--log', logFile, '--log-format', 'json'],
    ...['run', '--keep', '--bundle', bundleDir],
    ...(hasChannel ? ['--preserve-fds', '1'] : []),
    id,
  ],
  stateOf: ({ id, stateDir }) => join(stateDir, id),
  deleteArgv: ({ path }, { id, stateDir }) => [path, '--root', stateDir, 'delete', '--force', id],
  errorIn: errorsInJsonLog,
};
