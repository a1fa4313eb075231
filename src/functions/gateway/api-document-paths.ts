/** Paths of API documents. They are compared as text and never used as patterns. */

import { functionFault } from '../faults.ts';
import { type ApiSegment, apiLimits } from './api-document-types.ts';

/** Control characters, and characters that end a path in a URL. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
const unfit = /[\u0000-\u001f\u007f?#\\]/;
const parameterName = /^[A-Za-z][\w.-]{0,127}$/;

/** @throws Fault API_INVALID */
export function parseBasePath(text: string): string {
  if (/[{}]/.test(text)) {
    throw apiInvalid(
      `The base path (${shown(text)}) cannot have parameters. Only the relative path supports path parameters.`,
    );
  }
  const segments = splitPath(text, 'base path');
  return `/${segments.join('/')}`;
}

/** `/books/{isbn}`. @throws Fault API_INVALID */
export function parseTemplate(text: string): readonly ApiSegment[] {
  const segments = splitPath(text, 'path').map((segment) => parseSegment(segment, text));
  const names = parametersOf(segments);
  if (new Set(names).size < names.length)
    throw apiInvalid(`The path '${shown(text)}' has a parameter twice.`);
  return segments;
}

export function parametersOf(segments: readonly ApiSegment[]): readonly string[] {
  return segments.flatMap((segment) => ('parameter' in segment ? [segment.parameter] : []));
}

/** Equal for two templates if and only if they match the same paths. */
export function shapeOf(segments: readonly ApiSegment[]): string {
  return segments.map((segment) => ('literal' in segment ? segment.literal : '{}')).join('/');
}

/** Ignores a trailing slash. @throws Fault API_INVALID */
function splitPath(text: string, what: string): readonly string[] {
  if (text.length > apiLimits.pathLength) throw apiInvalid(`The ${what} '${shown(text)}' is too long.`);
  if (!text.startsWith('/')) throw apiInvalid(`The ${what} '${shown(text)}' must begin with '/'.`);
  const segments = text.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  if (segments.length > apiLimits.segments) throw apiInvalid(`The ${what} '${shown(text)}' is too deep.`);
  if (unfit.test(text) || segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw apiInvalid(`The ${what} '${shown(text)}' cannot be a path of a URL.`);
  }
  return segments;
}

export function apiInvalid(text: string) {
  return functionFault('API_INVALID', text);
}

/** Shortens a value for an error message. */
export function shown(text: string): string {
  return text.slice(0, 256);
}

function parseSegment(segment: string, template: string): ApiSegment {
  if (!/[{}]/.test(segment)) return { literal: segment };
  const name = segment.startsWith('{') && segment.endsWith('}') ? segment.slice(1, -1) : '';
  if (parameterName.test(name)) return { parameter: name };
  throw apiInvalid(
    `The path '${shown(template)}' has a parameter that is not a whole segment such as {name}, of letters and digits.`,
  );
}
