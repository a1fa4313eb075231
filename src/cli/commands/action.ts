/** `ward action`: the records. Flags are wsk's own. */
import type { CommandSpec, GroupSpec, OptionSpec } from '../command-spec.ts';
import {
  annotationOptions,
  fieldArgument,
  listOptions,
  parameterOptions,
  secretsOption,
  summaryOption,
} from './common-options.ts';

const nameArgument = {
  name: '<name>',
  summary: 'NAME, PACKAGE/NAME or /NAMESPACE/[PACKAGE/]NAME',
  names: 'action',
} as const;

const writeOptions: readonly OptionSpec[] = [
  {
    flags: '--kind <KIND>',
    summary: 'nodejs:24, python:3.13, …; without it, from the file where possible',
    names: 'kind',
  },
  { flags: '--main <NAME>', summary: 'the function to call (main), or a Java action’s class' },
  { flags: '--docker <IMAGE>', summary: 'the image that contains the action' },
  {
    flags: '--native',
    summary: 'the file is a program, a shell script, or a zip with a program named exec',
  },
  { flags: '--sequence', summary: '[file] lists actions to run one after the other: A,PACKAGE/B' },
  { flags: '--copy', summary: '[file] is an action to copy' },
  ...parameterOptions,
  ...annotationOptions,
  { flags: '-t, --timeout <MS>', summary: 'maximum run time of an activation, in milliseconds' },
  { flags: '-m, --memory <MB>', summary: 'memory of the sandbox, in MB' },
  { flags: '-l, --logsize <MB>', summary: 'maximum log of an activation, in MB' },
  { flags: '-c, --concurrency <N>', summary: 'maximum activations that one sandbox runs at once' },
  { flags: '--instances <N>', summary: 'maximum sandboxes of the action at once' },
  { flags: '--cpus <N>', summary: 'processors of the sandbox: 0.5, 2' },
  { flags: '--disk <MB>', summary: 'size of the sandbox’s /tmp, in MB' },
  {
    flags: '--egress <RULES>',
    summary:
      'comma-separated destinations that the action can connect to: api.example.com, 203.0.113.0/24:80; or none',
  },
  { flags: '--hide-parameters', summary: 'hide all parameters of the action, under any name' },
  {
    flags: '--web <MODE>',
    summary: 'whether the action is a web action',
    choices: ['yes', 'true', 'raw', 'no', 'false'],
  },
  {
    flags: '--web-secure <SECRET>',
    summary:
      'the secret that callers of the web action must send: a text, true (a random number), or false (none)',
  },
];

const create: CommandSpec = {
  name: 'create',
  summary: 'deploy a function',
  works: 'remote',
  args: [
    nameArgument,
    {
      name: '[file]',
      summary: '.js, .ts, .py, .rb, .php, .sh, .jar, .zip, a program, or a folder, which ward zips',
    },
  ],
  options: writeOptions,
  examples: [
    { command: 'ward action create hello examples/hello.js', does: 'deploys a JavaScript function' },
    {
      command: 'ward action create count examples/word-count',
      does: 'deploys a folder; .wardignore lists what to leave out',
    },
    {
      command: 'ward action create hello hello.zip --kind nodejs:24 -m 512',
      does: 'deploys a zip, with 512 MB of memory',
    },
    { command: 'ward action create hello hello.py -p greeting Hi', does: 'sets a default parameter' },
    {
      command: 'ward action create both --sequence hello,tools/shout',
      does: 'runs two actions one after the other',
    },
    {
      command: 'ward action create page page.js --web true --web-secure s3cret',
      does: 'deploys a web action',
    },
    { command: 'ward action create scan --docker scanner:1 -m 512 --cpus 2', does: 'deploys an image' },
  ],
  handler: async () => (await import('../handlers/action-write.ts')).create,
};

