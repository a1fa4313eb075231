/** `ward action create`, `update`, `delete`. */
import type { JsonObject } from '../../lib/index.ts';
import { toExec } from '../action-source.ts';
import type { Context, Handler } from '../command-spec.ts';
import { parseEntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { collectParameters, toKeyValues } from '../parameters.ts';

/** Sending tens of megabytes of code over a slow line is not a hanging server. */
const uploadTimeoutMs = 300_000;

export const create: Handler = (input, context) => put(input, context, 'created');

export const update: Handler = (input, context) => put(input, context, 'updated');

export const remove: Handler = async (input, context) => {
  const name = parseEntityName(input.required(0), context.settings().namespace.value);
  const client = await context.client();
  const entity = await client.sendForObject({ method: 'DELETE', path: name.segments('actions') });
  context.io.ok(`deleted action ${name.path}`);
  await showForPrograms(context, name.path, entity);
  return 0;
};

async function put(input: Input, context: Context, done: 'created' | 'updated'): Promise<number> {
  const name = parseEntityName(input.required(0), context.settings().namespace.value);
  const body = await bodyOf(input, context);
  if (done === 'created' && body['exec'] === undefined)
    throw cliFault('USAGE', 'a new action needs code', {
      hint: `ward action create ${name.path} FILE, or --docker IMAGE`,
    });
  const client = await context.client();
  const entity = await client.sendForObject({
    method: 'PUT',
    path: name.segments('actions'),
    query: { overwrite: done === 'updated' },
    body: { namespace: name.namespace, name: name.path, ...body },
    timeoutMs: uploadTimeoutMs,
  });
  context.io.ok(`${done} action ${name.path}`);
  await showForPrograms(context, name.path, entity);
  return 0;
}

async function bodyOf(input: Input, context: Context): Promise<JsonObject> {
  const limits = {
    timeout: input.integer('timeout', { min: 1 }),
    memory: input.integer('memory', { min: 1 }),
    logs: input.integer('logsize'),
    concurrency: input.integer('concurrency', { min: 1 }),
  };
  if (input.text('paramFile') === '-' && input.text('annotationFile') === '-')
    throw cliFault('USAGE', 'standard input can be read once: for parameters or for annotations');
  const [exec, parameters, annotations] = await Promise.all([
    toExec({
      file: input.optional(1),
      kind: input.text('kind'),
      main: input.text('main'),
      docker: input.text('docker'),
    }),
    collectParameters({ file: input.text('paramFile'), pairs: input.pairs('param') }, context.stdin),
    collectParameters(
      { file: input.text('annotationFile'), pairs: input.pairs('annotation') },
      context.stdin,
    ),
  ]);
  const web = webAnnotations(input.text('web'));
  return {
    ...(exec === undefined ? {} : { exec }),
    ...(parameters === undefined ? {} : { parameters: toKeyValues(parameters) }),
    ...(annotations === undefined && web === undefined
      ? {}
      : { annotations: toKeyValues({ ...annotations, ...web }) }),
    ...(Object.values(limits).every((limit) => limit === undefined) ? {} : { limits }),
  };
}

/** What wsk writes for `--web`. */
function webAnnotations(mode: string | undefined): JsonObject | undefined {
  if (mode === undefined) return undefined;
  const isWeb = mode !== 'no' && mode !== 'false';
  return { 'web-export': isWeb, 'raw-http': mode === 'raw', final: isWeb };
}

/** People have read `ok: …`; programs asked for the entity. */
async function showForPrograms(context: Context, name: string, entity: JsonObject): Promise<void> {
  const { format } = context.io;
  if (format === 'json' || format === 'yaml' || format === 'name')
    await context.io.record({ fields: [], name, data: entity });
}
