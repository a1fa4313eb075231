/**
 * Passes each file to the analysers: catalogers prove packages, inspectors find problems. A file that an analyser fails on
 * is a gap.
 */
import { formatSize, messageOf } from '../../lib/index.ts';
import { archiveStart, isZipName } from '../archives/forms.ts';
import { streamedFormOf } from '../archives/walk-stream.ts';
import { watchZipEnd } from '../archives/zip-bounds.ts';
import type { Cataloger, Proof } from '../inventory/types.ts';
import type { FileFacts, FileInspector, ScannedFile, ScannedFolder } from '../types.ts';
import { type ArchiveStream, archiveFormsOf, openArchives, tooLongToOpen } from './archives.ts';
import { attempt, oneByOne } from './attempt.ts';
import { digestsOf } from './file-digests.ts';
import { openFolderWatch, type SeenFolders } from './folder-watch.ts';
import { type Collected, openKeeping } from './keeping.ts';
import { type Inside, watchLongFile } from './long-file.ts';

export interface Analysers {
  readonly catalogers: readonly Cataloger[];
  readonly inspectors: readonly FileInspector[];
}

export interface Collector {
  /** Returns a promise only if an analyser is asynchronous. */
  add(file: ScannedFile): Promise<void> | undefined;
  /** Looks only for packages in the same file under another name. */
  addNamesake(file: ScannedFile): Promise<void> | undefined;
  /** Adds packages that several files prove together. */
  addProof(path: string, proof: Proof): void;
  /** Watches a file that is too long to be read whole. */
  watch(facts: FileFacts): LongFile;
  addFolder(folder: ScannedFolder): void;
  /** @param target path within the scanned tree, without a leading slash; undefined when the link leads out of it */
  addLink(path: string, target: string | undefined): void;
  addGap(path: string, reason: string): void;
  /** Drops what a file proved that was replaced at the same path. */
  forget(path: string): void;
  /** Whether any cataloger would look into a file of that name. */
  isWanted(path: string): boolean;
  result(): Collected & SeenFolders;
}

export interface LongFile {
  /** The bytes may change after the call. */
  piece(bytes: Buffer): void;
  /** A promise when the caller must wait before the next piece. */
  ready(): Promise<void> | undefined;
  end(head: Buffer): Promise<void> | undefined;
}

const nothing = Buffer.alloc(0);
const alsoZip = 'not scanned: it can be read as a zip, too; unpack it or leave it out';

export function openCollector({ catalogers, inspectors }: Analysers): Collector {
  const keeping = openKeeping();
  const folders = openFolderWatch();
  const heads = inspectors.filter(({ watch }) => watch === undefined);

  const archives = openArchives(catalogers, keeping);

  const wanting = (file: Pick<ScannedFile, 'path' | 'head' | 'sizeBytes'>): readonly Cataloger[] => {
    const base = file.path.slice(file.path.lastIndexOf('/') + 1);
    return catalogers.filter((each) => each.wants(file, base));
  };
  const catalog = (file: ScannedFile): Promise<void> | undefined => {
    const { content } = file;
    if (content === undefined) return undefined;
    const wanted = { ...file, content };
    return oneByOne(wanting(file), (cataloger) =>
      attempt(
        () => cataloger.read(wanted),
        (proof) => keeping.addProof(file.path, proof, () => digestsOf(file.path, content)),
        (error) => {
          const gaps = [`${cataloger.name}: ${messageOf(error)}`];
          keeping.addProof(file.path, { gaps }, () => digestsOf(file.path, content));
        },
      ),
    );
  };
  const inspect = (
    file: ScannedFile,
    by: readonly FileInspector[],
    inside?: Inside,
  ): Promise<void> | undefined =>
    oneByOne(by, (inspector) =>
      attempt(
        () => inspector.inspect(file),
        (found) => keeping.addFindings(found.filter((finding) => inside?.has(finding) !== true)),
        failure(file.path, inspector),
      ),
    );
  /** Opens archives first, so that findings inside are not repeated for the whole file. */
  const open = (file: ScannedFile, by: readonly FileInspector[]): Promise<Inside> | undefined => {
    const { content } = file;
    if (content === undefined) return undefined;
    const forms = archiveFormsOf(file.path, content);
    return forms.length === 0 ? undefined : archives.open({ ...file, content }, forms, by);
  };
  const openAndInspect = (file: ScannedFile): Promise<void> | undefined => {
    const opening = open(file, inspectors);
    return opening === undefined
      ? inspect(file, inspectors)
      : opening.then((inside) => inspect(file, inspectors, inside));
  };
  const failure =
    (path: string, { name }: FileInspector) =>
    (error: unknown): void =>
      keeping.addGap(path, `${name}: ${messageOf(error)}`);

  return {
    add: (file) => {
      keeping.forget(file.path);
      folders.see(file.path);
      const waiting = catalog(file);
      return waiting === undefined ? openAndInspect(file) : waiting.then(() => openAndInspect(file));
    },
    addNamesake: async (file) => {
      await catalog(file);
      await open(file, []);
    },
    addProof: (path, proof) => keeping.addProof(path, proof, () => undefined),
    watch: (facts) => {
      keeping.forget(facts.path);
      folders.see(facts.path);
      const watch = watchLongFile(facts, inspectors, keeping);
      const zipEnd = watchZipEnd();
      let opening: ArchiveStream | undefined;
      let isFirst = true;
      return {
        piece: (bytes) => {
          const form = isFirst ? streamedFormOf(facts.path, bytes) : undefined;
          isFirst = false;
          if (form !== undefined) opening = archives.stream(facts, form, inspectors);
          opening?.piece(bytes);
          watch.piece(bytes);
          zipEnd.piece(bytes);
        },
        ready: () => opening?.ready(),
        end: async (head) => {
          watch.end(await opening?.end());
          const file = { ...facts, head, content: undefined };
          // A program was already read as a stream.
          if (wanting(file).some(({ name }) => name !== 'program')) {
            keeping.addGap(facts.path, `with ${formatSize(facts.sizeBytes)} it is too long to be read`);
          } else if (opening === undefined && (archiveStart(head) !== undefined || zipEnd.isZip())) {
            keeping.addGap(facts.path, tooLongToOpen(facts.sizeBytes));
          } else if (opening?.form === 'gzip' && zipEnd.isZip()) {
            keeping.addGap(facts.path, alsoZip);
          }
          await inspect(file, heads);
        },
      };
    },
    addFolder: (folder) => {
      for (const inspector of inspectors) {
        try {
          keeping.addFindings(inspector.inspectFolder?.(folder) ?? []);
        } catch (error) {
          failure(folder.path, inspector)(error);
        }
      }
    },
    addLink: (path, target) => {
      if (!folders.link(path, target)) keeping.addGap('', 'it has more links to packages than are kept');
    },
    addGap: keeping.addGap,
    forget: keeping.forget,
    isWanted: (path) => isZipName(path) || wanting({ path, head: nothing, sizeBytes: 0 }).length > 0,
    result: () => ({ ...keeping.result(), ...folders.result() }),
  };
}
