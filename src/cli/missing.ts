/** Names a missing entity and the most likely intended one. Asks the server only when something is missing. */
import {
  type Fault,
  isFault,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  nearestName,
} from '../lib/index.ts';
import { pathOf } from './entity-fields.ts';
import { type Collection, collections } from './entity-name.ts';
import { cliFault } from './faults.ts';

/** The entities of a collection. */
export type ListEntities = (path: readonly string[]) => Promise<readonly JsonObject[]>;

const newActionHint = 'ward action update NAME FILE, or --docker IMAGE, makes one';
const packageHint = 'ward package list shows all, and ward package create NAME makes one';

/** A slower list is ignored: the answer is known already. */
export const lookUpMs = 2000;

/** `fault` with the name of what is missing and the nearest existing name, when the request or the answer names it. */
export async function namingMissing(
  fault: Fault,
  call: { readonly path: readonly string[] },
  body: JsonValue,
  list: ListEntities,
): Promise<Fault> {
  if (fault.message === 'exec undefined') return ofNewAction(fault, call.path, list);
  if (fault.kind === 'missing') return ofRequest(fault, call.path, list);
  if (fault.code === 'NOT_AUTHORISED') return ofOthers(fault, call.path, list);
  const missing = isJsonObject(body) ? body['missing'] : undefined;
  if (typeof missing !== 'string') return fault;
  const [, namespace = '', ...name] = missing.split('/');
  const collection = collectionOf(fault.message);
  const { meant } = await lookFor(namespace, collection, name, list);
  const message = fault.message.includes(missing) ? fault.message : `${fault.message} (${missing})`;
  const hint = meant === undefined ? fault.hint : `did you mean /${namespace}/${meant}?`;
  return again(fault, message, hint ?? `ward ${nounOf(collection)} list shows all`);
}

async function ofRequest(fault: Fault, path: readonly string[], list: ListEntities): Promise<Fault> {
  const [root, namespace = '', second, ...name] = path;
  const collection = collections.find((each) => each === second);
  if (root !== 'namespaces' || collection === undefined || name.length === 0 || name.at(-1) === '')
    return fault;
  const { meant, noPackage } = await lookFor(namespace, collection, name, list);
  const hint = noPackage === undefined ? fault.hint : packageHint;
  const isBare = fault.message.startsWith('The requested resource ');
  const what = noPackage === undefined ? `${nounOf(collection)} ${name.join('/')}` : `package ${noPackage}`;
  const message = isBare ? `${what} does not exist` : fault.message;
  return again(fault, message, suggesting(meant, namespace, hint));
}

/** OpenWhisk's words for a change of an action that does not exist: without code it can't be made. */
async function ofNewAction(fault: Fault, path: readonly string[], list: ListEntities): Promise<Fault> {
  const [, namespace = '_', , ...name] = path;
  const { meant } = await lookFor(namespace, 'actions', name, list);
  const message = `action ${name.join('/')} does not exist, and a new one needs code`;
  return again(fault, message, suggesting(meant, namespace, newActionHint));
}

function suggesting(meant: string | undefined, namespace: string, hint: string | undefined) {
  if (meant === undefined) return hint;
  // As the user typed it: without its namespace the name would mean one of the key's namespace.
  return `did you mean ${namespace === '_' ? meant : `/${namespace}/${meant}`}? ${hint ?? ''}`;
}

/** A package that another namespace does not have is refused like one that it does not share. */
async function ofOthers(fault: Fault, path: readonly string[], list: ListEntities): Promise<Fault> {
  const [root, namespace = '_', collection, ...name] = path;
  if (root !== 'namespaces' || namespace === '_' || collection !== 'actions') return fault;
  // Only names in a package matter here; a list of a package ends in an empty name.
  if (name.length !== 2 || name[1] === '') return fault;
  const { meant } = await lookFor(namespace, collection, name, list);
  if (meant === undefined) return fault;
  const hint = `did you mean /${namespace}/${meant}? ${fault.hint ?? ''}`.trim();
  return cliFault('NOT_AUTHORISED', fault.message, { hint, cause: fault.cause });
}

/** The collection that a refusal is about: actions, unless its text names another. */
function collectionOf(said: string): Collection {
  return collections.find((each) => said.toLowerCase().includes(nounOf(each))) ?? 'actions';
}

function nounOf(collection: Collection): string {
  return collection.slice(0, -1);
}

interface Found {
  readonly meant?: string | undefined;
  /** The missing package, when the action is missing only for that reason. */
  readonly noPackage?: string;
}

/** Looks for an action in its package, and for the package if that is missing. */
async function lookFor(
  namespace: string,
  collection: Collection,
  name: readonly string[],
  list: ListEntities,
): Promise<Found> {
  const namesOf = async (path: readonly string[]) => {
    try {
      return (await list(['namespaces', namespace, ...path])).map(pathOf);
    } catch (error) {
      // The answer already names what is missing, so a failed look-up adds nothing.
      if (isFault(error)) return undefined;
      throw error;
    }
  };
  const [first = '', second] = name;
  if (second === undefined) {
    const names = (await namesOf([collection])) ?? [];
    const inPackage = names.find((path) => path.endsWith(`/${first}`));
    return { meant: inPackage ?? nearestName(first, names) };
  }
  const inside = await namesOf([collection, first, '']);
  if (inside !== undefined) return { meant: nearestName(`${first}/${second}`, inside) };
  const packages = await namesOf(['packages']);
  if (packages === undefined) return {};
  const meant = nearestName(first, packages);
  return { noPackage: first, meant: meant === undefined ? undefined : `${meant}/${second}` };
}

function again(fault: Fault, message: string, hint: string | undefined): Fault {
  const code = fault.code === 'NOT_FOUND' ? 'NOT_FOUND' : 'REQUEST_INVALID';
  return cliFault(code, message, {
    ...(hint === undefined ? {} : { hint: hint.trim() }),
    cause: fault.cause,
  });
}
