/**
 * Finds the operation for a request in an API. A literal part of a path takes precedence over a parameter. The paths
 * form a tree; every search enters each node at most once.
 */
import type { JsonObject } from '../../lib/index.ts';
import type { ApiDescription, ApiOperation, ApiPath, ApiVerb } from './api-document-types.ts';

export type RouteMatch =
  | { readonly kind: 'operation'; readonly operation: ApiOperation; readonly parameters: JsonObject }
  /** The path exists, but only with other methods. */
  | { readonly kind: 'verbs'; readonly verbs: readonly ApiVerb[] }
  | { readonly kind: 'none' };

/** @param segments segments of the path below the base path, decoded */
export type Routes = (segments: readonly string[], verb: ApiVerb) => RouteMatch;

interface Node {
  readonly literals: Map<string, Node>;
  parameter: Node | undefined;
  path: ApiPath | undefined;
}

export function compileRoutes({ paths }: Pick<ApiDescription, 'paths'>): Routes {
  const root = newNode();
  for (const path of paths) insert(root, path);
  return (segments, verb) => {
    const verbs = new Set<ApiVerb>();
    for (const path of matching(root, segments, 0)) {
      const operation = path.operations.find((each) => each.verb === verb);
      if (operation !== undefined) {
        return { kind: 'operation', operation, parameters: parametersIn(path, segments) };
      }
      for (const each of path.operations) verbs.add(each.verb);
    }
    return verbs.size === 0 ? { kind: 'none' } : { kind: 'verbs', verbs: [...verbs] };
  };
}

function insert(root: Node, path: ApiPath): void {
  let node = root;
  for (const segment of path.segments) {
    if ('literal' in segment) {
      const next = node.literals.get(segment.literal) ?? newNode();
      node.literals.set(segment.literal, next);
      node = next;
    } else {
      node.parameter ??= newNode();
      node = node.parameter;
    }
  }
  node.path = path;
}

/** Yields the best match first. */
function* matching(node: Node, segments: readonly string[], at: number): Generator<ApiPath> {
  const segment = segments[at];
  if (segment === undefined) {
    if (node.path !== undefined) yield node.path;
    return;
  }
  const literal = node.literals.get(segment);
  if (literal !== undefined) yield* matching(literal, segments, at + 1);
  if (node.parameter !== undefined && segment !== '') yield* matching(node.parameter, segments, at + 1);
}

function parametersIn({ segments }: ApiPath, values: readonly string[]): JsonObject {
  return Object.fromEntries(
    segments.flatMap((segment, at) =>
      'parameter' in segment ? [[segment.parameter, values[at] ?? '']] : [],
    ),
  );
}

function newNode(): Node {
  return { literals: new Map(), parameter: undefined, path: undefined };
}
