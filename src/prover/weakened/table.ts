/**
 * Lists for each technique the controls that must be removed before it gets through: its own first, then every other
 * one that would stop it. The user namespace stays. It also lists techniques that do not run this way, with the reason.
 * `npm test` runs some of the rows, `ward prove --weakened` all of them.
 */
import type { Removal } from './removals.ts';

interface Weakening {
  readonly without: readonly Removal[];
  /** The reason why it is not run without its controls. */
  readonly leftOut?: string;
}

interface Row {
  readonly without: readonly Removal[];
  /** Lines of names, separated by blanks. */
  readonly techniques: readonly string[];
}

const rows: readonly Row[] = [
  { without: ['ipc-namespace'], techniques: ['host-namespace-ipc'] },
  { without: ['network-namespace'], techniques: ['host-namespace-net interfaces'] },
  { without: ['cgroup-namespace'], techniques: ['host-namespace-cgroup'] },
  { without: ['cpu-limit'], techniques: ['cpu-spin-counted cpu-spin'] },
  {
    without: ['hidden-proc'],
    techniques: [
      'proc-kernel-keys proc-interrupt-counts proc-kernel-objects proc-machine-map proc-boot-parameters',
      'proc-boot-identity proc-host-load',
    ],
  },
  {
    without: ['landlock'],
    techniques: [
      'landlock-widen landlock-detour oom-score-lower dirty-cow self-mem-write self-login-uid',
      'other-environments tenant-cpu',
    ],
  },
  {
    without: ['memory-limit'],
    techniques: [
      'memory-bomb memory-shared memory-processes memory-tmpfs memory-page-tables memory-socket-buffers',
      'memory-tcp memory-udp memory-tcp-unaccepted memory-netlink',
    ],
  },
  {
    without: ['minimal-dev'],
    techniques: [
      'device-terminals device-memory device-ports device-kernel-log device-console device-disks',
      'device-loop device-device-mapper device-fuse device-virtual-machines device-network-tunnel',
      'device-input device-graphics device-userfaults device-buses device-processors device-chips',
      'device-inodes tenant-device-locks',
    ],
  },
  {
    without: ['mount-namespace'],
    techniques: ['host-file climb-out symbolic-links host-paths sys-kernel-modules host-secrets'],
  },
  {
    without: ['no-capabilities'],
    techniques: ['capset-all capabilities-held interface-create low-port'],
  },
  { without: ['pids-limit'], techniques: ['fork-bomb thread-bomb zombie-bomb'] },
  { without: ['read-only-root'], techniques: ['root-attributes self-exe-overwrite'] },
  {
    without: ['resource-limits'],
    techniques: [
      'rlimit-raise signal-flood file-size descriptor-flood descriptors-in-flight',
      'core-handler',
      'unix-in-flight',
    ],
  },
  {
    without: ['seccomp'],
    techniques: [
      'mount-api-fsconfig unshare-user clone-user-namespace clone-high-bits clone3-namespaces',
      'clone3-into-cgroup process-name-forge seccomp-disable seccomp-listener personality ptrace-self',
      'ptrace-child ptrace-parent process-vm-readv process-vm-writev pidfd-getfd kcmp process-mrelease',
      'io-priority perf-event userfaultfd io-uring-enter io-uring-register keyring-add keyring-join',
      'keyring-request handle-name fanotify quotactl quotactl-fd sysfs-call lsm-attribute splice-file',
      'tee-pipe vmsplice-pages sendfile-pipe sendfile-socket memfd-create memfd-exec memfd-secret execveat',
      'memory-policy move-pages migrate-pages abi-int80 abi-socketcall abi-far-jump segment-descriptors',
      'terminal-paste attribute-user cpu-pin huge-pages page-merging cache-evict cache-probe disk-flush',
      'pipe-enlarge sysv-shared-memory sysv-semaphores sysv-messages keyring-flood socket-protocol',
      'socketpair-family socket-vsock socket-rxrpc socket-can socket-bluetooth socket-cluster',
      'socket-key-management socket-xdp socket-forgotten netlink-firewall netlink-ipsec netlink-audit',
      'netlink-devices netlink-diagnosis netlink-generic netlink-cryptography socket-filter uselib',
      'dirty-pipe copy-fail abi-x32 abi-x32-mount',
      'core-limit-lower tcp-signatures tcp-upper-protocols udp-encapsulation udp-segmentation ipv6-extension-headers tcp-zero-copy-receive unix-out-of-band unix-out-of-band-receive futex-priority futex-requeue-priority thread-features',
      'memory-error-queue flow-labels multicast-memberships',
      'speculation-ask syscall-dispatch time-stamp-counter machine-checks timer-slack reaper-become core-cookie file-flags-stdin file-flags-image',
    ],
  },
  { without: ['time-namespace'], techniques: ['host-namespace-time host-uptime'] },
  {
    without: ['tmpfs-limit'],
    techniques: [
      'exec-tmp exec-shm exec-binary exec-nameless exec-by-loader exec-mapping fill-tmp fill-shm inodes-tmp',
      'inodes-shm',
    ],
  },
  { without: ['user-namespace'], techniques: ['tenant-user'] },
  { without: ['uts-namespace'], techniques: ['host-namespace-uts'] },
  { without: ['landlock', 'hidden-proc'], techniques: ['proc-pressure-trigger'] },
  { without: ['landlock', 'minimal-dev'], techniques: ['device-replace'] },
  {
    without: ['landlock', 'network-namespace'],
    techniques: [
      'tenant-abstract-socket tenant-loopback host-loopback-v4 host-loopback-v6 host-abstract-socket',
      'reach-in',
    ],
  },
  { without: ['landlock', 'no-capabilities'], techniques: ['self-setgroups'] },
  {
    without: ['landlock', 'read-only-root'],
    techniques: ['root-write root-change preload code-write hard-links'],
  },
  { without: ['resource-limits', 'user-namespace'], techniques: ['tenant-pipes-quota'] },
  { without: ['seccomp', 'ipc-namespace'], techniques: ['tenant-shared-memory'] },
  { without: ['seccomp', 'minimal-dev'], techniques: ['terminal-flood'] },
  {
    without: ['seccomp', 'no-capabilities'],
    techniques: [
      'chroot mount-api-fsopen mount-api-fsmount mount-api-fspick mount-api-open-tree mount-api-setattr',
      'unshare-mnt unshare-net unshare-pid unshare-ipc unshare-uts unshare-cgroup unshare-time',
      'clone-namespaces setns-init setns-pidfd setuid-root setresuid-other setgid-root setgroups-drop',
      'capability-ambient secure-bits reboot host-name domain-name file-capability attribute-security',
      'socket-packet socket-high-bits interface-change',
      'filter-table socket-options',
    ],
  },
  { without: ['seccomp', 'resource-limits'], techniques: ['memory-lock tenant-watches-quota'] },
  { without: ['seccomp', 'landlock', 'minimal-dev'], techniques: ['terminal-inject'] },
  {
    without: ['seccomp', 'landlock', 'no-capabilities'],
    techniques: [
      'mount-tmpfs mount-proc mount-remount-root mount-remount-exec mount-bind mount-propagation',
      'mount-cgroup mount-overlay umount-proc abi-negative-number socket-raw',
    ],
  },
  {
    without: ['seccomp', 'landlock', 'no-new-privileges'],
    techniques: ['no-new-privileges-unset setuid-files'],
  },
  {
    without: ['seccomp', 'landlock', 'resource-limits'],
    techniques: ['io-uring-setup timer-flood message-queues'],
  },
  { without: ['seccomp', 'landlock', 'no-capabilities', 'hidden-proc'], techniques: ['proc-sysctl-network'] },
  { without: ['seccomp', 'landlock', 'no-capabilities', 'minimal-dev'], techniques: ['mount-api-move'] },
  { without: ['seccomp', 'landlock', 'no-capabilities', 'mount-namespace'], techniques: ['other-roots'] },
  { without: ['seccomp', 'landlock', 'no-capabilities', 'tmpfs-limit'], techniques: ['pivot-root'] },
  { without: ['seccomp', 'landlock', 'resource-limits', 'memory-limit'], techniques: ['memory-pipes'] },
  {
    without: ['seccomp', 'landlock', 'no-capabilities', 'hidden-proc', 'mount-namespace'],
    techniques: ['sys-firmware sys-kernel-notes sys-debug'],
  },
  {
    without: ['seccomp', 'landlock', 'no-capabilities', 'read-only-root', 'mount-namespace'],
    techniques: ['disk-flood'],
  },
  {
    without: ['seccomp', 'landlock', 'no-new-privileges', 'tmpfs-limit', 'resource-limits'],
    techniques: ['setuid-made'],
  },
  { without: ['no-write-execute'], techniques: ['write-execute-map write-execute-protect'] },
  { without: ['tmpfs-limit', 'no-write-execute'], techniques: ['write-execute-file'] },
];

