/** `ward api`: the records. Flags are wsk's own. */
import { responseTypes } from '../api-gateway.ts';
import type { CommandSpec, GroupSpec } from '../command-spec.ts';
import { listOptions } from './common-options.ts';

const nameSummary = 'its base path, or its name';

const create: CommandSpec = {
  name: 'create',
  summary: 'serve a web action at its own path, or a whole API from its document',
  works: 'remote',
  args: [{ name: '[route...]', summary: '[BASE_PATH] PATH VERB ACTION' }],
  options: [
    { flags: '-n, --apiname <NAME>', summary: 'name of the API (its base path)' },
    { flags: '-c, --config-file <FILE>', summary: 'an OpenAPI document, JSON or YAML, instead of a route' },
    {
      flags: '--response-type <TYPE>',
      summary: 'response type of the web action (json)',
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
    { flags: '-f, --full', summary: 'also show the gateway’s own data about it' },
    { flags: '--format <TYPE>', summary: 'output format (json)', choices: ['json', 'yaml'] },
  ],
  examples: [{ command: 'ward api get /shop --format yaml', does: 'as YAML, to keep it in a file' }],
  handler: async () => (await import('../handlers/api.ts')).get,
};

const partArguments = [
  { name: '[path]', summary: 'only this path below the base path' },
  { name: '[verb]', summary: 'only this verb of the path' },
];

const list: CommandSpec = {
  name: 'list',
  summary: 'list paths, and the actions that serve them',
  works: 'remote',
  args: [{ name: '[name]', summary: nameSummary }, ...partArguments],
  options: [...listOptions, { flags: '-f, --full', summary: 'show every column' }],
  examples: [
    { command: 'ward api list', does: 'all APIs' },
    { command: 'ward api list /shop /books', does: 'one path' },
  ],
  handler: async () => (await import('../handlers/api.ts')).list,
};

const remove: CommandSpec = {
  name: 'delete',
  summary: 'stop serving an API, a path or a verb',
  works: 'remote',
  args: [{ name: '<name>', summary: nameSummary }, ...partArguments],
  options: [],
  examples: [
    { command: 'ward api delete /shop', does: 'deletes the whole API' },
    { command: 'ward api delete /shop /books GET', does: 'deletes one verb' },
  ],
  handler: async () => (await import('../handlers/api.ts')).remove,
};

export const apiGroup: GroupSpec = {
  name: 'api',
  summary: 'the API gateway: web actions at their own paths',
  commands: [create, get, list, remove],
};
