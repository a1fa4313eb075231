/** An API of the gateway, as its document describes it. */
import type { EntityRef } from '../entities/names.ts';
import type { WebExtension } from './web-name.ts';

export const apiVerbs = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'] as const;
export type ApiVerb = (typeof apiVerbs)[number];

/** What an operation calls. */
export interface ApiBackend {
  readonly action: EntityRef;
  readonly extension: WebExtension;
  /** The action is told the path of the request. */
  readonly passesPath: boolean;
  /** Method of the call of the action; undefined: that of the request. */
  readonly verb: ApiVerb | undefined;
  /** Value of the action's annotation `require-whisk-auth`. */
  readonly secret: string | undefined;
}

export interface ApiOperation {
  readonly verb: ApiVerb;
  /** Undefined when the document names no action: its author gets a warning, and its calls a 404. */
  readonly backend: ApiBackend | undefined;
}

/** A part of a path: as it is, or any one under a name. */
export type ApiSegment = { readonly literal: string } | { readonly parameter: string };

export interface ApiPath {
  readonly segments: readonly ApiSegment[];
  readonly operations: readonly ApiOperation[];
}

export interface ApiDescription {
  /** `/`, or with a leading slash and without one at its end. */
  readonly basePath: string;
  readonly title: string;
  /** Whether the gateway sets CORS headers, or takes away those of actions; undefined: it leaves them as they are. */
  readonly cors: boolean | undefined;
  readonly paths: readonly ApiPath[];
}

export const apiLimits = {
  /** Most bytes of a document, as JSON. */
  documentBytes: 1024 * 1024,
  /** Most bytes of all documents of a namespace. */
  namespaceBytes: 2 * 1024 * 1024,
  operations: 1000,
  /** Characters of a path, or of a base path. */
  pathLength: 1024,
  segments: 32,
  titleLength: 256,
} as const;
