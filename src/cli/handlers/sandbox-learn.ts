/** `ward sandbox learn`: the action comes from the server, its calls run on this machine, and the profile goes back. */
import { writeFile } from 'node:fs/promises';
import { isJsonObject, type JsonObject, messageOf } from '../../lib/index.ts';
import type { Learned, LearnRequest } from '../../server/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { annotationOf, kindOf, namespaceOf, objectOf, pathOf } from '../entity-fields.ts';
import { type EntityName, parseEntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { collectParameters } from '../parameters.ts';
import { readBounded } from '../read-source.ts';

const mostCalls = 10_000;
const mostBytes = 64 * 1024 * 1024;

export const learn: Handler = async (input, context) => {
  const name = parseEntityName(input.required(0), context.settings().namespace.value);
  const { openLearning } = await openServer();
  // First, since it may start this command anew: what is read from standard input can be read once.
  const learning = await openLearning(localOptions(input));
  const calls = await sampleCalls(input, context);
  const client = await context.client();
  const path = name.segments('actions');
  const action = await client.sendForObject({ method: 'GET', path, query: { code: true } });
  const learned = await learning.learn(requestOf(action, calls));
  const file = input.text('write');
  if (file !== undefined) await writeProfile(file, learned);
  await show(context, name, calls.length, learned);
  if (!input.has('enforce')) return 0;
  const annotations = withProfile(action, learned);
  await client.sendForObject({ method: 'PUT', path, query: { overwrite: true }, body: { annotations } });
  context.io.ok(`updated action ${name.path}: it runs with what it has shown to need`);
  return 0;
};

/** @throws Fault USAGE, PARAMETER_INVALID, SOURCE_UNREADABLE */
async function sampleCalls(input: Input, { stdin, io }: Context): Promise<readonly JsonObject[]> {
  const file = input.text('calls');
  const sources = { file: input.text('paramFile'), pairs: input.pairs('param') };
  const common = (await collectParameters(sources, { stdin, io })) ?? {};
  if (file === undefined) return [common];
  const text = (await readBounded(file === '-' ? stdin : file, mostBytes)).toString('utf8');
  const calls = parseCalls(text).map((call) => ({ ...common, ...call }));
  if (calls.length > 0 && calls.length <= mostCalls) return calls;
  throw cliFault('PARAMETER_INVALID', `--calls takes from 1 to ${mostCalls} calls, not ${calls.length}`);
}

/** One JSON object a line. @throws Fault PARAMETER_INVALID that names the line */
function parseCalls(text: string): JsonObject[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const refuse = (why: string) => cliFault('PARAMETER_INVALID', `line ${index + 1} of --calls: ${why}`);
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw refuse(messageOf(cause));
    }
    if (isJsonObject(value)) return [value];
    throw refuse('no JSON object');
  });
}

function requestOf(action: JsonObject, calls: readonly JsonObject[]): LearnRequest {
  const { code, binary, main, kind } = objectOf(action['exec']);
  const { timeout, memory } = objectOf(action['limits']);
  if (typeof code !== 'string' || kind === 'blackbox')
    throw cliFault('USAGE', `${pathOf(action)} is of kind ${kindOf(action)}, which has no code to run here`);
  const isBinary = binary === true;
  const own = Object.fromEntries(parametersOf(action));
  return {
    action: `/${namespaceOf(action)}/${pathOf(action)}`,
    namespace: namespaceOf(action),
    kind: String(kind),
    code: Buffer.from(code, isBinary ? 'base64' : 'utf8'),
    binary: isBinary,
    main: typeof main === 'string' ? main : 'main',
    timeoutMs: Number(timeout),
    memoryMiB: Number(memory),
    calls: calls.map((call) => ({ ...own, ...call })),
  };
}

function parametersOf({ parameters }: JsonObject) {
  return (Array.isArray(parameters) ? parameters : []).flatMap((each) => {
    const { key, value } = objectOf(each);
    return typeof key === 'string' && value !== undefined ? [[key, value] as const] : [];
  });
}

/** Its other annotations, and what else it asks of its sandbox, stay. */
function withProfile(action: JsonObject, { profile }: Learned): JsonObject[] {
  const { annotations } = action;
  const others = (Array.isArray(annotations) ? annotations : []).filter(isJsonObject);
  const asked = annotationOf(action, 'sandbox');
  const sandbox = typeof asked === 'string' ? { tier: asked } : objectOf(asked);
  return [
    ...others.filter(({ key }) => key !== 'sandbox'),
    { key: 'sandbox', value: { ...sandbox, seccomp: JSON.parse(JSON.stringify(profile)) } },
  ];
}

async function writeProfile(file: string, { profile }: Learned): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(profile, null, 2)}\n`);
  } catch (cause) {
    throw cliFault('FILE_NOT_WRITTEN', `${file}: ${messageOf(cause)}`, { cause });
  }
}

async function show({ io }: Context, name: EntityName, calls: number, learned: Learned): Promise<void> {
  const { profile, removed, floor, refused } = learned;
  const kept = profile.syscalls[0].names.length;
  await io.record({
    fields: [
      ['calls', String(calls)],
      ['allowed', `${kept} of ${kept + removed.length}, ${floor.length} of them unseen, for the runtime`],
      ['removed', removed.map((call) => `-${call}`).join(' ')],
      ['refused', refused.join(' ')],
    ],
    name: name.path,
    data: { calls, ...learned },
  });
}
