/** Actions and sequences of a manifest, in the API's form. */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { annotationsOfMode } from '../action-web.ts';
import { parseSwitch } from '../input.ts';
import { actionExec } from './action-code.ts';
import type { DesiredEntity } from './desired.ts';
import { actionPath, fullName } from './manifest-names.ts';
import type { ManifestAction, ManifestLimits, ManifestSequence } from './manifest-schema.ts';
import { ownOf } from './own.ts';
import { annotations, type PackageSource, refuse, values } from './package-source.ts';

export async function actionEntity(
  source: PackageSource,
  name: string,
  action: ManifestAction,
): Promise<DesiredEntity> {
  const place = ['actions', name];
  const override = ownOf(source.override.actions, name);
  const refuseAction = (what: string) => refuse(source, place, what);
  const given = annotations(source, place, action, override?.annotations);
  return {
    type: 'action',
    name: actionPath(source.packageName, name),
    exec: await actionExec(action, {
      file: source.manifest.file,
      variables: source.variables,
      tell: source.tell,
      refuse: refuseAction,
    }),
    parameters: values(source, place, action.inputs, override?.inputs),
    annotations: {
      ...given,
      ...(action.conductor ? { conductor: true } : {}),
      ...(action.feed ? { feed: true } : {}),
      ...web(source, place, name, action.web ?? action['web-export'] ?? given['web-export']),
      ...(action['raw-http'] === null || action['raw-http'] === undefined
        ? {}
        : { 'raw-http': action['raw-http'] }),
      ...(action.final === null || action.final === undefined ? {} : { final: action.final }),
    },
    ...(action.limits ? { limits: limitsOf(action.limits) } : {}),
  };
}

export function sequenceEntity(
  source: PackageSource,
  name: string,
  sequence: ManifestSequence,
): DesiredEntity {
  const place = ['sequences', name];
  const names = typeof sequence.actions === 'string' ? sequence.actions.split(',') : sequence.actions;
  const components = names.map((each) => {
    const component = source.variables.text(each.trim());
    if (component === '') throw refuse(source, place, 'the name of one of its actions is empty');
    return fullName(source, component);
  });
  const given = annotations(source, place, sequence);
  return {
    type: 'sequence',
    name: actionPath(source.packageName, name),
    exec: { kind: 'sequence', components },
    annotations: {
      ...given,
      ...web(source, place, name, sequence.web ?? sequence['web-export'] ?? given['web-export']),
    },
  };
}

/** An action that an API serves is a web action, even if the manifest does not declare it. */
function web(
  source: PackageSource,
  place: readonly string[],
  name: string,
  mode: JsonValue | undefined,
): JsonObject {
  const said = mode === undefined || mode === null ? undefined : String(mode).toLowerCase();
  if (said !== undefined && said !== 'raw' && parseSwitch(said) === undefined)
    throw refuse(source, place, `web is true, yes, raw, false or no, not '${said}'`);
  if (said === undefined) return source.served.has(name) ? (annotationsOfMode('true') ?? {}) : {};
  return annotationsOfMode(said) ?? {};
}

/** The limits under the names of the manifest, OpenWhisk and Ward, in the API's form. */
function limitsOf(limits: ManifestLimits): JsonObject {
  const { timeout, memory, memorySize, logs, logSize, concurrency, instances, cpus, disk } = limits;
  const all = {
    timeout,
    memory: memorySize ?? memory,
    logs: logSize ?? logs,
    concurrency,
    instances,
    cpus,
    disk,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
