/**
 * The output of commands: data on stdout in the requested format, messages on stderr. Commands never write to a
 * stream themselves.
 */
import { createColors } from 'picocolors';
import { printableLine, printableText } from './printable.ts';
import { createProgress, type Progress } from './progress.ts';
import { type Column, renderRecord, renderTable } from './table.ts';

export const outputFormats = ['table', 'json', 'yaml', 'wide', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** The process that a command runs in, as far as the command sees it: `process` itself has this form. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
}

export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface IoOptions {
  readonly format: OutputFormat;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
}

export interface ListView<Item> {
  readonly items: readonly Item[];
  readonly columns: readonly Column<Item>[];
  readonly name: (item: Item) => string;
  /** Data for programs; the items themselves by default. */
  readonly data?: unknown;
}

export interface RecordView {
  readonly fields: readonly (readonly [label: string, value: string])[];
  readonly name: string;
  readonly data: unknown;
}

export type Colors = ReturnType<typeof createColors>;

export interface TerminalPage {
  readonly width: number | undefined;
  readonly colors: Colors;
}

export class Io {
  readonly format: OutputFormat;
  readonly colors: Colors;
  readonly #terminal: Terminal;
  readonly #options: IoOptions;

  constructor(terminal: Terminal, options: IoOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.format = options.format;
    this.colors = createColors(wantsColor(terminal.env, terminal.stderr));
  }

  /** `ok: created action hello`, on stderr. */
  ok(text: string): void {
    this.note(`${this.colors.green('ok:')} ${printableLine(text)}`);
  }

  /** A message on stderr, unless --quiet. */
  note(line: string): void {
    if (!this.#options.isQuiet) this.#terminal.stderr.write(`${line}\n`);
  }

  /** The labelled lines of an error, on stderr, even with --quiet. */
  problem(code: string, what: string, more: { readonly why?: string; readonly hint?: string } = {}): void {
    const { stderr } = this.#terminal;
    const { bold, red } = this.colors;
    stderr.write(`${bold(red(`error[${code}]:`))} ${printableText(what)}\n`);
    if (more.why) stderr.write(`${bold('why:')}   ${printableText(more.why)}\n`);
    if (more.hint) stderr.write(`${bold('try:')}   ${printableText(more.hint)}\n`);
  }

  /** A line about a request or answer, with --verbose and --debug. */
  trace(line: string): void {
    if (this.#options.isVerbose) this.#terminal.stderr.write(`${this.colors.dim(printableLine(line))}\n`);
  }

  /** A progress line, for a user at the terminal. */
  progress(): Progress {
    return createProgress(this.#terminal.stderr, !this.#options.isQuiet);
  }

  /** For callers that format stdout themselves: characters in a line (undefined: any number), and colours. */
  get page(): TerminalPage {
    const { stdout, env } = this.#terminal;
    const width = stdout.isTTY && this.format !== 'wide' ? stdout.columns : undefined;
    return { width, colors: createColors(wantsColor(env, stdout)) };
  }

  /** Text on stdout as it is: the caller has escaped what comes from outside. */
  print(text: string): void {
    this.#terminal.stdout.write(text);
  }

  /** Lines of text from outside on stdout; escaped for a terminal. */
  lines(lines: readonly string[]): void {
    const isTerminal = this.#terminal.stdout.isTTY === true;
    for (const line of lines) this.#terminal.stdout.write(`${isTerminal ? printableText(line) : line}\n`);
  }

  /** A JSON value on stdout: as JSON, or as YAML on request. */
  async value(value: unknown): Promise<void> {
    if (this.format === 'yaml') await this.yaml(value);
    else this.lines([JSON.stringify(value, undefined, 2)]);
  }

  /** The same as YAML, even if another format was requested. */
  async yaml(value: unknown): Promise<void> {
    this.#terminal.stdout.write(await toYaml(value));
  }

  async list<Item>(view: ListView<Item>): Promise<void> {
    if (this.format === 'json' || this.format === 'yaml') return this.value(view.data ?? view.items);
    if (this.format === 'name') return this.lines(view.items.map(view.name).map(printableLine));
    const columns = view.columns.filter((column) => this.format === 'wide' || !column.isWide);
    const { width, colors } = this.page;
    const lines = renderTable(columns, view.items, { width, title: colors.bold });
    for (const line of lines) this.print(`${line}\n`);
  }

  async record(view: RecordView): Promise<void> {
    if (this.format === 'json' || this.format === 'yaml') return this.value(view.data);
    if (this.format === 'name') return this.lines([printableLine(view.name)]);
    this.lines(renderRecord(view.fields));
  }
}

/** NO_COLOR and FORCE_COLOR (no-color.org, force-color.org) take precedence over the kind of stream. */
export function wantsColor(env: NodeJS.ProcessEnv, stream: OutputStream): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value);
}
