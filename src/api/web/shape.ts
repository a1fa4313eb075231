/** Shapes an action's result into an HTTP answer of the form that the URL's extension asks for. */
import { overLimitText } from '../../dispatch/index.ts';
import type { WebExtension } from '../../functions/index.ts';
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import { type Content, prettyJson, type Shaped, type WebRefusal } from './answer.ts';
import { shapeHttp } from './http-result.ts';

type ActivationStatus = 'success' | 'application error' | 'action developer error' | 'whisk internal error';

const propertyNotFound: WebRefusal = {
  status: 404,
  error: 'Response does not include requested property.',
};

/**
 * An action may answer with an error in the same forms. Only its owner learns about internal failures.
 * @param resultJson JSON of the result
 */
export function shapeResult(extension: WebExtension, status: ActivationStatus, resultJson: string): Shaped {
  if (status !== 'success' && status !== 'application error') {
    return { status: 400, error: 'There was an error processing your request.' };
  }
  const result: JsonValue = JSON.parse(resultJson);
  if (status === 'success') return shapers[extension](result);
  const error = isJsonObject(result) ? result['error'] : undefined;
  const overLimit = overLimitText(error);
  if (overLimit !== undefined) return { status: 400, error: overLimit };
  return error === undefined ? propertyNotFound : shapers[extension](error);
}

const shapers: Readonly<Record<WebExtension, (result: JsonValue) => Shaped>> = {
  http: shapeHttp,
  json: (result) =>
    typeof result === 'object' && result !== null
      ? content('application/json', prettyJson(result))
      : notValid('application/json'),
  html: (result) => shapeMarkup(result, 'html', 'text/html', 'text/html; charset=UTF-8'),
  svg: (result) => shapeMarkup(result, 'svg', 'image/svg+xml', 'image/svg+xml'),
  text: shapeText,
};

function shapeMarkup(result: JsonValue, field: string, type: string, contentType: string): Shaped {
  const markup = fieldOf(result, field) ?? null;
  return typeof markup === 'string' ? content(contentType, markup) : notValid(type);
}

function shapeText(result: JsonValue): Shaped {
  const value = fieldOf(result, 'text');
  if (value === undefined) return propertyNotFound;
  return content('text/plain; charset=UTF-8', typeof value === 'string' ? value : prettyJson(value));
}

/** Returns an object's `body`, or else the field of the extension's name; returns other values as they are. */
function fieldOf(result: JsonValue, field: string): JsonValue | undefined {
  if (!isJsonObject(result)) return result;
  return Object.hasOwn(result, 'body') ? result['body'] : own(result, field);
}

function own(result: JsonValue, field: string): JsonValue | undefined {
  return isJsonObject(result) && Object.hasOwn(result, field) ? result[field] : undefined;
}

function content(contentType: string, body: string): Content {
  return { status: 200, headers: {}, contentType, body };
}

function notValid(type: string): WebRefusal {
  return { status: 400, error: `Response is not valid '${type}'.` };
}
