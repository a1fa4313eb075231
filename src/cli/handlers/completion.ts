/** `ward completion SHELL`: scripts generated from the same records as the commands. */
import { isFault, isJsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import { type Context, type EntrySpec, type Handler, type NamedThing, namedThings } from '../command-spec.ts';
import { bashScript, zshScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { objectOf, pathOf, textOf } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';

const scripts: ReadonlyMap<string, (entries: readonly EntrySpec[]) => string> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
]);

const shellsHint = `shells: ${[...scripts.keys()].join(', ')}`;

/** Users do not wait longer for a TAB. */
const namesMs = 1000;
/** Names that no shell interprets, and that no command reads as an option. */
const plain = /^[\w@.:/][\w@.:/-]*$/;

export const completion: Handler = async (input, context) => {
  const thing = namedThings.find((each) => each === input.text('names'));
  if (thing !== undefined) {
    context.io.lines(await namesOf(thing, context));
    return 0;
  }
  const shell = input.optional(0);
  if (shell === undefined) throw cliFault('USAGE', 'name a shell', { hint: shellsHint });
  const script = scripts.get(shell);
  if (script === undefined) throw cliFault('USAGE', `no completion for '${shell}'`, { hint: shellsHint });
  context.io.lines([script(context.entries)]);
  return 0;
};

/** Empty when the server does not answer: a TAB must not print an error. */
async function namesOf(thing: NamedThing, context: Context): Promise<readonly string[]> {
  try {
    const client = await context.client();
    const names = thing === 'kind' ? await kindsOf(client) : await entitiesOf(client, `${thing}s`);
    return names.filter((name) => plain.test(name));
  } catch (error) {
    if (isFault(error)) return [];
    throw error;
  }
}

async function entitiesOf(client: ApiClient, collection: string): Promise<string[]> {
  const path = ['namespaces', '_', collection];
  const query = { limit: 0, skip: 0 };
  return (await client.sendForList({ method: 'GET', path, query, timeoutMs: namesMs })).map(pathOf);
}

async function kindsOf(client: ApiClient): Promise<string[]> {
  const call = { method: 'GET', root: '', path: [''], isPublic: true, timeoutMs: namesMs } as const;
  const { runtimes } = await client.sendForObject(call);
  const lists = Object.values(objectOf(runtimes)).flatMap((list) => (Array.isArray(list) ? list : []));
  return lists.filter(isJsonObject).map(({ kind }) => textOf(kind));
}
