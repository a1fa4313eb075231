/**
 * runc: the reference implementation. Versions before 1.2 don't know the time namespace, so Ward starts runc in a new
 * one with shifted clocks, which its children inherit.
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
