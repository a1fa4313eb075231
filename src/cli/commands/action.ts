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
    summary: 'nodejs:24, python:3.13, …; told from the file where possible',
    names: 'kind',
  },
  { flags: '--main <NAME>', summary: 'the function to call (main), or a Java action’s class' },
  { flags: '--docker <IMAGE>', summary: 'an image that holds the action' },
  { flags: '--native', summary: 'the file is a program, a shell script, or a zip with one named exec' },
  { flags: '--sequence', summary: 'instead of a file, actions to run one after the other: A,PACKAGE/B' },
  { flags: '--copy', summary: 'instead of a file, an action to copy' },
  ...parameterOptions,
  ...annotationOptions,
  { flags: '-t, --timeout <MS>', summary: 'how long an activation may run, in milliseconds' },
  { flags: '-m, --memory <MB>', summary: 'memory of its sandbox, in MB' },
  { flags: '-l, --logsize <MB>', summary: 'log that is kept of an activation, in MB' },
  { flags: '-c, --concurrency <N>', summary: 'activations that one sandbox may run at once' },
  { flags: '--instances <N>', summary: 'sandboxes that it may have at once' },
  { flags: '--cpus <N>', summary: 'processors of its sandbox: 0.5, 2' },
  { flags: '--disk <MB>', summary: 'size of its sandbox’s /tmp, in MB' },
  {
    flags: '--egress <RULES>',
    summary: 'what it may reach: api.example.com, 203.0.113.0/24:80, with commas between, or none',
  },
  { flags: '--hide-parameters', summary: 'hide all of its parameters, under any name' },
  {
    flags: '--web <MODE>',
    summary: 'whether it is a web action',
    choices: ['yes', 'true', 'raw', 'no', 'false'],
  },
  {
    flags: '--web-secure <SECRET>',
    summary: 'what callers of the web action must send: a text, true (a random number), false (nothing)',
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
      summary: '.js, .ts, .py, .rb, .php, .sh, .jar, .zip, a program, or a folder, which is zipped',
    },
  ],
  options: writeOptions,
  examples: [
    { command: 'ward action create hello examples/hello.js', does: 'a JavaScript function' },
    {
      command: 'ward action create count examples/word-count',
      does: 'a folder; .wardignore says what stays out',
    },
    { command: 'ward action create hello hello.zip --kind nodejs:24 -m 512', does: 'a zip, with 512 MB' },
    { command: 'ward action create hello hello.py -p greeting Hi', does: 'with a default parameter' },
    { command: 'ward action create both --sequence hello,tools/shout', does: 'one after the other' },
    { command: 'ward action create page page.js --web true --web-secure s3cret', does: 'a web action' },
    { command: 'ward action create scan --docker scanner:1 -m 512 --cpus 2', does: 'an image' },
  ],
  handler: async () => (await import('../handlers/action-write.ts')).create,
};

const update: CommandSpec = {
  name: 'update',
  summary: 'change a function, or deploy it if it is new',
  works: 'remote',
  args: [
    nameArgument,
    { name: '[file]', summary: 'new code, a file or a folder; without it the code stays' },
  ],
  options: [
    ...writeOptions,
    { flags: '--del-annotation <KEY>', summary: 'an annotation to remove', takes: 'many' },
  ],
  examples: [
    { command: 'ward action update hello examples/hello.js', does: 'new code' },
    { command: 'ward action update hello --del-annotation web-export', does: 'one annotation less' },
    { command: 'ward action update hello -t 5000', does: 'only another timeout' },
    { command: 'ward action update hello --egress api.example.com', does: 'a way out, over HTTPS' },
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
    { flags: '-r, --url', summary: 'where it can be called' },
    { flags: '--save', summary: 'save its code to a file named after it' },
    { flags: '--save-as <FILE>', summary: 'save its code to FILE' },
  ],
  examples: [
    { command: 'ward action get hello', does: 'what it is' },
    { command: 'ward action get hello limits', does: 'one field' },
    { command: 'ward action get page --url', does: 'a web action’s address' },
    { command: 'ward action get hello --save', does: 'its code, into hello.js' },
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
    { command: 'ward action list -n -o name', does: 'names only, sorted' },
  ],
  handler: async () => (await import('../handlers/action-read.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'delete a function',
  works: 'remote',
  args: [nameArgument],
  options: [],
  examples: [{ command: 'ward action delete hello', does: 'its records stay' }],
  handler: async () => (await import('../handlers/action-write.ts')).remove,
};

const invoke: CommandSpec = {
  name: 'invoke',
  summary: 'run a function',
  works: 'remote',
  args: [nameArgument],
  options: [
    { flags: '-b, --blocking', summary: 'wait for it and show its record' },
    { flags: '-r, --result', summary: 'wait for it and show its result' },
    { flags: '--follow', summary: 'show its log (on stderr) as it comes, however long it runs' },
    ...parameterOptions,
  ],
  examples: [
    { command: 'ward action invoke hello --param name World --result', does: 'wait for its result' },
    { command: 'ward action invoke hello', does: 'do not wait; prints the activation id' },
    {
      command: 'ward action invoke long-job --follow --result',
      does: 'its log as it comes, then its result',
    },
    {
      command: 'echo \'{"name": "World"}\' | ward action invoke hello -P - -r',
      does: 'parameters from a pipe',
    },
  ],
  handler: async () => (await import('../handlers/action-invoke.ts')).invoke,
};

export const actionGroup: GroupSpec = {
  name: 'action',
  summary: 'functions: deploy, change, run',
  commands: [create, update, get, list, remove, invoke],
};
