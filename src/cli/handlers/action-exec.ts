/** The code of an action in `action create` and `update`: a file, an image, a sequence, or a copy. */
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import { toExec } from '../action-source.ts';
import type { Context } from '../command-spec.ts';
import { objectOf, textOf } from '../entity-fields.ts';
import { parseEntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { sayLeftOut } from '../left-out.ts';

interface ExecSource {
  readonly exec: JsonObject | undefined;
  /** From the copied action; typed values override them. */
  readonly parameters: JsonObject;
  readonly annotations: JsonObject;
}

/** Annotations that the server writes itself. */
const systemAnnotations = ['exec', 'binding'];

/** @throws Fault USAGE, NAME_INVALID, NOT_FOUND, SOURCE_UNREADABLE, SOURCE_KIND_UNKNOWN */
export async function execSource(input: Input, context: Context): Promise<ExecSource> {
  const choices = ['sequence', 'copy'].filter((name) => input.has(name));
  if (choices.length > 1) throw cliFault('USAGE', '--sequence and --copy exclude each other');
  if (input.has('copy')) return copied(input, context);
  const exec = input.has('sequence') ? sequenceOf(input, context) : await execOfFile(input, context);
  return { exec, parameters: {}, annotations: {} };
}

function execOfFile(input: Input, { io }: Context): Promise<JsonObject | undefined> {
  return toExec({
    tell: (leftOut) => sayLeftOut(io, leftOut),
    file: input.optional(1),
    kind: input.text('kind'),
    main: input.text('main'),
    docker: input.text('docker'),
    native: input.has('native'),
  });
}

function sequenceOf(input: Input, context: Context): JsonObject {
  const namespace = context.settings().namespace.value;
  const names = (input.optional(1) ?? '').split(',').map((name) => name.trim());
  if (names[0] === '')
    throw cliFault('USAGE', '--sequence needs actions', {
      hint: 'ward action create NAME --sequence ACTION,PACKAGE/ACTION',
    });
  return { kind: 'sequence', components: names.map((name) => parseEntityName(name, namespace).full) };
}

async function copied(input: Input, context: Context): Promise<ExecSource> {
  const from = input.optional(1);
  if (from === undefined)
    throw cliFault('USAGE', '--copy needs the action to copy', {
      hint: 'ward action create NAME OTHER --copy',
    });
  const client = await context.client();
  const action = await client.sendForObject({
    method: 'GET',
    path: parseEntityName(from, context.settings().namespace.value).segments('actions'),
    query: { code: true },
  });
  const annotations = valuesOf(action, 'annotations');
  return {
    exec: objectOf(action['exec']),
    parameters: valuesOf(action, 'parameters'),
    annotations: Object.fromEntries(
      Object.entries(annotations).filter(([name]) => !systemAnnotations.includes(name)),
    ),
  };
}

/** `[{key, value}]` as an object. */
function valuesOf(entity: JsonObject, field: string): JsonObject {
  const list = entity[field];
  if (!Array.isArray(list)) return {};
  return Object.fromEntries(list.filter(isJsonObject).map(({ key, value }) => [textOf(key), value ?? null]));
}
