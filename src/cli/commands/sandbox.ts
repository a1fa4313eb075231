/** `ward sandbox`: runs a program by hand under the policy, and lists violations. Flags of `run` are Docker's own. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const imageSummary = 'a name in the store (python:3.13), oci:DIR[:TAG], or rootfs:DIR';
const commandArgument = {
  name: '[command...]',
  summary: 'the program, after --; without it, the image’s own program',
};

const options: readonly OptionSpec[] = [
  { flags: '-m, --memory <SIZE>', summary: 'maximum memory, without swap: 2g, 512m' },
  { flags: '--cpus <N>', summary: 'processors: 0.5, 2' },
  { flags: '--pids-limit <N>', summary: 'maximum processes and threads' },
  { flags: '--cap-add <NAME>', summary: 'add a capability inside the user namespace', takes: 'many' },
  { flags: '--cap-drop <NAME>', summary: 'drop a capability, or ALL', takes: 'many' },
  { flags: '--read-only', summary: 'make the root read-only (always the case)' },
  {
    flags: '--tmpfs <PATH[:OPTIONS]>',
    summary: 'mount a temporary folder: /scratch:size=64m',
    takes: 'many',
  },
  { flags: '--seccomp <FILE>', summary: 'use another seccomp profile' },
  {
    flags: '--egress <RULE>',
    summary:
      'a destination that the program can connect to: api.example.com:443, 203.0.113.0/24:443, udp:HOST:PORT',
    takes: 'many',
  },
  { flags: '--runtime <NAME>', summary: 'the OCI runtime', choices: ['crun', 'runc', 'runsc'] },
  { flags: '-e, --env <NAME=VALUE>', summary: 'an environment variable', takes: 'many' },
  { flags: '-w, --workdir <DIR>', summary: 'folder to start in' },
  { flags: '-u, --user <UID[:GID]>', summary: 'user inside the sandbox' },
  { flags: '--timeout <DURATION>', summary: 'end the program after this time: 30s, 500ms, 2m' },
];

const run: CommandSpec = {
  name: 'run',
  summary: 'run a program in a sandbox, with its streams and its exit code',
  works: 'local',
  wrapsCommand: true,
  args: [{ name: '<image>', summary: imageSummary }, commandArgument],
  options,
  examples: [
    { command: 'ward sandbox run python:3.13 -- python3 -c "print(1)"', does: 'a runtime image' },
    {
      command: 'ward sandbox run --memory 64m --cpus 0.5 oci:./image -- /bin/app',
      does: 'an image of your own',
    },
    { command: 'ward sandbox run rootfs:/srv/root -- /bin/busybox id', does: 'a folder as its root' },
  ],
  handler: async () => (await import('../handlers/sandbox.ts')).run,
};

const explain: CommandSpec = {
  name: 'explain',
  summary: 'explain the effective policy, with the attack that each mechanism defends against',
  works: 'local',
  wrapsCommand: true,
  args: [{ name: '[image]', summary: imageSummary }, commandArgument],
  options,
  examples: [
    { command: 'ward sandbox explain', does: 'the default policy' },
    { command: 'ward sandbox explain --memory 64m python:3.13', does: 'shows what these flags change' },
  ],
  handler: async () => (await import('../handlers/sandbox.ts')).explain,
};

const violations: CommandSpec = {
  name: 'violations',
  summary: 'list violations, newest first: what sandboxes tried or used beyond their policy (operator)',
  works: 'local',
  dataFolder: 'reads',
  args: [],
  options: [
    { flags: '--namespace <NAME>', summary: 'only of one namespace' },
    {
      flags: '--kind <KIND>',
      summary: 'only of one kind',
      choices: ['seccomp', 'oom', 'pids', 'lsm', 'egress'],
    },
    { flags: '--since <TIME>', summary: 'only since this time: 30m, 12h, 7d, or 2026-01-31T12:00Z' },
    { flags: '-l, --limit <N>', summary: 'list at most N (100)' },
  ],
  examples: [
    { command: 'ward sandbox violations --since 1h', does: 'of the last hour' },
    { command: 'ward sandbox violations --kind seccomp -o json', does: 'as JSON, for a program' },
  ],
  handler: async () => (await import('../handlers/violations.ts')).violations,
};

const learn: CommandSpec = {
  name: 'learn',
  summary:
    'run sample calls of an action here, and write the smallest seccomp profile that they need (operator)',
  works: 'remote',
  args: [{ name: '<action>', summary: 'name of the action' }],
  options: [
    { flags: '-p, --param <KEY VALUE>', summary: 'a parameter of each call', takes: 'pair' },
    {
      flags: '-P, --param-file <FILE>',
      summary: 'a JSON object with parameters of each call (- for standard input)',
    },
    {
      flags: '--calls <FILE>',
      summary: 'the calls: one JSON object with parameters per line (- for standard input)',
    },
    { flags: '--write <FILE>', summary: 'write the profile to this file, in Docker’s format' },
    {
      flags: '--enforce',
      summary: 'store the profile with the action; its sandboxes then allow no other system calls',
    },
    { flags: '--config <FILE>', summary: 'configuration file (YAML) of the server on this machine' },
    { flags: '--data <DIR>', summary: 'data folder of the server' },
  ],
  examples: [
    {
      command: 'ward sandbox learn hello -p name World',
      does: 'shows what one call needs, compared with the default',
    },
    {
      command: 'ward sandbox learn hello --calls samples.ndjson --enforce',
      does: 'from then on, the action has only these system calls',
    },
  ],
  handler: async () => (await import('../handlers/sandbox-learn.ts')).learn,
};

export const sandboxGroup: GroupSpec = {
  name: 'sandbox',
  summary: 'run a program in a locked-down sandbox; see what sandboxes were refused',
  commands: [run, explain, learn, violations],
};
