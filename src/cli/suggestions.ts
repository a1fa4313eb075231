/** Words that users try because other tools have them → the command of Ward that does it. */
import { type EntrySpec, isGroup } from './command-spec.ts';

/** Top-level words of `wsk`, `docker`, `kubectl`, `serverless` and others. */
export const topWords: Readonly<Record<string, string>> = {
  attach: 'activation poll',
  auth: 'property get --auth',
  build: 'image build',
  call: 'action invoke',
  check: 'doctor',
  config: 'property get',
  create: 'action create',
  delete: 'action delete',
  deploy: 'action create NAME FOLDER, or ward project deploy',
  describe: 'action get',
  env: 'property get',
  exec: 'action invoke',
  fire: 'trigger fire',
  follow: 'activation poll',
  get: 'action get',
  health: 'doctor',
  history: 'activation list',
  images: 'image list',
  info: 'property get --all',
  inspect: 'action get',
  invoke: 'action invoke',
  keys: 'namespace key list NAMESPACE',
  kinds: 'completion --names kind',
  ls: 'list',
  new: 'action create',
  poll: 'activation poll',
  ps: 'activation list',
  publish: 'image build FOLDER --push',
  pull: 'image list',
  push: 'image build FOLDER --push',
  remove: 'action delete',
  result: 'activation result',
  results: 'activation result',
  rm: 'action delete',
  run: 'action invoke',
  runtimes: 'completion --names kind',
  scan: 'image scan',
  serve: 'up',
  show: 'action get',
  sign: 'image sign',
  start: 'up',
  sync: 'project sync',
  tail: 'activation poll',
  tenants: 'namespace list',
  token: 'property get --auth',
  top: 'activation list',
  undeploy: 'project undeploy',
  update: 'action update',
  users: 'namespace list',
  verify: 'image verify',
  version: 'property get --cliversion',
  watch: 'activation poll',
  whoami: 'namespace get',
};

/** Other tools' names for a command of a group. */
export const groupWords: Readonly<Record<string, readonly string[]>> = {
  add: ['create'],
  call: ['invoke', 'fire'],
  cat: ['get'],
  del: ['delete'],
  deploy: ['create'],
  describe: ['get', 'report'],
  edit: ['update', 'set'],
  exec: ['invoke', 'run', 'fire'],
  info: ['get', 'report'],
  inspect: ['get', 'report'],
  invoke: ['fire', 'run'],
  ls: ['list'],
  new: ['create'],
  put: ['update', 'set'],
  remove: ['delete'],
  rm: ['delete'],
  run: ['invoke', 'fire'],
  show: ['get', 'list'],
  tail: ['poll'],
  trigger: ['fire'],
};

/** Commands that other tools have in this group, and Ward has elsewhere. */
const elsewhere: Readonly<Record<string, string>> = {
  'action logs': 'activation logs',
  'action result': 'activation result',
  'image push': 'image build FOLDER --push',
  'image pull': 'image list',
  'project create': 'project deploy',
  'project update': 'project deploy',
};

/** `ward …` for a word that is not a command; undefined for an unknown word. @param path of the group */
export function commandMeantBy(
  word: string,
  path: readonly string[],
  entries: readonly EntrySpec[],
): string | undefined {
  const own = (table: Readonly<Record<string, string>>, key: string) =>
    Object.hasOwn(table, key) ? `ward ${table[key]}` : undefined;
  if (path.length === 0) return own(topWords, word);
  let group = entries;
  for (const name of path) {
    const entry = group.find((each) => each.name === name);
    if (entry === undefined || !isGroup(entry)) return undefined;
    group = entry.commands;
  }
  const synonyms = Object.hasOwn(groupWords, word) ? groupWords[word] : undefined;
  const found = synonyms?.find((name) => group.some((each) => each.name === name));
  return found === undefined ? own(elsewhere, [...path, word].join(' ')) : ['ward', ...path, found].join(' ');
}
