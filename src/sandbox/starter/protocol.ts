/** What Ward and its starter say to each other: a line of JSON each, on the starter's standard streams. */

/** Ward's. */
export type Order = StartOrder | KillOrder;

export interface StartOrder {
  readonly do: 'start';
  readonly id: number;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secret: string;
  /** Descriptors 0, 1, … of the command: so many connections, each of which begins with a line `SECRET ID INDEX`. */
  readonly streams: number;
}

export interface KillOrder {
  readonly do: 'kill';
  readonly id: number;
}

/** The starter's. */
export type Report =
  | { readonly did: 'spawn'; readonly id: number }
  | { readonly did: 'fail'; readonly id: number; readonly message: string }
  | {
      readonly did: 'exit';
      readonly id: number;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
    };
