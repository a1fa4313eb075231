/**
 * gVisor's runsc: its own kernel in user space stands between the program and the host's kernel. It would remove the
 * control groups that it made before Ward could read them, so Ward makes them and runsc joins.
 *
 * A sandbox with egress rules uses the host kernel's network stack, in the namespace that was made for it alone.
 * gVisor's own stack would mistake that namespace for the host's on kernels that show net.core.rmem_default in each
 * (6.10).
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
 * Adapts a profile to gVisor's filter. It knows only the older name of the kill action. It answers EPERM even if a rule
 * names another errno, so that libc wouldn't fall back from `clone3`. It compares `clone` flags wrongly. Both calls are
 * allowed there: the namespaces that they make belong to the sandboxed kernel and give nothing on the host. So are all
 * calls that get an errno of their own elsewhere: that kernel lacks them, or copies pages where the host's shares them.
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
 * Calls that concern only gVisor's kernel, allowed with any arguments: its filter has room for 4,096 instructions and
 * needs some for each value.
 */
const ownCalls = new Set([
  ...['clone', 'futex', 'arch_prctl', 'setrlimit', 'prlimit64'],
  ...['setsockopt', 'getsockopt'],
]);

/** A call that a custom profile refuses with an errno gets the default errno instead. */
function harmlessOf({ names, args }: OciSyscallRule): OciSyscallRule[] {
  if (args !== undefined) return [{ names, action: 'SCMP_ACT_ALLOW', args }];
  return allow(names.filter((name) => typeof strictProfile.refuse.get(name) === 'object'));
}

function allow(names: readonly string[]): OciSyscallRule[] {
  return names.length === 0 ? [] : [{ names, action: 'SCMP_ACT_ALLOW' }];
}

/**
 * gVisor refuses writes even to /dev/null on a read-only tmpfs, so /dev is writable; the folder still belongs to root.
 */
function writableDevices(mount: OciMount): OciMount {
  if (mount.destination !== '/dev') return mount;
  return { ...mount, options: mount.options.filter((option) => option !== 'ro') };
}
