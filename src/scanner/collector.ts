/**
 * Hands each file to those who look at files, and keeps what they say: catalogers prove packages, inspectors find what
 * is wrong. Whatever one of them can't cope with is a gap.
 */
import { formatSize, messageOf } from '../lib/index.ts';
import { probeLongFile } from './inventory/long-files.ts';
import type { Cataloger, Evidence, Proof } from './inventory/types.ts';
import type { FileFacts, FileInspector, Finding, Gap, ScannedFile, ScannedFolder } from './types.ts';

/** Who looks at files. */
export interface Analysers {
  readonly catalogers: readonly Cataloger[];
  readonly inspectors: readonly FileInspector[];
}

export interface Collected {
  readonly evidence: readonly Evidence[];
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
}

export interface Collector {
  /** A promise only when somebody takes time, so that most files cost no turn of the event loop. */
  add(file: ScannedFile): Promise<void> | undefined;
  /** Only for packages: the same file under another name. */
  addNamesake(file: ScannedFile): Promise<void> | undefined;
  /** A file that is not read whole: it is shown piece by piece, and then by its head. */
  watch(facts: FileFacts): LongFile;
  addFolder(folder: ScannedFolder): void;
  addGap(path: string, reason: string): void;
  /** The file was replaced by something else in the same place. */
  forget(path: string): void;
  /** Whether somebody would look for packages in a file of that name. */
  isWanted(path: string): boolean;
  result(): Collected;
}

export interface LongFile {
  /** The bytes need to stay as they are only until it returns. */
  piece(bytes: Buffer): void;
  end(head: Buffer): Promise<void> | undefined;
}

/** Past these, one gap says that there is more. */
const maxGaps = 200;
const maxFindings = 20_000;
const maxPackages = 200_000;
const nothing = Buffer.alloc(0);

export function openCollector({ catalogers, inspectors }: Analysers): Collector {
  const evidence = new Map<string, Evidence[]>();
  const findings: Finding[] = [];
  const gaps: Gap[] = [];
  let packages = 0;
  let isFull = false;

  const addGap = (path: string, reason: string): void => {
    if (gaps.length < maxGaps) gaps.push({ path, reason: reason.slice(0, 500) });
    else if (gaps.length === maxGaps) gaps.push({ path: '', reason: 'there are more gaps than are listed' });
  };
  const full = (): void => {
    if (!isFull) gaps.push({ path: '', reason: 'there is more in it than is kept' });
    isFull = true;
  };
  const addProof = (path: string, proof: Proof | undefined): void => {
    if (proof === undefined) return;
    packages += proof.packages?.length ?? 0;
    if (packages > maxPackages) {
      full();
      return;
    }
    const before = evidence.get(path);
    if (before === undefined) evidence.set(path, [{ path, ...proof }]);
    else before.push({ path, ...proof });
  };
  const addFindings = (found: readonly Finding[]): void => {
    if (findings.length + found.length > maxFindings) full();
    else findings.push(...found);
  };

  const catalog = (file: ScannedFile): Promise<void> | undefined => {
    const { content } = file;
    const wanting = catalogers.filter((each) => each.wants(file, baseOf(file.path)));
    if (wanting.length === 0 || content === undefined) return undefined;
    const wanted = { ...file, content };
    return each(wanting, (cataloger) =>
      attempt(
        () => cataloger.read(wanted),
        (proof) => addProof(file.path, proof),
        (error) => addProof(file.path, { gaps: [`${cataloger.name}: ${messageOf(error)}`] }),
      ),
    );
  };
  const inspect = (file: ScannedFile, by: readonly FileInspector[]): Promise<void> | undefined =>
    each(by, (inspector) =>
      attempt(
        () => inspector.inspect(file),
        addFindings,
        (error) => addGap(file.path, `${inspector.name}: ${messageOf(error)}`),
      ),
    );
  /** One that fails is asked no more. */
  const guarded = (inspector: FileInspector, facts: FileFacts) => {
    let failed = false;
    const guard = <T>(work: () => T): T | undefined => {
      if (failed) return undefined;
      try {
        return work();
      } catch (error) {
        failed = true;
        addGap(facts.path, `${inspector.name}: ${messageOf(error)}`);
        return undefined;
      }
    };
    const watching = guard(() => inspector.watch?.(facts));
    return {
      piece: (bytes: Buffer) => guard(() => watching?.piece(bytes)),
      end: () => addFindings(guard(() => watching?.end()) ?? []),
    };
  };
  const watch = (facts: FileFacts): LongFile => {
    evidence.delete(facts.path);
    const probe = probeLongFile();
    const watches = inspectors.flatMap((each) => (each.watch ? [guarded(each, facts)] : []));
    return {
      piece: (bytes) => {
        probe.feed(bytes);
        for (const each of watches) each.piece(bytes);
      },
      end: (head) => {
        const file = { ...facts, head, content: undefined };
        const wanting = catalogers.filter((each) => each.wants(file, baseOf(facts.path)));
        // A program was looked through as it passed by.
        if (wanting.some(({ name }) => name !== 'program')) addGap(facts.path, tooLong(facts));
        addProof(facts.path, probe.proof());
        for (const each of watches) each.end();
        return inspect(
          file,
          inspectors.filter((each) => each.watch === undefined),
        );
      },
    };
  };
  const addFolder = (folder: ScannedFolder): void => {
    for (const inspector of inspectors) {
      attempt(
        () => inspector.inspectFolder?.(folder) ?? [],
        addFindings,
        (error) => addGap(folder.path, `${inspector.name}: ${messageOf(error)}`),
      );
    }
  };

  return {
    add: (file) => {
      evidence.delete(file.path);
      const waiting = catalog(file);
      return waiting === undefined
        ? inspect(file, inspectors)
        : waiting.then(() => inspect(file, inspectors));
    },
    addNamesake: catalog,
    watch,
    addFolder,
    addGap,
    forget: (path) => void evidence.delete(path),
    isWanted: (path) =>
      catalogers.some((each) => each.wants({ path, head: nothing, sizeBytes: 0 }, baseOf(path))),
    result: () => ({ evidence: [...evidence.values()].flat(), findings, gaps }),
  };
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function tooLong({ sizeBytes }: FileFacts): string {
  return `with ${formatSize(sizeBytes)} it is too long to be read`;
}

/** One after the other; at once as long as none takes time. */
function each<T>(
  list: readonly T[],
  work: (item: T) => Promise<void> | undefined,
): Promise<void> | undefined {
  for (const [at, item] of list.entries()) {
    const waiting = work(item);
    if (waiting !== undefined) return waiting.then(() => each(list.slice(at + 1), work));
  }
  return undefined;
}

function attempt<T>(
  work: () => T | Promise<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
): Promise<void> | undefined {
  try {
    const value = work();
    if (value instanceof Promise) return value.then(done, failed);
    done(value);
  } catch (error) {
    failed(error);
  }
  return undefined;
}
