/** The names of all entities in a manifest, without reading code or values: enough to remove them. */
import { type EntityType, entityTypes, type NamedEntity } from './desired.ts';
import type { Manifest } from './manifest.ts';
import { actionPath } from './manifest-names.ts';
import type { Variables } from './variables.ts';

/** In the order in which they are created. */
export function entityNames(manifest: Manifest, variables: Variables): NamedEntity[] {
  const found = Object.entries(manifest.packages).flatMap(([writtenName, content]) => {
    const packageName = variables.text(writtenName);
    const named = (type: EntityType, entities: object | null | undefined, isPackaged = false) =>
      Object.keys(entities ?? {}).map((name): NamedEntity => {
        return { type, name: isPackaged ? actionPath(packageName, name) : variables.text(name) };
      });
    return [
      ...(packageName === 'default' ? [] : [{ type: 'package', name: packageName } as const]),
      ...Object.keys(content.dependencies ?? {}).map((name) => ({ type: 'binding', name }) as const),
      ...named('action', content.actions, true),
      ...named('sequence', content.sequences, true),
      ...named('trigger', content.triggers),
      ...named('rule', content.rules),
    ];
  });
  return entityTypes.flatMap((type) => found.filter((entity) => entity.type === type));
}
