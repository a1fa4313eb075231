/** Findings of a check of a data folder. */

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
/** Areas of blobs that tables name. */
export type BlobArea = FsckArea & ('code' | 'registry');

/** Something is damaged or missing. */
export interface Damage {
  readonly area: FsckArea;
  /** The damaged item: a file, a blob, an image, an entity. */
  readonly of: string;
  readonly problem: string;
  /** Advice to the operator. */
  readonly remedy: string;
}

export interface FsckReport {
  readonly dataDir: string;
  readonly imagesDir: string;
  /** A Ward served the folder during the check. */
  readonly isRunning: boolean;
  /** Number of checked items. */
  readonly checked: Readonly<Record<FsckArea, number>>;
  readonly findings: readonly Damage[];
  /** Layers that were removed, so that Ward unpacks them again. */
  readonly repaired: readonly string[];
  /** Notes that are no damage: what could not be checked and why, and unused content. */
  readonly notes: readonly string[];
}

/** Collects findings. */
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
