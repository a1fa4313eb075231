/** The entities that a package of a manifest describes, in the API's form. */

import type { DesiredEntity } from './desired.ts';
import { actionEntity, sequenceEntity } from './desired-actions.ts';
import { fullName } from './manifest-names.ts';
import type { ManifestTrigger } from './manifest-schema.ts';
import { ownOf } from './own.ts';
import { annotations, type PackageSource, refuse, values } from './package-source.ts';

/** All entities of one package, in dependency order. @throws Fault MANIFEST_INVALID, SOURCE_* */
export async function packageEntities(source: PackageSource): Promise<DesiredEntity[]> {
  const { content } = source;
  const actions: DesiredEntity[] = [];
  for (const [name, action] of Object.entries(content.actions ?? {}))
    actions.push(await actionEntity(source, name, action ?? {}));
  return [
    ...packageEntity(source),
    ...bindings(source),
    ...actions,
    ...Object.entries(content.sequences ?? {}).map(([name, sequence]) =>
      sequenceEntity(source, name, sequence),
    ),
    ...Object.entries(content.triggers ?? {}).map(([name, trigger]) =>
      triggerEntity(source, name, trigger ?? {}),
    ),
    ...rules(source),
  ];
}

function packageEntity(source: PackageSource): DesiredEntity[] {
  const { content, override, packageName } = source;
  if (packageName === 'default') return [];
  return [
    {
      type: 'package',
      name: packageName,
      publish: content.public === true,
      parameters: values(source, [], content.inputs, override.inputs),
      annotations: annotations(source, [], content, override.annotations),
    },
  ];
}

function bindings(source: PackageSource): DesiredEntity[] {
  return Object.entries(source.content.dependencies ?? {}).map(([name, dependency]) => {
    const place = ['dependencies', name];
    const location = source.variables.text(dependency.location);
    const [namespace, provider, ...more] = location.replace(/^\//, '').split('/');
    const isPackage = !/^(?:https?:|github\.com|git@)/.test(location) && more.length === 0;
    if (!isPackage || !namespace || !provider)
      throw refuse(source, place, `'${location}' is not the name of a package: write /NAMESPACE/PACKAGE`);
    return {
      type: 'binding',
      name,
      binding: { namespace: namespace === '_' ? source.namespace : namespace, name: provider },
      parameters: values(source, place, dependency.inputs),
      annotations: annotations(source, place, dependency),
    };
  });
}

function triggerEntity(source: PackageSource, name: string, trigger: ManifestTrigger): DesiredEntity {
  const place = ['triggers', name];
  const override = ownOf(source.override.triggers, name);
  const inputs = values(source, place, trigger.inputs, override?.inputs);
  const given = annotations(source, place, trigger, override?.annotations);
  const feed = trigger.feed ?? trigger.source;
  const feedName = feed
    ? fullName({ ...source, packageName: 'default' }, source.variables.text(feed))
    : undefined;
  const common = { type: 'trigger', name: source.variables.text(name) } as const;
  return feedName === undefined
    ? { ...common, parameters: inputs, annotations: given }
    : { ...common, annotations: { ...given, feed: feedName }, feed: { name: feedName, inputs } };
}

function rules(source: PackageSource): DesiredEntity[] {
  const { variables } = source;
  return Object.entries(source.content.rules ?? {}).map(([name, rule]) => ({
    type: 'rule',
    name: variables.text(name),
    annotations: annotations(source, ['rules', name], rule),
    link: {
      trigger: fullName({ ...source, packageName: 'default' }, variables.text(rule.trigger)),
      action: fullName(source, variables.text(rule.action)),
    },
  }));
}
