/** The entities that a project describes, by name and independent of the manifest's notation. */
import type { JsonObject } from '../../lib/index.ts';

export const entityTypes = ['package', 'binding', 'action', 'sequence', 'trigger', 'rule'] as const;
export type EntityType = (typeof entityTypes)[number];

export interface NamedEntity {
  readonly type: EntityType;
  /** `name` or `package/name`. */
  readonly name: string;
}

export interface DesiredEntity extends NamedEntity {
  readonly annotations: JsonObject;
  /** Absent for types without parameters: rules, sequences. */
  readonly parameters?: JsonObject;
  /** Packages. */
  readonly publish?: boolean;
  /** Bindings. */
  readonly binding?: { readonly namespace: string; readonly name: string };
  /** Actions and sequences, in the API's form. */
  readonly exec?: JsonObject;
  readonly limits?: JsonObject;
  /** Triggers: `/ns/pack/feed` and its parameters. */
  readonly feed?: { readonly name: string; readonly inputs: JsonObject };
  /** Rules: full names. */
  readonly link?: { readonly trigger: string; readonly action: string };
}

/** A route of the API gateway. */
export interface DesiredRoute {
  readonly apiName: string;
  readonly basePath: string;
  readonly path: string;
  readonly verb: string;
  /** `/ns/[pack/]name`. */
  readonly action: string;
  readonly responseType: string;
}

export interface DesiredProject {
  readonly entities: readonly DesiredEntity[];
  readonly routes: readonly DesiredRoute[];
  /** A whole API from a document, in the gateway's form. */
  readonly apiDocument: JsonObject | undefined;
}

/** In the API: bindings are packages, sequences are actions. */
export function collectionOf(type: EntityType): 'packages' | 'actions' | 'triggers' | 'rules' {
  if (type === 'package' || type === 'binding') return 'packages';
  if (type === 'action' || type === 'sequence') return 'actions';
  return type === 'trigger' ? 'triggers' : 'rules';
}
