/**
 * The programs that Ward starts on the host, and their Debian packages. A program counts as installed when it runs
 * and prints the expected text, not when a package of its name is installed.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { probe, runLogged } from './process.mjs';

/** @typedef {{name: string, argv: readonly string[], says?: RegExp, package: string, why: string}} Program */

/** @type {readonly Program[]} */
const programs = [
  { name: 'crun', argv: ['crun', '--version'], package: 'crun', why: 'runs the sandboxes' },
  { name: 'runc', argv: ['runc', '--version'], package: 'runc', why: 'runs them where crun can’t' },
  {
    name: 'runsc',
    argv: ['runsc', '--version'],
    package: 'runsc',
    why: 'runs them on a kernel of their own',
  },
  { name: 'unshare', argv: ['unshare', '--version'], package: 'util-linux', why: 'isolates Ward’s mounts' },
  { name: 'setpriv', argv: ['setpriv', '--version'], package: 'util-linux', why: 'applies Landlock' },
  { name: 'mount', argv: ['mount', '--version'], package: 'mount', why: 'mounts root filesystems' },
  { name: 'socat', argv: ['socat', '-V'], package: 'socat', why: 'reaches ports inside of sandboxes' },
  { name: 'perl', argv: ['perl', '-v'], package: 'perl-base', why: 'connects sandboxes to the API' },
  { name: 'nft', argv: ['nft', '--version'], package: 'nftables', why: 'limits the network of sandboxes' },
  { name: 'ip', argv: ['ip', '-V'], package: 'iproute2', why: 'gives sandboxes network devices' },
  { name: 'pasta', argv: ['pasta', '--version'], package: 'passt', why: 'lets connections of sandboxes out' },
  { name: 'dpkg-deb', argv: ['dpkg-deb', '--version'], package: 'dpkg', why: 'unpacks the bases' },
  { name: 'skopeo', argv: ['skopeo', '--version'], package: 'skopeo', why: 'tests read images with it' },
  {
    name: 'busybox',
    argv: ['busybox'],
    says: /BusyBox v/,
    package: 'busybox-static',
    why: 'tests run it in sandboxes',
  },
];

/** @type {Program} */
const postgres = {
  name: 'postgres',
  // Debian does not put it on the path.
  argv: ['/usr/lib/postgresql/17/bin/postgres', '--version'],
  package: 'postgresql-17',
  why: 'stores the state of tests and benchmarks',
};

/** @type {Program} */
const chromium = {
  name: 'chromium',
  argv: ['chromium', '--version'],
  package: 'chromium',
  why: 'tests and benchmarks look at the console with it',
};

/** Only for `npm test`: clients of the registry, proxies, and engines of a cluster. @type {readonly Program[]} */
const testPrograms = [
  { name: 'buildah', argv: ['buildah', '--version'], package: 'buildah', why: 'tests push with it' },
  { name: 'podman', argv: ['podman', '--version'], package: 'podman', why: 'tests pull with it' },
  { name: 'cosign', argv: ['cosign', 'version'], package: 'cosign', why: 'tests sign and verify with it' },
  {
    name: 'openssl',
    argv: ['openssl', 'version'],
    package: 'openssl',
    why: 'tests certify signers with it',
  },
  { name: 'nginx', argv: ['nginx', '-v'], package: 'nginx', why: 'tests run behind it' },
  { name: 'caddy', argv: ['caddy', 'version'], package: 'caddy', why: 'tests run behind it' },
  { name: 'pebble', argv: ['pebble', '-version'], package: 'pebble', why: 'issues certificates in tests' },
  {
    name: 'redis-server',
    argv: ['redis-server', '--version'],
    package: 'redis-server',
    why: 'test compositions synchronise with it',
  },
  { name: 'oras', argv: ['oras', 'version'], package: 'oras', why: 'tests push files with it' },
  chromium,
  {
    name: 'DejaVu',
    argv: ['/usr/bin/ls', '/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf'],
    package: 'fonts-dejavu-core',
    why: 'is the font of the console in tests',
  },
  postgres,
  {
    name: 'nats-server',
    argv: ['nats-server', '--version'],
    package: 'nats-server',
    why: 'carries the messages of test clusters',
  },
  {
    name: 'moto_server',
    argv: ['/usr/bin/moto_server', '--help'],
    package: 'python3-moto',
    why: 'stores the blobs of test clusters',
  },
  {
    // Debian's python3-moto loads it, and does not depend on it.
    name: 'flask_cors',
    argv: ['/usr/bin/python3', '-c', 'import flask_cors'],
    package: 'python3-flask-cors',
    why: 'lets moto_server start',
  },
  {
    name: 'kustomize',
    argv: ['kustomize', 'version'],
    package: 'kustomize',
    why: 'tests build the manifests with it',
  },
  {
    name: 'systemd-analyze',
    argv: ['systemd-analyze', '--version'],
    package: 'systemd',
    why: 'tests check the units with it',
  },
  {
    name: 'promtool',
    argv: ['promtool', '--version'],
    package: 'promtool',
    why: 'tests check metrics and alert rules with it',
  },
  {
    name: 'prometheus_client',
    argv: ['/usr/bin/python3', '-c', 'import prometheus_client'],
    package: 'python3-prometheus-client',
    why: 'reads metrics in the form of OpenMetrics in tests',
  },
  {
    // This module is in the package that depends on rsyslog.
    name: 'rsyslogd',
    argv: ['/bin/sh', '-c', 'ls /usr/lib/*/rsyslog/lmnsd_gtls.so'],
    package: 'rsyslog-gnutls',
    why: 'takes logs over TLS in tests',
  },
  { name: 'umoci', argv: ['umoci', '--version'], package: 'umoci', why: 'tests make images with it' },
  {
    name: 'pyflakes3',
    argv: ['pyflakes3', '--version'],
    package: 'pyflakes3',
    why: 'tests check attack programs with it',
  },
];

