/**
 * The parameters of an activation, kept so that a failure can be investigated. Only for actions that ask for it,
 * without values that look like secrets, and no longer than a small record.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';

/** Characters of JSON. Longer input is not kept. */
const longest = 64 * 1024;
const secretName =
  /pass(?:word|wd|phrase)|secret|token|credential|authori[sz]ation|cookie|api[-_]?key|private[-_]?key|^auth$|^key$/i;
const hidden = '[redacted]';

/** JSON text. */
export function captureInput(payload: JsonObject): string {
  const json = JSON.stringify(redact(payload));
  return json.length <= longest ? json : JSON.stringify({ omitted: `${json.length} characters of JSON` });
}

function redact(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(redact);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, secretName.test(key) ? hidden : redact(each ?? null)]),
  );
}
