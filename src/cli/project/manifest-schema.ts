/**
 * The keys of a manifest and of a deployment file (openwhisk-wskdeploy, specification/html). Strict: an unknown key
 * is an error, so that a typing mistake does not silently drop a setting.
 */
import { z } from 'zod';
import type { JsonValue } from '../../lib/index.ts';

const json = z.custom<JsonValue>((value) => value !== undefined);
const map = <Value extends z.ZodType>(value: Value) => z.record(z.string(), value).nullish();
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const wholeNumber = z.number().int().min(0);

/**
 * Keys that name the server and the credentials. Only the command line's settings count, so that no file can send a
 * key elsewhere.
 */
export const locationKeys = {
  namespace: text.nullish(),
  credential: text.nullish(),
  apiHost: text.nullish(),
  apigwAccessToken: text.nullish(),
};

/** Keys for people and for other tools. */
const remarks = { version: text.nullish(), license: text.nullish(), repositories: json.nullish() };

const shared = { description: z.string().nullish(), annotations: map(json) };
const inputs = map(json);

const limits = z.strictObject({
  timeout: wholeNumber.optional(),
  memorySize: wholeNumber.optional(),
  memory: wholeNumber.optional(),
  logSize: wholeNumber.optional(),
  logs: wholeNumber.optional(),
  concurrency: wholeNumber.optional(),
  instances: wholeNumber.optional(),
  cpus: z.number().positive().optional(),
  disk: wholeNumber.optional(),
  // Actions can't set this, neither in OpenWhisk nor here.
  concurrentActivations: json.optional(),
  userInvocationRate: json.optional(),
  codeSize: json.optional(),
  parameterSize: json.optional(),
});

const action = z.strictObject({
  ...shared,
  ...locationKeys,
  function: z.string().nullish(),
  location: z.string().nullish(),
  code: z.string().nullish(),
  docker: z.string().nullish(),
  native: z.boolean().nullish(),
  runtime: z.string().nullish(),
  kind: z.string().nullish(),
  main: z.string().nullish(),
  web: text.nullish(),
  'web-export': text.nullish(),
  'raw-http': z.boolean().nullish(),
  final: z.boolean().nullish(),
  conductor: z.boolean().nullish(),
  feed: z.boolean().nullish(),
  limits: limits.nullish(),
  inputs,
  outputs: json.nullish(),
  version: text.nullish(),
  exposedUrl: text.nullish(),
  include: z.array(z.array(z.string()).min(1).max(2)).nullish(),
  exclude: z.array(z.string()).nullish(),
});

const sequence = z.strictObject({
  ...shared,
  actions: z.union([z.string(), z.array(z.string())]),
  web: text.nullish(),
  'web-export': text.nullish(),
});

const trigger = z.strictObject({
  ...shared,
  ...locationKeys,
  feed: z.string().nullish(),
  source: z.string().nullish(),
  inputs,
});

const rule = z.strictObject({
  ...shared,
  trigger: z.string(),
  action: z.string(),
  rule: text.refine((value) => value === 'true', "must be 'true'").nullish(),
});

const dependency = z.strictObject({
  location: z.string(),
  version: text.nullish(),
  inputs,
  annotations: map(json),
});

/** `GET`, or `{method: GET, response: http}`. */
const route = z.union([
  z.string().transform((method) => ({ method, response: undefined })),
  z.strictObject({ method: z.string(), response: z.string().nullish() }),
]);

const packageFields = {
  ...shared,
  ...locationKeys,
  ...remarks,
  public: z.boolean().nullish(),
  inputs,
  actions: map(action.nullable()),
  sequences: map(sequence),
  triggers: map(trigger.nullable()),
  rules: map(rule),
  dependencies: map(dependency),
  /** Name → base path → path → action → verb. */
  apis: map(map(map(map(route)))),
};
const packageSchema = z.strictObject(packageFields).nullable();

const projectSchema = z.strictObject({
  ...locationKeys,
  ...remarks,
  name: z.string().nullish(),
  inputs,
  config: z.string().nullish(),
  packages: map(packageSchema),
});

export const manifestSchema = z.strictObject({
  project: projectSchema.nullish(),
  packages: map(packageSchema),
  // The older form: one package that contains its name.
  package: z.strictObject({ ...packageFields, name: z.string() }).nullish(),
});

const override = z.strictObject({ ...locationKeys, inputs, annotations: map(json) }).nullable();
const packageOverride = z
  .strictObject({
    ...locationKeys,
    ...remarks,
    inputs,
    annotations: map(json),
    actions: map(override),
    triggers: map(override),
  })
  .nullable();
export const deploymentSchema = z.strictObject({
  project: z
    .strictObject({ ...locationKeys, ...remarks, name: z.string().nullish(), packages: map(packageOverride) })
    .nullish(),
  application: z
    .strictObject({ ...locationKeys, ...remarks, name: z.string().nullish(), packages: map(packageOverride) })
    .nullish(),
  packages: map(packageOverride),
});

/** The allowed keys of each part of a manifest. */
export const manifestKeys: Readonly<Record<string, readonly string[]>> = {
  manifest: Object.keys(manifestSchema.shape),
  project: Object.keys(projectSchema.shape),
  package: Object.keys(packageFields),
  action: Object.keys(action.shape),
  limits: Object.keys(limits.shape),
  sequence: Object.keys(sequence.shape),
  trigger: Object.keys(trigger.shape),
  rule: Object.keys(rule.shape),
  dependency: Object.keys(dependency.shape),
};

export type ManifestAction = z.infer<typeof action>;
export type ManifestSequence = z.infer<typeof sequence>;
export type ManifestTrigger = z.infer<typeof trigger>;
export type ManifestPackage = NonNullable<z.infer<typeof packageSchema>>;
export type ManifestLimits = z.infer<typeof limits>;
export type PackageOverride = NonNullable<z.infer<typeof packageOverride>>;
