/** `ward sandbox`: run a program by hand under the policy, and see what sandboxes were refused. Flags of `run` are Docker's own. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';

const imageSummary = 'a name in the store (python:3.13), oci:DIR[:TAG], or rootfs:DIR';
const commandArgument = {
  name: '[command...]',
  summary: 'the program, after --; without it, the image’s own',
};

const options: readonly OptionSpec[] = [
  { flags: '-m, --memory <SIZE>', summary: 'memory, without swap: 2g, 512m' },
  { flags: '--cpus <N>', summary: 'processors: 0.5, 2' },
  { flags: '--pids-limit <N>', summary: 'processes and threads' },
  { flags: '--cap-add <NAME>', summary: 'a capability inside its user namespace', takes: 'many' },
  { flags: '--cap-drop <NAME>', summary: 'a capability not to have, or ALL', takes: 'many' },
  { flags: '--read-only', summary: 'a read-only root (which it always is)' },
  { flags: '--tmpfs <PATH[:OPTIONS]>', summary: 'a temporary folder: /scratch:size=64m', takes: 'many' },
  { flags: '--seccomp <FILE>', summary: 'another seccomp profile' },
  {
    flags: '--egress <RULE>',
    summary: 'what it may reach: api.example.com:443, 203.0.113.0/24:443, udp:HOST:PORT',
    takes: 'many',
  },
  { flags: '--runtime <NAME>', summary: 'the OCI runtime', choices: ['crun', 'runc', 'runsc'] },
  { flags: '-e, --env <NAME=VALUE>', summary: 'an environment variable', takes: 'many' },
  { flags: '-w, --workdir <DIR>', summary: 'folder to start in' },
  { flags: '-u, --user <UID[:GID]>', summary: 'user inside the sandbox' },
  { flags: '--timeout <DURATION>', summary: 'ends it after 30s, 500ms, 2m' },
];

const run: CommandSpec = {
  name: 'run',
  summary: 'run a program in a sandbox; its streams and exit code pass through',
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
  summary: 'the effective policy in words, with the attack that each mechanism answers',
  works: 'local',
  wrapsCommand: true,
  args: [{ name: '[image]', summary: imageSummary }, commandArgument],
  options,
  examples: [
    { command: 'ward sandbox explain', does: 'the default policy' },
    { command: 'ward sandbox explain --memory 64m python:3.13', does: 'what these flags change' },
  ],
  handler: async () => (await import('../handlers/sandbox.ts')).explain,
};

const violations: CommandSpec = {
  name: 'violations',
  summary:
    'list what sandboxes tried or used up that their policy does not let them, newest first (operator)',
  works: 'local',
  args: [],
  options: [
    { flags: '--namespace <NAME>', summary: 'of one namespace' },
    { flags: '--kind <KIND>', summary: 'of one kind', choices: ['seccomp', 'oom', 'pids', 'lsm', 'egress'] },
    { flags: '--since <TIME>', summary: 'not older: 30m, 12h, 7d, or 2026-01-31T12:00Z' },
    { flags: '-l, --limit <N>', summary: 'at most N (100)' },
  ],
  examples: [
    { command: 'ward sandbox violations --since 1h', does: 'of the last hour' },
    { command: 'ward sandbox violations --kind seccomp -o json', does: 'for a program' },
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
      summary: 'a JSON object with parameters of each call; - is standard input',
    },
    {
      flags: '--calls <FILE>',
      summary: 'the calls: one JSON object with parameters a line; - is standard input',
    },
    { flags: '--write <FILE>', summary: 'write the profile there, in Docker’s format' },
    { flags: '--enforce', summary: 'store the profile with the action, whose sandboxes then have no more' },
    { flags: '--config <FILE>', summary: 'configuration file (YAML) of this machine’s server' },
    { flags: '--data <DIR>', summary: 'its data folder' },
  ],
  examples: [
    { command: 'ward sandbox learn hello -p name World', does: 'what one call needs, beside the default' },
    {
      command: 'ward sandbox learn hello --calls samples.ndjson --enforce',
      does: 'from then on it has no more',
    },
  ],
  handler: async () => (await import('../handlers/sandbox-learn.ts')).learn,
};

export const sandboxGroup: GroupSpec = {
  name: 'sandbox',
  summary: 'run a program by hand, locked down; see what sandboxes were refused',
  commands: [run, explain, learn, violations],
};