/** Only for `npm run bench`. wrk exits with 1 after printing its version. @type {readonly Program[]} */
const benchPrograms = [
  {
    name: 'wrk',
    argv: ['wrk', '-v'],
    says: /^wrk /,
    package: 'wrk',
    why: 'makes the load of the benchmarks',
  },
  postgres,
  chromium,
];

/**
 * Only for `npm run test:lsm`: an emulated machine, and the programs that create its disks. @type {readonly
 * Program[]}
 */
const lsmPrograms = [
  {
    name: 'qemu-system-x86_64',
    argv: ['qemu-system-x86_64', '--version'],
    package: 'qemu-system-x86',
    why: 'emulates hosts with AppArmor and SELinux',
  },
  {
    name: 'mmdebstrap',
    argv: ['mmdebstrap', '--version'],
    package: 'mmdebstrap',
    why: 'installs a Debian there',
  },
  { name: 'mke2fs', argv: ['mke2fs', '-V'], package: 'e2fsprogs', why: 'makes disks of folders' },
];

/** Loads the profile of sandboxes where AppArmor is on. @type {Program} */
const apparmorParser = {
  name: 'apparmor_parser',
  argv: ['apparmor_parser', '--version'],
  package: 'apparmor',
  why: 'loads the profile of sandboxes',
};

/**
 * Returns the programs that are missing here.
 * @param {{tests: boolean, bench: boolean, lsm: boolean}} scope
 * @returns {Promise<readonly Program[]>}
 */
export async function missingPrograms({ tests, bench, lsm }) {
  const wanted = [
    ...programs,
    ...(appArmorIsOn() ? [apparmorParser] : []),
    ...(tests ? testPrograms : []),
    ...(bench ? benchPrograms : []),
    ...(lsm ? lsmPrograms : []),
  ];
  const found = await Promise.all(
    wanted.map(async ({ argv, says }) => {
      const { code, stdout } = await probe(argv);
      return says === undefined ? code === 0 : says.test(stdout);
    }),
  );
  return wanted.filter((_, index) => !found[index]);
}

/** @param {readonly Program[]} missing */
export function packagesOf(missing) {
  return [...new Set(missing.map((program) => program.package))].sort();
}

/** The commands that a user would type. @param {readonly string[]} packages */
export function installCommands(packages) {
  return ['apt-get update', `apt-get install -y --no-install-recommends ${packages.join(' ')}`];
}

/** True on machines with apt. @returns {Promise<boolean>} */
export async function hasApt() {
  return (await probe(['apt-get', '--version'])).code === 0;
}

/**
 * Installs the packages with apt: one update if the lists are missing or a day old (or if the first try fails,
 * because stale lists name deleted files), one install.
 * @param {readonly string[]} packages
 * @param {readonly string[]} prefix words that make a command run as root
 * @param {string} log
 */
export async function installPackages(packages, prefix, log) {
  const update = () => runLogged([...prefix, 'apt-get', 'update'], { log });
  const install = () =>
    runLogged(
      [
        ...[...prefix, 'sh', '-c', startingNothing, '/usr/sbin/policy-rc.d'],
        ...['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y'],
        ...['--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', ...packages],
      ],
      // A signal during the installation would leave packages that are not configured.
      { log, canEnd: false },
    );
  if (listsAreFresh()) {
    try {
      return await install();
    } catch {
      await update();
    }
  } else await update();
  await install();
}

/**
 * Packages of servers start them, but Ward needs only the programs. Debian runs this file before it starts any
 * service (invoke-rc.d(8)); an existing file of the machine is left alone. A leftover file would prevent every later
 * service from starting. So a Ctrl-C, which a terminal sends to all of these programs, ends none of them, and the
 * file of a killed set-up is removed as well.
 * The name of the file is $0.
 */
export const startingNothing = `
policy=$0
mark='# Ward’s set-up made this, for as long as it installs packages.'
trap '' INT TERM HUP
if [ ! -e "$policy" ] || [ "$(cat "$policy")" = "$(printf '#!/bin/sh\\n%s\\nexit 101' "$mark")" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\n%s\\nexit 101\\n' "$mark" > "$policy" && chmod 755 "$policy"
fi
"$@"`;

function appArmorIsOn() {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').trim() === 'Y';
  } catch {
    return false;
  }
}

function listsAreFresh() {
  const folder = '/var/lib/apt/lists';
  try {
    const isFilled = readdirSync(folder).some((name) => name.includes('_Packages'));
    return isFilled && Date.now() - statSync(folder).mtimeMs < 86_400_000;
  } catch {
    return false;
  }
}