const update: CommandSpec = {
  name: 'update',
  summary: 'change a function, or deploy it if it is new',
  works: 'remote',
  args: [
    nameArgument,
    { name: '[file]', summary: 'new code: a file or a folder; without it, the code stays' },
  ],
  options: [
    ...writeOptions,
    { flags: '--del-annotation <KEY>', summary: 'an annotation to remove', takes: 'many' },
  ],
  examples: [
    { command: 'ward action update hello examples/hello.js', does: 'changes the code' },
    { command: 'ward action update hello --del-annotation web-export', does: 'removes an annotation' },
    { command: 'ward action update hello -t 5000', does: 'changes only the timeout' },
    {
      command: 'ward action update hello --egress api.example.com',
      does: 'lets the action connect to one host over HTTPS',
    },
  ],
  handler: async () => (await import('../handlers/action-write.ts')).update,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show a function',
  works: 'remote',
  args: [nameArgument, fieldArgument],
  options: [
    summaryOption,
    secretsOption,
    { flags: '-r, --url', summary: 'show the URL of the action' },
    { flags: '--save', summary: 'save the code to a file with the action’s name' },
    { flags: '--save-as <FILE>', summary: 'save the code to FILE' },
  ],
  examples: [
    { command: 'ward action get hello', does: 'shows the action' },
    { command: 'ward action get hello limits', does: 'shows one field' },
    { command: 'ward action get page --url', does: 'shows the URL of a web action' },
    { command: 'ward action get hello --save', does: 'saves the code to hello.js' },
  ],
  handler: async () => (await import('../handlers/action-read.ts')).get,
};

const list: CommandSpec = {
  name: 'list',
  summary: 'list functions',
  works: 'remote',
  args: [{ name: '[scope]', summary: '/NAMESPACE, PACKAGE or /NAMESPACE/PACKAGE', names: 'package' }],
  options: listOptions,
  examples: [
    { command: 'ward action list', does: 'the newest 30' },
    { command: 'ward action list -n -o name', does: 'only the names, sorted' },
  ],
  handler: async () => (await import('../handlers/action-read.ts')).list,
};

const diff: CommandSpec = {
  name: 'diff',
  summary: 'show what the last change of the code changed',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [
    { command: 'ward action diff hello', does: 'lines, or files of a zip, since the last revision' },
    { command: 'ward action diff hello -o json', does: 'the same for programs' },
  ],
  handler: async () => (await import('../handlers/action-earlier.ts')).diff,
};

const revert: CommandSpec = {
  name: 'revert',
  summary: 'put back the code that the last change replaced',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [
    { command: 'ward action revert hello', does: 'deploys the last revision’s code; settings stay' },
  ],
  handler: async () => (await import('../handlers/action-earlier.ts')).revert,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'delete a function',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward action delete hello', does: 'the activation records stay' }],
  handler: async () => (await import('../handlers/action-write.ts')).remove,
};

const invoke: CommandSpec = {
  name: 'invoke',
  summary: 'run a function',
  works: 'remote',
  args: [nameArgument],
  options: [
    { flags: '-b, --blocking', summary: 'wait for the action and show the activation record' },
    { flags: '-r, --result', summary: 'wait for the action and show its result' },
    { flags: '--follow', summary: 'show the log on stderr while the action runs, however long that takes' },
    ...parameterOptions,
  ],
  examples: [
    { command: 'ward action invoke hello --param name World --result', does: 'waits for the result' },
    { command: 'ward action invoke hello', does: 'does not wait; prints the activation id' },
    {
      command: 'ward action invoke long-job --follow --result',
      does: 'shows the log while the action runs, then the result',
    },
    {
      command: 'echo \'{"name": "World"}\' | ward action invoke hello -P - -r',
      does: 'reads parameters from a pipe',
    },
  ],
  handler: async () => (await import('../handlers/action-invoke.ts')).invoke,
};

export const actionGroup: GroupSpec = {
  name: 'action',
  summary: 'deploy, change and run functions',
  commands: [create, update, get, list, diff, revert, remove, invoke],
};
