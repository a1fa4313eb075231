/** The order in which entities can be created: a sequence comes after the sequences in it. */
import { type DesiredEntity, type EntityType, entityTypes } from './desired.ts';

/** By type, then as written; circular sequences stay as written, and the server refuses them. */
export function inDependencyOrder(entities: readonly DesiredEntity[], namespace: string): DesiredEntity[] {
  const byType = (type: EntityType) => entities.filter((entity) => entity.type === type);
  return entityTypes.flatMap((type) =>
    type === 'sequence' ? ordered(byType(type), namespace) : byType(type),
  );
}

function ordered(sequences: readonly DesiredEntity[], namespace: string): DesiredEntity[] {
  const byName = new Map(sequences.map((sequence) => [`/${namespace}/${sequence.name}`, sequence]));
  const done: DesiredEntity[] = [];
  const visited = new Set<DesiredEntity>();
  const visit = (sequence: DesiredEntity) => {
    if (visited.has(sequence)) return;
    visited.add(sequence);
    for (const component of componentsOf(sequence)) {
      const inner = byName.get(component);
      if (inner !== undefined) visit(inner);
    }
    done.push(sequence);
  };
  sequences.forEach(visit);
  return done;
}

function componentsOf({ exec }: DesiredEntity): string[] {
  const components = exec?.['components'];
  return Array.isArray(components) ? components.filter((name) => typeof name === 'string') : [];
}
