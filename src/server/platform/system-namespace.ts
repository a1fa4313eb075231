/**
 * The namespace `whisk.system`: shared packages that come with Ward. They are written only when their content differs
 * from the last start, so a start without changes costs one read. Entities that an operator has added stay.
 */
import { hash } from 'node:crypto';
import {
  type BuiltinAction,
  type EntityRef,
  type Functions,
  type Identity,
  notFound,
  parseEntityName,
  systemNamespace,
} from '../../functions/index.ts';
import type { JsonValue } from '../../lib/index.ts';
import type { NamespaceStore } from '../../store/index.ts';
import { securityTrigger } from './security-trigger.ts';
import { readSystemPackages, type SystemPackage } from './system-packages.ts';

interface SystemNamespaceOptions {
  readonly functions: Pick<Functions, 'namespaces' | 'packages' | 'actions' | 'triggers' | 'runtimes'>;
  readonly store: NamespaceStore;
  /** The actions that Ward itself implements. */
  readonly builtins: readonly BuiltinAction[];
}

const codeKind = 'nodejs:default';
/** The setting of the namespace that identifies the last written content. */
const contentSetting = 'systemContent';

/** Whether anything was written. */
export async function ensureSystemNamespace(options: SystemNamespaceOptions): Promise<boolean> {
  const { functions, store, builtins } = options;
  await functions.namespaces.ensureSystem();
  const packages = await readSystemPackages();
  const content = contentOf(packages, options);
  const row = await store.byName(systemNamespace);
  if (row === undefined) throw notFound();
  if (row.settings[contentSetting] === content) return false;
  const writer = await functions.namespaces.identityOf(systemNamespace);
  if (writer === undefined) throw notFound();
  for (const each of packages) await putPackage(functions, each, writer);
  for (const { path, annotations } of builtins) {
    const [inPackage = '', name = ''] = path.split('/');
    await functions.actions.putBuiltin(refTo(name, inPackage), annotations);
  }
  await putSecurityTrigger(functions);
  await store.putSettings(row.name, { ...row.settings, [contentSetting]: content }, row.settings);
  functions.namespaces.forget();
  return true;
}

/** The trigger that the gate fires when running code becomes vulnerable. */
async function putSecurityTrigger({ triggers }: Pick<Functions, 'triggers'>): Promise<void> {
  const description = 'The gate fires it when the findings in deployed code or images change';
  const annotations = [{ key: 'description', value: description }];
  await triggers.put({ namespace: systemNamespace, name: securityTrigger }, { annotations }, true);
}

async function putPackage(
  { packages, actions }: Pick<Functions, 'packages' | 'actions'>,
  { name, annotations, actions: own }: SystemPackage,
  writer: Identity,
): Promise<void> {
  const ref = { namespace: systemNamespace, name: parseEntityName(name) };
  await packages.put(ref, { publish: true, annotations: keyValues(annotations) }, true);
  for (const action of own) {
    const body = { exec: { kind: codeKind, code: action.code }, annotations: keyValues(action.annotations) };
    await actions.putOwn(refTo(action.name, name), body, writer);
  }
}

/** Digest of all content to be written. */
function contentOf(
  packages: readonly SystemPackage[],
  { functions, builtins }: SystemNamespaceOptions,
): string {
  const kinds = functions.runtimes.filter((runtime) => runtime.default).map(({ kind }) => kind);
  const own = builtins.map(({ path, annotations }) => ({ path, annotations }));
  return hash('sha256', JSON.stringify([packages, own, kinds]), 'hex');
}

function refTo(name: string, inPackage: string): EntityRef {
  return {
    namespace: systemNamespace,
    package: parseEntityName(inPackage),
    name: parseEntityName(name),
  };
}

function keyValues(entries: Readonly<Record<string, JsonValue>>) {
  return Object.entries(entries).map(([key, value]) => ({ key, value }));
}
