/** `ward action diff`, `revert`: the code that the last change of an action's code replaced. */
import type { JsonObject } from '../../lib/index.ts';
import { type ApiAnswer, type ApiClient, uploadTimeoutMs } from '../client.ts';
import { codeChanges, diffLines } from '../code-diff.ts';
import { type CodeFiles, codeFiles } from '../code-files.ts';
import type { Context, Handler } from '../command-spec.ts';
import { objectOf, textOf, timeText } from '../entity-fields.ts';
import { type EntityName, parseEntityName } from '../entity-name.ts';
import { printableLine } from '../printable.ts';
import { showForPrograms } from './entity-show.ts';

export const diff: Handler = async (input, context) => {
  const name = nameIn(input.required(0), context);
  const client = await context.client();
  const earlier = objectOf((await fetchEarlier(client, name)).body);
  const now = await client.sendForObject({
    method: 'GET',
    path: name.segments('actions'),
    query: { code: true },
  });
  const files = codeChanges(await filesOf(earlier, name), await filesOf(now, name));
  const { io } = context;
  if (io.format === 'json' || io.format === 'yaml') {
    await io.value({ name: name.path, earlier: revisionOf(earlier), now: revisionOf(now), files });
    return 0;
  }
  if (io.format === 'name') {
    io.lines(files.map(({ path }) => printableLine(path)));
    return 0;
  }
  io.note(printableLine(`revision ${textOf(earlier['version'])}, replaced ${timeText(earlier['replaced'])}`));
  const [was, is] = [earlier, now].map((action) => textOf(objectOf(action['exec'])['kind']));
  if (was !== is) io.note(printableLine(`its kind was ${was}, and is ${is}`));
  io.lines(diffLines(files));
  return 0;
};

export const revert: Handler = async (input, context) => {
  const name = nameIn(input.required(0), context);
  const client = await context.client();
  const earlier = await fetchEarlier(client, name);
  const found = objectOf(earlier.body);
  const { kind, code, main, image } = objectOf(found['exec']);
  const { etag } = earlier.headers;
  const entity = await client.sendForObject({
    method: 'PUT',
    path: name.segments('actions'),
    query: { overwrite: true },
    // Another user may have deployed meanwhile, and `revert` must not replace that code.
    ...(etag === undefined ? {} : { ifMatch: etag }),
    body: { exec: withoutAbsent({ kind, code, main, image }) },
    timeoutMs: uploadTimeoutMs,
  });
  context.io.ok(
    `put back the code of revision ${textOf(found['version'])} of ${name.path} as ${textOf(entity['version'])}`,
  );
  await showForPrograms(context, name.path, entity);
  return 0;
};

function nameIn(text: string, context: Context): EntityName {
  return parseEntityName(text, context.settings().namespace.value);
}

function fetchEarlier(client: ApiClient, name: EntityName): Promise<ApiAnswer> {
  const [root = '', namespace = '', , ...path] = name.segments('actions');
  return client.send({ method: 'GET', root: '/ward/v1', path: [root, namespace, 'earlier', ...path] });
}

function filesOf(action: JsonObject, { path }: EntityName): Promise<CodeFiles> {
  const { code, binary } = objectOf(action['exec']);
  return codeFiles(path, typeof code === 'string' ? code : '', binary === true);
}

function revisionOf(action: JsonObject): JsonObject {
  const { version, replaced, exec } = action;
  return withoutAbsent({ version, replaced, kind: objectOf(exec)['kind'] });
}

function withoutAbsent(fields: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject {
  return JSON.parse(JSON.stringify(fields));
}
