/**
 * `ward sandbox learn`: fetches the action from the server, runs its calls on this machine, and stores the profile.
 * The half with root's rights opens the named files and finds the key; the other half, without rights, does the rest.
 */
import { createReadStream, fstatSync, ftruncateSync, writeFileSync } from 'node:fs';
import { isJsonObject, type JsonObject, messageOf } from '../../lib/index.ts';
import type { Learned, LearnGiven, Learning, LearnRequest, WrittenFile } from '../../server/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { annotationOf, kindOf, namespaceOf, objectOf, pathOf } from '../entity-fields.ts';
import { type EntityName, parseEntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { collectParameters, type OpenSource } from '../parameters.ts';
import { openToRead, readBounded } from '../read-source.ts';

const mostCalls = 10_000;
const mostBytes = 64 * 1024 * 1024;

export const learn: Handler = async (input, context) => {
  const name = parseEntityName(input.required(0), context.settings().namespace.value);
  const server = await openServer();
  let written: WrittenFile | undefined;
  const given = async (): Promise<LearnGiven> => {
    const file = input.text('write');
    written = file === undefined ? undefined : await openOutput(server, file);
    const read = [input.text('paramFile'), input.text('calls')].filter(
      (path) => path !== undefined && path !== '-',
    );
    const files = new Map(read.map((path) => [path ?? '', openToRead(path ?? '')]));
    if (file !== undefined && written !== undefined) files.set(outputName, written.descriptor);
    return { files, env: settingsEnv(context) };
  };
  try {
    return await server.learn(localOptions(input), given, (learning) => work(learning, name, input, context));
  } finally {
    written?.close();
  }
};

/** @throws Fault FILE_NOT_WRITTEN */
async function openOutput(
  server: Awaited<ReturnType<typeof openServer>>,
  file: string,
): Promise<WrittenFile> {
  try {
    return await server.openToWrite(file);
  } catch (cause) {
    throw cliFault('FILE_NOT_WRITTEN', `${file}: ${messageOf(cause)}`, { cause });
  }
}

/** The descriptor of a file that is open for reading and writing, not a path. */
const outputName = '';

/** Settings that the other half can't read itself, as environment variables. */
function settingsEnv({ settings }: Context): NodeJS.ProcessEnv {
  const { apihost, auth, namespace, insecure } = settings();
  return {
    WARD_APIHOST: apihost.value,
    ...(auth === undefined ? {} : { WARD_AUTH: auth.value }),
    WARD_NAMESPACE: namespace.value,
    WARD_INSECURE: String(insecure),
  };
}

async function work(learning: Learning, name: EntityName, input: Input, context: Context): Promise<number> {
  const open: OpenSource = (path) => {
    const fd = learning.file(path);
    return fd === undefined ? path : createReadStream('', { fd, autoClose: false });
  };
  const calls = await sampleCalls(input, context, open);
  const client = await context.client();
  const path = name.segments('actions');
  const action = await client.sendForObject({ method: 'GET', path, query: { code: true } });
  const learned = await learning.learn(requestOf(action, calls));
  const output = learning.file(outputName);
  if (output !== undefined) writeProfile(input.text('write') ?? '', output, learned);
  await show(context, name, calls.length, learned);
  if (!input.has('enforce')) return 0;
  const annotations = withProfile(action, learned);
  await client.sendForObject({ method: 'PUT', path, query: { overwrite: true }, body: { annotations } });
  context.io.ok(`updated action ${name.path}: its sandboxes allow only the system calls that it needed`);
  return 0;
}

/** @throws Fault USAGE, PARAMETER_INVALID, SOURCE_UNREADABLE */
async function sampleCalls(
  input: Input,
  { stdin, io }: Context,
  open: OpenSource,
): Promise<readonly JsonObject[]> {
  const file = input.text('calls');
  const sources = { file: input.text('paramFile'), pairs: input.pairs('param') };
  const common = (await collectParameters(sources, { stdin, io, open })) ?? {};
  if (file === undefined) return [common];
  const bytes =
    file === '-' ? await readBounded(stdin, mostBytes) : await readBounded(open(file), mostBytes, file);
  const calls = parseCalls(bytes.toString('utf8')).map((call) => ({ ...common, ...call }));
  if (calls.length > 0 && calls.length <= mostCalls) return calls;
  throw cliFault('PARAMETER_INVALID', `--calls takes from 1 to ${mostCalls} calls, not ${calls.length}`);
}

/** One JSON object per line. @throws Fault PARAMETER_INVALID that names the line */
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
    throw refuse('not a JSON object');
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

/** Keeps its other annotations, and its other sandbox settings. */
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

/** Overwrites the old content only now. */
function writeProfile(file: string, descriptor: number, { profile }: Learned): void {
  try {
    if (fstatSync(descriptor).isFile()) ftruncateSync(descriptor);
    writeFileSync(descriptor, `${JSON.stringify(profile, null, 2)}\n`);
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
