/**
 * gVisor's runsc: a kernel of its own in user space stands between the program and the host's. It removes the
 * control groups that it made before anybody could read them, so Ward makes them and runsc joins.
 */
import type { OciSpec } from '../spec/oci.ts';
import type { RuntimeDriver } from './types.ts';

const common = (path: string, stateDir: string) => [path, '--root', stateDir];

export const runsc: RuntimeDriver = {
  name: 'runsc',
  program: 'runsc',
  joinsCgroup: true,
  adapt: withoutHostKernelParts,
  runArgv: ({ path }, { id, bundleDir, stateDir, logFile }, hasChannel) => [
    ...common(path, stateDir),
    ...['--platform', 'systrap', '--network', 'none', '--log', logFile, '--log-format', 'json'],
    ...['run', '--bundle', bundleDir, ...(hasChannel ? ['--pass-fd', '3:3'] : [])],
    id,
  ],
  deleteArgv: ({ path }, { id, stateDir }) => [...common(path, stateDir), 'delete', '--force', id],
  errorIn: (log) => log,
};

/** gVisor has its own /proc, and refuses what only the host's kernel could do. */
function withoutHostKernelParts(spec: OciSpec): OciSpec {
  return spec;
}
