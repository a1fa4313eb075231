/** `ward api`: the records. Flags are wsk's own. */
import { responseTypes } from '../api-gateway.ts';
import type { CommandSpec, GroupSpec } from '../command-spec.ts';
import { listOptions } from './common-options.ts';

const nameSummary = 'its base path, or its name';

const create: CommandSpec = {
  name: 'create',
  summary: 'serve a web action at a path of its own, or a whole API from its document',
  works: 'remote',
  args: [{ name: '[route...]', summary: '[BASE_PATH] PATH VERB ACTION' }],
  options: [
    { flags: '-n, --apiname <NAME>', summary: 'what to call the API (its base path)' },
    { flags: '-c, --config-file <FILE>', summary: 'an OpenAPI document, JSON or YAML, instead of a route' },
    {
      flags: '--response-type <TYPE>',
      summary: 'what the web action is asked for (json)',
      choices: responseTypes,
    },
  ],
  examples: [
    { command: 'ward api create /shop /books GET list-books', does: 'prints the URL' },
    {
      command: 'ward api create /shop /books/{id} GET get-book --response-type http',
      does: 'with a path parameter',
    },
    { command: 'ward api create --config-file shop.yaml', does: 'from a document' },
  ],
  handler: async () => (await import('../handlers/api.ts')).create,
};

const get: CommandSpec = {
  name: 'get',
  summary: 'show the document of an API',
  works: 'remote',
  args: [{ name: '<name>', summary: nameSummary }],
  options: [
    { flags: '-f, --full', summary: 'what the gateway keeps beside it, too' },
    { flags: '--format <TYPE>', summary: 'how it is printed (json)', choices: ['json', 'yaml'] },
  ],
  examples: [{ command: 'ward api get /shop --format yaml', does: 'to keep it in a file' }],
  handler: async () => (await import('../handlers/api.ts')).get,
};

const partArguments = [
  { name: '[path]', summary: 'only this path below it' },
  { name: '[verb]', summary: 'only this verb of the path' },
];

const list: CommandSpec = {
  name: 'list',
  summary: 'list what is served, and by which action',
  works: 'remote',
  args: [{ name: '[name]', summary: nameSummary }, ...partArguments],
  options: [...listOptions, { flags: '-f, --full', summary: 'every column' }],
  examples: [
    { command: 'ward api list', does: 'all of them' },
    { command: 'ward api list /shop /books', does: 'one path' },
  ],
  handler: async () => (await import('../handlers/api.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'serve an API, a path or a verb no longer',
  works: 'remote',
  args: [{ name: '<name>', summary: nameSummary }, ...partArguments],
  options: [],
  examples: [
    { command: 'ward api delete /shop', does: 'all of it' },
    { command: 'ward api delete /shop /books GET', does: 'one verb' },
  ],
  handler: async () => (await import('../handlers/api.ts')).remove,
};

export const apiGroup: GroupSpec = {
  name: 'api',
  summary: 'the API gateway: web actions at paths of their own',
  commands: [create, get, list, remove],
};
