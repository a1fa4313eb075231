/** `ward project deploy`, `sync`, `undeploy`. */
import { access } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { TellLeftOut } from '../action-source.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { textOf } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { sayLeftOut } from '../left-out.ts';
import { collectParameters } from '../parameters.ts';
import { printableLine } from '../printable.ts';
import { applySteps } from '../project/apply.ts';
import type { DesiredProject } from '../project/desired.ts';
import { desiredApis, desiredProject } from '../project/desired-project.ts';
import { entityNames } from '../project/entity-names.ts';
import { managedAnnotation, managedMark } from '../project/managed.ts';
import { invalid, type Manifest, readDeployment, readManifest } from '../project/manifest.ts';
import {
  type PlanContext,
  type PlanStep,
  planDeployment,
  planManagedRemoval,
  planRemoval,
} from '../project/plan.ts';
import { countText, showApplied, showPlan } from '../project/report.ts';
import { createVariables } from '../project/variables.ts';

export const deploy: Handler = (input, context) => deployProject(input, context, input.has('managed'));

/** The same as `deploy --managed`. */
export const sync: Handler = (input, context) => deployProject(input, context, true);

export const undeploy: Handler = async (input, context) => {
  const projectName = input.text('projectname');
  const file = await manifestFile(input);
  const plan = await planContext(context);
  if (projectName !== undefined)
    return carryOut(input, context, plan, await planManagedRemoval(projectName, plan));
  const { manifest, variables } = await openManifest(input, context, file);
  const entities = entityNames(manifest, variables);
  const apis = await desiredApis({ manifest, variables, namespace: plan.namespace });
  return carryOut(input, context, plan, await planRemoval({ ...apis, entities }, plan));
};

async function deployProject(input: Input, context: Context, isManaged: boolean): Promise<number> {
  const { manifest, variables, typed } = await openManifest(input, context, await manifestFile(input));
  const deploymentFile = input.text('deployment') ?? (await besides(manifest.file, 'deployment'));
  const overrides = deploymentFile === undefined ? {} : await readDeployment(deploymentFile);
  if (deploymentFile !== undefined) context.io.note(`with ${printableLine(deploymentFile)}`);
  const plan = await planContext(context);
  const projectName = isManaged ? nameOf(input, manifest) : undefined;
  const { namespace } = plan;
  const tell: TellLeftOut = (leftOut) => sayLeftOut(context.io, leftOut);
  const source = { manifest, overrides, deploymentFile, variables, typed, namespace, tell };
  const wanted = await desiredProject(source);
  checkKinds(wanted, manifest, plan);
  if (variables.missing.size > 0)
    context.io.note(
      `note: no value for ${[...variables.missing].map(printableLine).join(', ')}: ward uses an empty value`,
    );
  const project = projectName === undefined ? wanted : marked(wanted, managedMark(manifest, projectName));
  return carryOut(input, context, plan, await planDeployment(project, projectName, plan));
}

/** Shows the plan, or carries it out. Reports what was done before it throws the error that stopped it. */
async function carryOut(
  input: Input,
  { io }: Context,
  plan: PlanContext,
  steps: readonly PlanStep[],
): Promise<number> {
  if (input.has('dryRun') || input.has('preview')) {
    await showPlan(io, steps);
    return 0;
  }
  const { applied, fault } = await applySteps(steps, plan);
  await showApplied(io, applied);
  if (fault !== undefined) throw fault;
  io.ok(countText(applied));
  return 0;
}

async function openManifest(input: Input, { io, env, stdin }: Context, file: string) {
  const manifest = await readManifest(file);
  const sources = { file: input.text('paramFile'), pairs: input.pairs('param') };
  const typed = (await collectParameters(sources, { stdin, io })) ?? {};
  const variables = createVariables({ typed, env, projectInputs: manifest.projectInputs });
  if (manifest.ignored.length > 0)
    io.note(
      `note: ${manifest.ignored.map(printableLine).join(', ')} not followed: --apihost and --auth say where to deploy`,
    );
  return { manifest, variables, typed };
}

/** The named manifest, or `manifest.yaml` or `manifest.yml` in the project's folder. */
async function manifestFile(input: Input): Promise<string> {
  const named = input.optional(0) ?? input.text('manifest');
  if (named !== undefined) return named;
  const folder = input.text('project') ?? '.';
  const found = await besides(join(folder, 'manifest.yaml'), 'manifest');
  if (found !== undefined || input.has('projectname')) return found ?? '';
  throw cliFault('USAGE', `${folder} has no manifest.yaml`, { hint: 'ward project deploy FILE' });
}

/** `NAME.yaml` or `NAME.yml` in the folder of a file. */
async function besides(file: string, name: string): Promise<string | undefined> {
  for (const extension of ['yaml', 'yml']) {
    const path = join(dirname(file), `${name}.${extension}`);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

function nameOf(input: Input, manifest: Manifest): string {
  const name = input.text('projectname') ?? manifest.projectName;
  if (name) return name;
  throw invalid(basename(manifest.file), 'a managed project needs a name: project.name, or --projectname');
}

function marked(project: DesiredProject, mark: JsonObject): DesiredProject {
  const entities = project.entities.map((entity) => ({
    ...entity,
    annotations: { ...entity.annotations, [managedAnnotation]: mark },
  }));
  return { ...project, entities };
}

async function planContext(context: Context): Promise<PlanContext> {
  const client = await context.client();
  const settings = context.settings();
  return {
    client,
    settings,
    namespace: await realNamespace(client, settings.namespace.value),
    defaultKinds: await defaultKinds(client),
  };
}

/** Names are compared with names from the server, which never contain `_`. */
async function realNamespace(client: ApiClient, namespace: string): Promise<string> {
  if (namespace !== '_') return namespace;
  const { body } = await client.send({ method: 'GET', path: ['namespaces'] });
  if (Array.isArray(body) && typeof body[0] === 'string') return body[0];
  throw cliFault('SERVER_NOT_WARD', 'the server’s list of namespaces is not a list');
}

/** Every kind of the server, `x:default` with the kind it stands for. */
async function defaultKinds(client: ApiClient): Promise<ReadonlyMap<string, string>> {
  const info = await client.sendForObject({ method: 'GET', root: '', path: [], isPublic: true });
  const { runtimes } = info;
  if (!isJsonObject(runtimes)) return new Map();
  const kinds = Object.entries(runtimes).flatMap(([family, list]) =>
    (Array.isArray(list) ? list.filter(isJsonObject) : []).flatMap((runtime): [string, string][] => {
      const kind = textOf(runtime['kind']);
      return [
        [kind, kind],
        ...(runtime['default'] === true ? [[`${family}:default`, kind] as [string, string]] : []),
      ];
    }),
  );
  return new Map(kinds);
}

/** Refuses a kind that the server does not have, before anything is written. */
function checkKinds(project: DesiredProject, manifest: Manifest, { defaultKinds }: PlanContext): void {
  if (defaultKinds.size === 0) return;
  const known = [...defaultKinds.keys(), 'blackbox', 'sequence'];
  for (const { name, exec } of project.entities) {
    const kind = exec === undefined ? undefined : textOf(exec['kind']);
    if (kind !== undefined && !known.includes(kind))
      throw invalid(
        manifest.file,
        `the server has no kind '${kind}'; it has ${known.join(', ')}`,
        `action ${name}`,
      );
  }
}