const leftOut: Readonly<Record<string, readonly string[]>> = {
  'its escape would change or open the host: the sandbox’s root would have to be the host’s own': [
    'process-madvise scheduler-realtime scheduler-deadline bpf-map bpf-program handle-open lookup-dcookie',
    'module-init module-finit module-delete kexec-load kexec-file-load swap-on swap-off',
    'clock-settimeofday clock-settime clock-adjtimex clock-adjtime accounting kernel-log io-privilege',
    'io-ports hang-up mount-fuse attribute-trusted sys-uevent-helper sys-power-state sys-page-merging',
    'sys-devices sys-release-agent sys-cgroup-limits sys-cgroup-devices sys-cgroup-freeze sys-energy',
    'page-frames kernel-stack device-times null-chmod null-chown priority-raise map-page-zero proc-core-pattern',
    'proc-sysrq proc-modprobe-path proc-hotplug-path proc-binfmt-register proc-sysctl-kernel',
    'proc-sysctl-memory proc-sysctl-files proc-irq-affinity proc-memory-registers proc-pci-configuration',
    'proc-kernel-memory proc-kernel-timers proc-scheduler-state proc-kernel-messages proc-page-flags',
    'proc-kernel-symbols mknod-character mknod-memory mknod-block',
  ],
  'it would have to run among the host’s own processes and descriptors': [
    'host-namespace-mnt host-namespace-pid host-namespace-user network-settings runtime-exe',
    'leaked-descriptors control-sockets',
  ],
  'a setting of its network namespace also refuses it': ['socket-ping'],
  'it would send packets out of the host': [
    'reach-metadata reach-private reach-internet reach-link-local reach-datagrams',
    'resolve-names',
  ],
  'its control is code of Ward, which has its own tests': [
    'working-directory image-dev-link image-proc-link image-sys-link image-tmp-link image-fn-link',
    'image-ward-link image-passwd-pipe frame-garbage frame-endless frame-empty frame-cut',
    'frame-other-activation frame-unknown frame-init frame-text frame-invalid-utf8 frame-deep frame-large',
    'channel-close frame-twice frame-prototype log-flood log-endless-line log-empty-lines',
    'log-both-streams sentinel-own sentinel-other sentinel-half log-after-answer log-close',
    'work-after-response work-after-response-process ignore-signals outlive-end end-runner leftovers',
    'host-environment api-key api-no-key api-forged-key api-foreign-key api-foreign-entities',
    'api-lesser-key api-other-routes api-path-tricks api-headers api-smuggling api-large-head',
    'api-relay-end api-other-sockets api-connections api-frozen archive-link archive-through-link',
    'archive-climb archive-absolute archive-bomb archive-special',
    'leftover-process leftover-thread leftover-abstract-socket leftover-port leftover-descriptor leftover-environment leftover-module leftover-search-path leftover-signal-handler leftover-limits frozen-spin frozen-fork frozen-vfork frozen-stopped frozen-end thaw-timers',
  ],
  'it starts outside any sandbox and brings its own control: root, or a request that the keeper grants': [
    'server-keeper-memory server-keeper-environment server-keeper-root server-keeper-vm-read',
    'server-keeper-trace server-keeper-descriptor server-keeper-signal server-namespace-of-keeper',
    'server-stranger-signal server-stranger-file server-shadow server-kept-folder',
    'server-shared-folder server-kernel-setting server-mount server-namespace-user',
    'server-namespace-mount server-root-folder server-module server-kexec server-bpf server-perf',
    'server-file-handle server-become-root server-groups server-device server-raw-packets',
    'server-priority',
    'scan-namespace-user scan-network scan-socket scan-memory-file scan-shadow scan-stranger-file',
    'scan-shared-folder scan-keeper-trace scan-keeper-signal scan-stranger-signal scan-process',
    'unpacker-namespace-user unpacker-network unpacker-socket unpacker-memory-file unpacker-shadow',
    'unpacker-stranger-file unpacker-shared-folder unpacker-keeper-trace unpacker-keeper-signal',
    'unpacker-stranger-signal',
    'server-ask-memory server-ask-cpus server-ask-programs-in-tmpfs server-ask-egress',
    'server-ask-calls server-ask-capability server-ask-user server-ask-policy server-ask-process',
    'server-ask-root-path server-ask-code-path server-ask-port-path server-ask-no-port',
    'server-ask-endless-line server-ask-other-root server-ask-folder-outside server-ask-layer-outside',
    'server-ask-layer-link server-ask-other-sandbox server-door-secret server-door-run',
  ],
  'it starts in a node of a cluster, and first does what the node may': [
    'node-hear-jobs node-hear-answers node-hear-everything node-answer-for-another node-report-for-another',
    'node-report-as-api node-give-jobs node-speak-to-all node-claim-other-name node-begin-unsent-job',
    'node-follow-log node-list-blobs node-open-api node-reuse-proof node-join-again node-forge-token',
    'node-forge-certificate',
  ],
  'its two sandboxes would have to share the host’s processes or files': [
    'working-directory-link runtime-as-program image-device-links image-proc-files image-device-nodes',
    'image-setuid dentry-flood tenant-processes tenant-signals tenant-files-tmp tenant-files-shm',
    'tenant-keyrings tenant-memory tenant-watch tenant-watch-folder host-path-socket code-change',
  ],
};

const table: ReadonlyMap<string, Weakening> = new Map<string, Weakening>([
  ...rows.flatMap(({ without, techniques }) =>
    wordsOf(techniques).map((name) => [name, { without }] as const),
  ),
  ...Object.entries(leftOut).flatMap(([why, names]) =>
    wordsOf(names).map((name) => [name, { without: [], leftOut: why }] as const),
  ),
]);

/** In the order of the table. */
export const weakenedNames: readonly string[] = [
  ...rows.flatMap(({ techniques }) => wordsOf(techniques)),
  ...Object.values(leftOut).flatMap(wordsOf),
];

/** Leaves out a technique that the table lacks. */
export function weakeningOf(name: string): Weakening {
  return table.get(name) ?? { without: [], leftOut: 'the table does not have it yet' };
}

function wordsOf(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(' '));
}
