/**
 * Reads an API document: Swagger 2.0 in the form of OpenWhisk's gateway, or OpenAPI 3 with `x-openwhisk`. Documents
 * are hostile: their size, depth, numbers and names are bounded, and paths are compared as text, never as patterns.
 * Protection that a document asks for and Ward does not provide is refused, not ignored.
 */
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { NamespaceName } from '../entities/names.ts';
import {
  type Backends,
  gatewayConfiguration,
  readBackends,
  whiskExtension,
} from './api-document-backends.ts';
import {
  apiInvalid,
  parametersOf,
  parseBasePath,
  parseTemplate,
  shapeOf,
  shown,
} from './api-document-paths.ts';
import {
  type ApiDescription,
  type ApiOperation,
  type ApiPath,
  type ApiVerb,
  apiLimits,
  apiVerbs,
} from './api-document-types.ts';

const parameters = z.array(z.object({ name: z.string().optional() }));
const operation = z.object({
  operationId: z.string().max(apiLimits.pathLength).optional(),
  parameters: parameters.optional(),
  security: z.array(z.unknown()).optional(),
  'x-openwhisk': whiskExtension.optional(),
});

const head = z.object({
  swagger: z.literal('2.0').optional(),
  openapi: z
    .string()
    .regex(/^3\.\d/)
    .optional(),
  info: z.object({ title: z.string().max(apiLimits.titleLength) }),
  basePath: z.string().optional(),
  servers: z.array(z.object({ url: z.string() })).optional(),
  paths: z.custom<JsonObject>(isJsonObject, 'must be an object'),
  'x-ibm-configuration': gatewayConfiguration.optional(),
  'x-gateway-configuration': gatewayConfiguration.optional(),
});

/** Fields that would leave the API weaker than its document says if they were ignored. */
const unsupported = ['security', 'securityDefinitions', 'x-ibm-rate-limit', 'x-gateway-rate-limit'];

/**
 * @param own replaces `_` in names of actions
 * @throws Fault API_INVALID, NAME_INVALID
 */
export function parseApiDocument(document: JsonObject, own: NamespaceName): ApiDescription {
  const parsed = read(head, document, 'The API document');
  if (parsed.swagger === undefined && parsed.openapi === undefined) {
    throw apiInvalid("The API document has neither 'swagger' (2.0) nor 'openapi' (3).");
  }
  refuseUnsupported(document, 'The API document');
  const configuration = parsed['x-gateway-configuration'] ?? parsed['x-ibm-configuration'];
  const backends = readBackends(configuration, own);
  const paths = Object.entries(parsed.paths).map(([path, item]) => parsePath(path, item, backends));
  if (paths.reduce((sum, { operations }) => sum + operations.length, 0) > apiLimits.operations) {
    throw apiInvalid(`An API can have at most ${apiLimits.operations} operations.`);
  }
  const shapes = new Set(paths.map(({ segments }) => shapeOf(segments)));
  if (shapes.size < paths.length) throw apiInvalid('Two paths of the API document match the same requests.');
  return {
    basePath: parseBasePath(parsed.basePath ?? serverPath(parsed.servers?.[0]?.url)),
    title: parsed.info.title,
    cors: configuration?.cors?.enabled,
    paths,
  };
}

function parsePath(path: string, item: unknown, backends: Backends): ApiPath {
  const segments = parseTemplate(path);
  if (!isJsonObject(item)) throw apiInvalid(`The path '${shown(path)}' is not an object.`);
  if (Object.hasOwn(item, '$ref'))
    throw apiInvalid(`The path '${shown(path)}' is a reference, which is not supported.`);
  const shared =
    item['parameters'] === undefined ? [] : read(parameters, item['parameters'], `'${shown(path)}'`);
  const operations = Object.entries(item).flatMap(([key, value]) => {
    const verb = apiVerbs.find((each) => each === key.toLowerCase());
    return verb === undefined ? [] : [parseOperation(verb, path, value, backends, shared)];
  });
  if (new Set(operations.map(({ verb }) => verb)).size < operations.length) {
    throw apiInvalid(`The path '${shown(path)}' has a method twice.`);
  }
  checkParameters(path, parametersOf(segments), operations);
  return { segments, operations: operations.map(({ verb, backend }) => ({ verb, backend })) };
}

interface DeclaredOperation extends ApiOperation {
  readonly declared: ReadonlySet<string>;
  readonly id: string;
}

function parseOperation(
  verb: ApiVerb,
  path: string,
  value: unknown,
  backends: Backends,
  shared: z.infer<typeof parameters>,
): DeclaredOperation {
  const where = `${verb.toUpperCase()} '${shown(path)}'`;
  const parsed = read(operation, value, where);
  refuseUnsupported(parsed, where);
  const backend = backends.find(parsed.operationId, parsed['x-openwhisk']);
  const names = [...shared, ...(parsed.parameters ?? [])].flatMap(({ name }) => name ?? []);
  return { verb, backend, declared: new Set(names), id: parsed.operationId ?? '' };
}

/** Makes the checks that OpenWhisk makes before its gateway gets a document. */
function checkParameters(
  path: string,
  names: readonly string[],
  operations: readonly DeclaredOperation[],
): void {
  if (names.length === 0) return;
  for (const { backend, declared, id } of operations) {
    if (backend !== undefined && backend.extension !== 'http') {
      throw apiInvalid(
        "The action must use a response type of '.http' in order to receive the path parameters.",
      );
    }
    if (backend?.passesPath === false) {
      throw apiInvalid(
        `The target-url for operationId '${shown(id)}' must end in '$(request.path)' in order for actions to receive the path parameters.`,
      );
    }
    const missing = names.find((name) => !declared.has(name));
    if (missing === undefined) continue;
    throw apiInvalid(
      `The parameter '${missing}' defined in path '${shown(path)}' does not match any of the parameters defined for the path in the swagger file.`,
    );
  }
}

function refuseUnsupported(value: JsonObject | z.infer<typeof operation>, where: string): void {
  for (const [key, each] of Object.entries(value)) {
    if (!unsupported.includes(key) || each === undefined || each === null) continue;
    if (typeof each === 'object' && Object.keys(each).length === 0) continue;
    throw apiInvalid(`${where} has '${key}', which is not supported: let the action protect itself.`);
  }
}

/** The path of a server's URL, which may consist of a path only. */
function serverPath(url: string | undefined): string {
  try {
    return url === undefined ? '/' : decodeURI(new URL(url, 'http://localhost').pathname);
  } catch {
    throw apiInvalid(`The server '${shown(url ?? '')}' is not a URL.`);
  }
}

/** @throws Fault API_INVALID naming the first error */
function read<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String).join('.') ?? '';
  throw apiInvalid(
    `${where} is malformed${path === '' ? '' : ` at '${shown(path)}'`}: ${issue?.message ?? ''}`,
  );
}
