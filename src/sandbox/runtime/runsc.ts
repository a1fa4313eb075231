/**
 * gVisor's runsc: a kernel of its own in user space stands between the program and the host's. It removes the
 * control groups that it made before anybody could read them, so Ward makes them and runsc joins.
 *
 * A sandbox that may reach something uses the host kernel's network stack, in the namespace that was made for it
 * alone: gVisor's own one mistakes that for the host's on kernels that show net.core.rmem_default in each (6.10).
 */

import type { OciMount, OciSeccomp, OciSyscallRule } from '../oci-config.ts';
import { strictProfile } from '../seccomp/profile.ts';
import { errorsInJsonLog } from './log.ts';
import type { RuntimeDriver } from './types.ts';

const common = (path: string, stateDir: string) => [path, '--root', stateDir];

export const runsc: RuntimeDriver = {
  name: 'runsc',
  program: 'runsc',
  joinsCgroup: true,
  ownsNetwork: true,
  keepsClocks: () => false,
  adapt: (spec) => ({
    ...spec,
    mounts: spec.mounts.map(writableDevices),
    linux: { ...spec.linux, seccomp: forGvisor(spec.linux.seccomp) },
  }),
  runArgv: ({ path }, { id, bundleDir, stateDir, logFile, hasNetwork }, hasChannel) => [
    ...(hasNetwork ? ['nsenter', `--net=${bundleDir}/net`, '--'] : []),
    ...common(path, stateDir),
    ...['--platform', 'systrap', '--network', hasNetwork ? 'host' : 'none', '--oci-seccomp'],
    ...['--log', logFile, '--log-format', 'json'],
    ...['run', '--bundle', bundleDir, ...(hasChannel ? ['--pass-fd', '3:3'] : [])],
    id,
  ],
  stateOf: () => undefined,
  deleteArgv: ({ path }, { id, stateDir }) => [...common(path, stateDir), 'delete', '--force', id],
  errorIn: errorsInJsonLog,
};

/**
 * What gVisor's filter takes: it has the older name of the kill action only, answers EPERM whatever errno a rule
 * names, so that libc wouldn't fall back from `clone3`, and looks at `clone` flags wrongly. Both calls are
 * allowed there: the namespaces that they could make are the sandboxed kernel's own and give nothing on the
 * host. So are all that get an errno of their own elsewhere: that kernel doesn't have them, or copies where the
 * host's shares its pages.
 */
function forGvisor(seccomp: OciSeccomp): OciSeccomp {
  const isOwn = ({ names, action, args }: OciSyscallRule) =>
    action === 'SCMP_ACT_ALLOW' && args !== undefined && names.every((name) => ownCalls.has(name));
  const own = seccomp.syscalls.filter(isOwn).flatMap(({ names }) => names);
  const syscalls = seccomp.syscalls.flatMap((rule): OciSyscallRule[] => {
    if (rule.action === 'SCMP_ACT_KILL_PROCESS') return [{ ...rule, action: 'SCMP_ACT_KILL' }];
    if (rule.errnoRet !== undefined) return harmlessOf(rule);
    return isOwn(rule) ? [] : [rule];
  });
  return { ...seccomp, syscalls: [...syscalls, ...allow([...new Set(own)])] };
}

/**
 * Calls that concern only that kernel, allowed with any arguments: its filter has room for 4,096 instructions, and needs
 * some for each value.
 */
const ownCalls = new Set([
  ...['clone', 'futex', 'arch_prctl', 'setrlimit', 'prlimit64'],
  ...['setsockopt', 'getsockopt'],
]);

/** A call that a custom profile refuses with an errno gets the errno of all calls that are not named. */
function harmlessOf({ names, args }: OciSyscallRule): OciSyscallRule[] {
  if (args !== undefined) return [{ names, action: 'SCMP_ACT_ALLOW', args }];
  return allow(names.filter((name) => typeof strictProfile.refuse.get(name) === 'object'));
}

function allow(names: readonly string[]): OciSyscallRule[] {
  return names.length === 0 ? [] : [{ names, action: 'SCMP_ACT_ALLOW' }];
}

/** On gVisor's read-only tmpfs not even /dev/null can be written. Its folder belongs to root all the same. */
function writableDevices(mount: OciMount): OciMount {
  if (mount.destination !== '/dev') return mount;
  return { ...mount, options: mount.options.filter((option) => option !== 'ro') };
}
