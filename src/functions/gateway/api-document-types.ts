/** An API of the gateway, as its document describes it. */
import type { EntityRef } from '../entities/names.ts';
import type { WebExtension } from './web-name.ts';

export const apiVerbs = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'] as const;
export type ApiVerb = (typeof apiVerbs)[number];

/** What an operation calls. */
export interface ApiBackend {
  readonly action: EntityRef;
  readonly extension: WebExtension;
  /** Whether the action gets the path of the request. */
  readonly passesPath: boolean;
  /** Method for the call of the action. Undefined: that of the request. */
  readonly verb: ApiVerb | undefined;
  /** Value of the action's annotation `require-whisk-auth`. */
  readonly secret: string | undefined;
}

export interface ApiOperation {
  readonly verb: ApiVerb;
  /** Undefined if the document names no action. Then its author gets a warning, and its calls a 404. */
  readonly backend: ApiBackend | undefined;
}

/** A segment of a path: a literal, or a named parameter. */
export type ApiSegment = { readonly literal: string } | { readonly parameter: string };

export interface ApiPath {
  readonly segments: readonly ApiSegment[];
  readonly operations: readonly ApiOperation[];
}

export interface ApiDescription {
  /** `/`, or a path with a leading slash and no trailing one. */
  readonly basePath: string;
  readonly title: string;
  /** True: the gateway sets CORS headers. False: it removes those of actions. Undefined: it leaves them unchanged. */
  readonly cors: boolean | undefined;
  readonly paths: readonly ApiPath[];
}

export const apiLimits = {
  /** Maximum bytes of a document, as JSON. */
  documentBytes: 1024 * 1024,
  /** Maximum bytes of all documents of a namespace. */
  namespaceBytes: 2 * 1024 * 1024,
  operations: 1000,
  /** Characters of a path, or of a base path. */
  pathLength: 1024,
  segments: 32,
  titleLength: 256,
} as const;
