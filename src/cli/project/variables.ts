/**
 * `$NAME` and `${NAME}` in a manifest: the value of --param, else of the environment, else of the project's own
 * inputs. `$${NAME}` stays `${NAME}`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { isMultiline } from './multiline-input.ts';
import { ownOf } from './own.ts';

export interface Variables {
  /** Replaces variables in text; those without a value become empty. */
  text(template: string): string;
  /** Replaces variables in every text of a value. */
  value(template: JsonValue): JsonValue;
  /** Names that had no value so far. */
  readonly missing: ReadonlySet<string>;
}

interface VariableSources {
  readonly typed: JsonObject;
  readonly env: NodeJS.ProcessEnv;
  readonly projectInputs: JsonObject;
}

export function createVariables(sources: VariableSources): Variables {
  const missing = new Set<string>();
  const lookUp = (name: string): string => {
    const found =
      ownOf(sources.typed, name) ?? ownOf(sources.env, name) ?? defaultOf(ownOf(sources.projectInputs, name));
    if (found === undefined || found === null) missing.add(name);
    return typeof found === 'object' && found !== null ? JSON.stringify(found) : String(found ?? '');
  };
  const text = (template: string): string => {
    const whole = /^\$([A-Za-z_]\w*)$/.exec(template)?.[1];
    if (whole !== undefined) return lookUp(whole);
    return template.replaceAll(/\$?\$\{([A-Za-z_]\w*)\}/g, (all, name: string) =>
      all.startsWith('$$') ? all.slice(1) : lookUp(name),
    );
  };
  const value = (template: JsonValue): JsonValue => {
    if (typeof template === 'string') return text(template);
    if (Array.isArray(template)) return template.map(value);
    if (!isJsonObject(template)) return template;
    return Object.fromEntries(Object.entries(template).map(([key, part]) => [key, value(part ?? null)]));
  };
  // A project's inputs can refer to the environment themselves.
  const defaultOf = (input: JsonValue | undefined): JsonValue | undefined => {
    const given = isMultiline(input) ? (input['value'] ?? input['default']) : input;
    if (typeof given !== 'string') return given;
    return given.replaceAll(/\$\{([A-Za-z_]\w*)\}|^\$([A-Za-z_]\w*)$/g, (_, braced: string, bare: string) => {
      return ownOf(sources.env, braced ?? bare) ?? '';
    });
  };
  return { text, value, missing };
}
