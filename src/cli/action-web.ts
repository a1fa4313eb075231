/**
 * The annotations behind `--web` and `--web-secure`. `--web-secure true` generates a number that can't be guessed and
 * that every JSON parser keeps exactly; an update with `true` keeps the existing number.
 */
import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../lib/index.ts';
import type { ApiClient } from './client.ts';
import { annotationOf } from './entity-fields.ts';
import type { EntityName } from './entity-name.ts';
import { cliFault } from './faults.ts';
import type { Input } from './input.ts';

interface WebAnnotations {
  readonly annotations: JsonObject | undefined;
  readonly removed: readonly string[];
}

const secretAnnotation = 'require-whisk-auth';

/** @param existing called only when it matters. @throws Fault USAGE */
export async function webAnnotations(
  input: Input,
  existing: () => Promise<JsonObject | undefined>,
): Promise<WebAnnotations> {
  const web = annotationsOfMode(input.text('web'));
  const secure = input.text('webSecure');
  if (secure === undefined) return { annotations: web, removed: [] };
  const action = await existing();
  const isWeb = web?.['web-export'] ?? (action !== undefined && isWebAction(action));
  if (isWeb !== true) throw cliFault('USAGE', '--web-secure is for web actions', { hint: 'add --web true' });
  if (secure.toLowerCase() === 'false') return { annotations: web, removed: [secretAnnotation] };
  return { annotations: { ...web, [secretAnnotation]: secretOf(secure, action) }, removed: [] };
}

/** The annotations that wsk writes for `--web`. */
export function annotationsOfMode(mode: string | undefined): JsonObject | undefined {
  if (mode === undefined) return undefined;
  const isWeb = mode !== 'no' && mode !== 'false';
  return { 'web-export': isWeb, 'raw-http': mode === 'raw', final: isWeb };
}

export function isWebAction(action: JsonObject): boolean {
  return annotationOf(action, 'web-export') === true;
}

/** The action without its code; undefined when it is new. */
export function existingAction(client: ApiClient, name: EntityName): Promise<JsonObject | undefined> {
  return client.find({ method: 'GET', path: name.segments('actions'), query: { code: false } });
}

function secretOf(secure: string, action: JsonObject | undefined): string | number {
  if (secure.toLowerCase() !== 'true') return secure;
  const present = action === undefined ? undefined : annotationOf(action, secretAnnotation);
  return typeof present === 'number' ? present : randomSafeInteger();
}

/** 53 random bits. */
function randomSafeInteger(): number {
  return Number(randomBytes(8).readBigUInt64BE() & BigInt(Number.MAX_SAFE_INTEGER));
}
