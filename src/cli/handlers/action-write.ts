/** `ward action create`, `update`, `delete`. */
import type { JsonObject } from '../../lib/index.ts';
import { existingAction, webAnnotations } from '../action-web.ts';
import { uploadTimeoutMs } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { objectOf, textOf } from '../entity-fields.ts';
import { parseEntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { typedValues } from '../key-values.ts';
import { readEgress } from '../namespace-limit-options.ts';
import { toKeyValues } from '../parameters.ts';
import { printableLine } from '../printable.ts';
import { hidesAll } from '../secrets.ts';
import { execSource } from './action-exec.ts';
import { showForPrograms } from './entity-show.ts';

/** A first part that clients read as a host: `docker.io`, `localhost`, `ghcr.io:443`. */
const hostForm = /^(?:localhost|[^/]*[.:][^/]*)\//;

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
  const client = await context.client();
  const source = await execSource(input, context);
  if (done === 'created' && source.exec === undefined)
    throw cliFault('USAGE', 'a new action needs code', {
      hint: `ward action create ${name.path} FILE, or --docker IMAGE`,
    });
  const typed = await typedValues(input, context);
  const web = await webAnnotations(input, async () =>
    done === 'updated' ? existingAction(client, name) : undefined,
  );
  const image = input.text('docker');
  const { body, headers } = await client.send({
    method: 'PUT',
    path: name.segments('actions'),
    query: { overwrite: done === 'updated' },
    body: {
      namespace: name.namespace,
      name: name.path,
      ...(source.exec === undefined ? {} : { exec: source.exec }),
      ...keyValues('parameters', { ...source.parameters, ...typed.parameters }, typed.parameters),
      ...keyValues(
        'annotations',
        { ...source.annotations, ...typed.annotations, ...web.annotations, ...optionAnnotations(input) },
        typed.annotations ?? web.annotations,
      ),
      ...deletions([...input.texts('delAnnotation'), ...web.removed]),
      ...limitsOf(input),
    },
    timeoutMs: uploadTimeoutMs,
  });
  const entity = objectOf(body);
  context.io.ok(`${done} action ${name.path}`);
  if (image !== undefined && headers['x-ward-warning'] !== undefined)
    for (const line of waysIn(
      image,
      name.path,
      textOf(entity['namespace']),
      context.settings().apihost.value,
    ))
      context.io.note(printableLine(line));
  const { kind, runsAs } = objectOf(entity['exec']);
  if (runsAs !== undefined)
    context.io.note(`note: ${printableLine(textOf(kind))} runs as ${printableLine(textOf(runsAs))}`);
  await showForPrograms(context, name.path, entity);
  return 0;
}

/** Sent when there are any, or when the option was typed: then an empty list clears them. */
function keyValues(field: string, values: JsonObject, typed: JsonObject | undefined): JsonObject {
  if (typed === undefined && Object.keys(values).length === 0) return {};
  return { [field]: toKeyValues(values) };
}

function deletions(names: readonly string[]): JsonObject {
  return names.length === 0 ? {} : { delAnnotations: names };
}

/** Annotations with an option of their own. */
function optionAnnotations(input: Input): JsonObject {
  const egress = input.text('egress');
  return {
    ...(egress === undefined ? {} : { egress: readEgress(egress, '--egress') }),
    ...(input.has('hideParameters') ? { [hidesAll]: true } : {}),
  };
}

function limitsOf(input: Input): JsonObject {
  const limits = {
    timeout: input.integer('timeout', { min: 1 }),
    memory: input.integer('memory', { min: 1 }),
    logs: input.integer('logsize'),
    concurrency: input.integer('concurrency', { min: 1 }),
    instances: input.integer('instances', { min: 1 }),
    cpus: input.decimal('cpus'),
    disk: input.integer('disk', { min: 1 }),
  };
  return Object.values(limits).every((limit) => limit === undefined) ? {} : { limits };
}

/**
 * Lines that tell how to add an image that the server does not have.
 * @param namespace the key's, by its real name
 * @param apihost address of the server
 */
function waysIn(image: string, action: string, namespace: string, apihost: string): readonly string[] {
  const isOwn = image.startsWith(`${namespace}/`);
  const own = isOwn ? image : `${namespace}/${plainName(image)}`;
  const source = isOwn ? 'oci:DIR' : `docker://${image}`;
  const { host, protocol } = new URL(apihost);
  const flags = protocol === 'http:' ? ' --dest-tls-verify=false' : '';
  return [
    'try:   copy it into the registry of this Ward (docs/registry.md has other clients):',
    `         skopeo copy${flags} --dest-creds "$(ward property get --auth)" ${source} docker://${host}/${own}`,
    ...(isOwn ? [] : [`         ward action update ${action} --docker ${own}`]),
    `       or build one from a folder: ward image build FOLDER --tag ${own} --push`,
    '       ward image list lists the images',
  ];
}

/**
 * Removes the host and the owner there: `docker.io/library/alpine:3` → `alpine:3`. A copy can't have a digest as its
 * name.
 */
function plainName(image: string): string {
  const [name = image] = image.replace(hostForm, '').split('@');
  return name.slice(name.lastIndexOf('/') + 1);
}
