/** What a check of a data folder tells. */

const fsckAreas = [
  'databases',
  'code',
  'registry',
  'images',
  'layers',
  'advisories',
  'keys',
  'audit',
] as const;
export type FsckArea = (typeof fsckAreas)[number];

/** Something is damaged or missing. */
export interface Damage {
  readonly area: FsckArea;
  /** A file, a blob, an image, an entity. */
  readonly of: string;
  readonly problem: string;
  /** What an operator does. */
  readonly remedy: string;
}

export interface FsckReport {
  readonly dataDir: string;
  readonly imagesDir: string;
  /** A Ward served the folder meanwhile. */
  readonly isRunning: boolean;
  /** How much was looked at. */
  readonly checked: Readonly<Record<FsckArea, number>>;
  readonly findings: readonly Damage[];
  /** Layers that were taken away, to be unpacked anew. */
  readonly repaired: readonly string[];
  /** No damage: what could not be checked, and why; what is there and nothing names. */
  readonly notes: readonly string[];
}

/** Collects it. */
export class Findings {
  readonly checked = Object.fromEntries(fsckAreas.map((area) => [area, 0])) as Record<FsckArea, number>;
  readonly all: Damage[] = [];
  readonly notes: string[] = [];

  tell(area: FsckArea, of: string, problem: string, remedy: string): void {
    this.all.push({ area, of, problem, remedy });
  }

  note(text: string): void {
    this.notes.push(text);
  }
}
