/** The words typed after a command, read by type; a wrong form is a USAGE fault. */
import { cliFault } from './faults.ts';

export class Input {
  readonly #args: readonly string[];
  readonly #options: Readonly<Record<string, unknown>>;

  /** @param options by the option's long name in camel case. */
  constructor(args: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.#args = args;
    this.#options = options;
  }

  /** The argument at `index`, which the command's record declares as required. */
  required(index: number): string {
    const value = this.#args[index];
    if (value === undefined) throw cliFault('USAGE', `argument ${index + 1} is missing`);
    return value;
  }

  optional(index: number): string | undefined {
    return this.#args[index];
  }

  /** All arguments from `index` on. */
  rest(index: number): readonly string[] {
    return this.#args.slice(index);
  }

  /** The same, with an additional argument in front. */
  shifted(): Input {
    return new Input(['', ...this.#args], this.#options);
  }

  has(name: string): boolean {
    return this.#options[name] !== undefined && this.#options[name] !== false;
  }

  text(name: string): string | undefined {
    const value = this.#options[name];
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#options[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  }

  /** A `pair` option's occurrences, as keys and values. */
  pairs(name: string): readonly (readonly [string, string])[] {
    const value = this.#options[name];
    return Array.isArray(value) ? value.flatMap((item) => (isPair(item) ? [item] : [])) : [];
  }

  /** A whole number within bounds, in decimal digits. */
  integer(
    name: string,
    { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
  ): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    const bounds = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
    throw cliFault('USAGE', `--${dashed(name)} takes a whole number ${bounds}, not '${text}'`);
  }

  /** A number above zero with up to three decimals, as in `--cpus 0.5`. */
  decimal(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,5}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
    if (value > 0) return value;
    throw cliFault('USAGE', `--${dashed(name)} takes a number above zero, not '${text}'`, {
      hint: `write it like --${dashed(name)} 0.5`,
    });
  }

  /** `true` or `false`, also `yes` or `no`. */
  boolean(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = parseSwitch(text);
    if (value !== undefined) return value;
    throw cliFault('USAGE', `--${dashed(name)} takes true or false, not '${text}'`);
  }

  /** A period, `90s`, `30m`, `12h`, `30d`, in milliseconds. */
  periodMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
    const period = Number(count) * (unitMs.get(unit) ?? 0);
    if (period > 0) return period;
    throw cliFault('USAGE', `--${dashed(name)} takes a period, not '${text}'`, {
      hint: 'write it like 90s, 30m, 12h or 30d',
    });
  }
}

/** `true` and `yes`, `false` and `no`; undefined when it is neither. */
export function parseSwitch(text: string): boolean | undefined {
  if (/^(?:true|yes)$/i.test(text)) return true;
  return /^(?:false|no)$/i.test(text) ? false : undefined;
}

const unitMs: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function isPair(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === 'string');
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
