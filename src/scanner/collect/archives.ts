/**
 * Opens archives and nested archives for catalogers and inspectors. Rules see the content as if it lay in the folder, and
 * packages are reported with the archives around them. Archives that are not opened are gaps.
 */
import { hash } from 'node:crypto';
import { headBytes } from '../../images/index.ts';
import { formatSize, isFault, messageOf } from '../../lib/index.ts';
import { openFeed } from '../archives/feed.ts';
import {
  type ArchiveForm,
  archiveForms,
  archiveStart,
  type OpenedForm,
  openedForms,
} from '../archives/forms.ts';
import { type Contained, type LongVisit, type Visitor, walkArchive } from '../archives/walk.ts';
import { type StreamedArchive, streamedFormOf, walkStream } from '../archives/walk-stream.ts';
import {
  type AllWork,
  type ArchiveLimits,
  archiveLimits,
  openWork,
  type Work,
  WorkExceeded,
} from '../archives/work.ts';
import { type Container, isLoadedFrom } from '../inventory/in-archives.ts';
import { isJarName, type JarReading, openJar } from '../inventory/java/jar.ts';
import type { Cataloger, Digests, Proof } from '../inventory/types.ts';
import { longestUnwanted } from '../limits.ts';
import { hidesText } from '../texts/plain-text.ts';
import type { FileFacts, FileInspector, Finding, ScannedFile } from '../types.ts';
import { attempt, oneByOne } from './attempt.ts';
import { digestsOf } from './file-digests.ts';
import type { Keeping } from './keeping.ts';
import { type Inside, watchLongFile } from './long-file.ts';

/** The forms to open a file as. A file with the name of a jar must be a zip. */
export function archiveFormsOf(path: string, content: Buffer): readonly ArchiveForm[] {
  const forms = archiveForms(content);
  return forms.length === 0 && isJarName(path) ? ['zip'] : forms;
}

interface ArchiveOpening {
  /** Opens the file as each of these forms. @param inspectors none to look only for packages */
  open(
    file: ScannedFile & { readonly content: Buffer },
    forms: readonly ArchiveForm[],
    inspectors: readonly FileInspector[],
  ): Promise<Inside>;
  /** Opens an archive that is too long for memory, as a stream. */
  stream(file: FileFacts, form: StreamedArchive, inspectors: readonly FileInspector[]): ArchiveStream;
}

export interface ArchiveStream {
  readonly form: StreamedArchive;
  /** The bytes may change after the call. */
  piece(bytes: Buffer): void;
  /** A promise when the caller must wait before the next piece. */
  ready(): Promise<void> | undefined;
  end(): Promise<Inside>;
}

/** The state of opening one archive with its nested archives. */
interface Walk {
  readonly outer: FileFacts;
  /** Digests of the outer archive. */
  readonly digests: () => Digests | undefined;
  readonly work: Work;
  readonly catalogers: readonly Cataloger[];
  readonly inspectors: readonly FileInspector[];
  readonly keeping: Keeping;
  readonly found: Set<string>;
  gaps: number;
}

/** The archives around an entry, outermost first. */
type Containers = readonly [Container, ...Container[]];

/** The limit for one archive. After fixing those, the user will see the others. */
const maxGaps = 20;
const longestName = 250;
const advice = 'unpack it or leave it out';
const noAttributes: ReadonlyMap<string, Buffer> = new Map();

export function openArchives(
  catalogers: readonly Cataloger[],
  keeping: Keeping,
  limits: ArchiveLimits = archiveLimits,
): ArchiveOpening {
  const all: AllWork = { bytes: 0, entries: 0 };
  const inside = catalogers.filter(({ wantsInside }) => wantsInside !== undefined);
  const walkOf = (
    outer: FileFacts,
    inspectors: readonly FileInspector[],
    digests: () => Digests | undefined,
  ): Walk => ({
    outer,
    digests,
    work: openWork(outer.sizeBytes, all, limits),
    catalogers: inside,
    inspectors: inspectors.filter(({ looksInside }) => looksInside === true),
    keeping,
    found: new Set<string>(),
    gaps: 0,
  });
  return {
    open: async (file, forms, inspectors) => {
      const walk = walkOf(
        file,
        inspectors,
        once(() => digestsOf(file.path, file.content)),
      );
      for (const form of forms) {
        try {
          await openOne(walk, form, file.content, [], file.path);
        } catch (error) {
          addGap(walk, [], messageOf(error));
        }
      }
      return { has: (finding) => walk.found.has(keyOf(finding)) };
    },
    stream: (file, form, inspectors) => {
      const walk = walkOf(file, inspectors, () => undefined);
      const { piece, ready, end } = streamOne(walk, form, [], file.path);
      return {
        form,
        piece,
        ready,
        end: async () => {
          const failure = await end();
          if (failure !== undefined) addGap(walk, [], messageOf(failure.error));
          return { has: (finding) => walk.found.has(keyOf(finding)) };
        },
      };
    },
  };
}

/** The gap for an archive that is too long to be read whole, and can't be streamed. */
export function tooLongToOpen(sizeBytes: number, limits = archiveLimits): string {
  const most = formatSize(limits.longestWhole);
  return `not scanned: archives of this form are opened up to ${most}, and it has ${formatSize(sizeBytes)}; ${advice}`;
}

async function openOne(
  walk: Walk,
  form: ArchiveForm,
  bytes: Buffer,
  outside: readonly Container[],
  path: string,
): Promise<void> {
  const opened = openedForms.find((each) => each === form);
  if (opened === undefined) throw new Error(`it has the form ${form}, which Ward does not open`);
  using _held = walk.work.hold(outside.length === 0 ? 0 : bytes.length);
  await walkInto(walk, opened, outside, path, {
    walk: (visitor) => walkArchive(opened, bytes, walk.work, visitor),
    withHashes: (proof) => withHashes(proof, bytes),
  });
}

interface Way {
  walk(visitor: Visitor): Promise<void>;
  withHashes(proof: Proof): Proof;
}

async function walkInto(
  walk: Walk,
  form: OpenedForm,
  outside: readonly Container[],
  path: string,
  way: Way,
): Promise<void> {
  const { maxDepth } = walk.work.limits;
  if (outside.length >= maxDepth)
    throw new Error(`it is inside ${maxDepth} other archives, and Ward looks no deeper`);
  const container = { form, path };
  const [outermost = container, ...others] = [...outside, container];
  const containers: Containers = [outermost, ...others];
  const jar = form === 'zip' && isJarName(path) ? openJar(path) : undefined;
  try {
    await way.walk(visitorOf(walk, containers, jar));
  } finally {
    if (jar !== undefined) addProof(walk, containers, namesOf(containers), way.withHashes(jar.proof()));
  }
}

interface OneStream extends Omit<ArchiveStream, 'form' | 'end'> {
  /** The error that ended the reading early. */
  end(): Promise<{ readonly error: unknown } | undefined>;
}

/** Walks a streamed archive. It takes no digests, since the bytes are not in memory. */
function streamOne(
  walk: Walk,
  form: StreamedArchive,
  outside: readonly Container[],
  path: string,
): OneStream {
  const feed = openFeed();
  const walking = walkInto(walk, form, outside, path, {
    walk: (visitor) => walkStream(form, feed.bytes, walk.work, visitor),
    withHashes: (proof) => proof,
  });
  const done = walking.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  void done.then(feed.leave);
  return {
    piece: feed.push,
    ready: feed.ready,
    end: () => {
      feed.end();
      return done;
    },
  };
}

/** The hashes of a jar are those of its artifact if it has only one. */
function withHashes(proof: Proof, bytes: Buffer): Proof {
  const [only, ...others] = proof.packages ?? [];
  if (only === undefined || others.length > 0) return proof;
  const hashes = (['sha1', 'sha256'] as const).map((algorithm) => `${algorithm}:${hash(algorithm, bytes)}`);
  return { ...proof, packages: [{ ...only, hashes }] };
}

function visitorOf(walk: Walk, containers: Containers, jar: JarReading | undefined): Visitor {
  const names = namesOf(containers);
  const nameOf = (name: string | undefined): string =>
    name === undefined ? bareName(containers) : cleanName(name);
  const factsOf = ({ name, mode, sizeBytes }: Contained): FileFacts => {
    const path = pathOf(walk, [...names, nameOf(name)]);
    return { path, mode, sizeBytes, uid: 0, gid: 0, xattrs: noAttributes };
  };
  return {
    file: (contained, content) => {
      jar?.entry(contained.name ?? '', content);
      const file = { ...factsOf(contained), head: content.subarray(0, headBytes), content };
      return visit(walk, containers, nameOf(contained.name), file);
    },
    long: (contained) => visitLong(walk, containers, nameOf(contained.name), factsOf(contained)),
    isWanted: ({ sizeBytes }, start) =>
      sizeBytes <= longestUnwanted || archiveStart(start) !== undefined || hidesText(start),
    gap: (name, why) => addGap(walk, name === undefined ? names : [...names, nameOf(name)], why),
  };
}

async function visit(
  walk: Walk,
  containers: Containers,
  name: string,
  file: ScannedFile & { readonly content: Buffer },
): Promise<void> {
  const names = [...namesOf(containers), name];
  const base = name.slice(name.lastIndexOf('/') + 1);
  const inArchive = { ...file, path: name };
  const wanting = walk.catalogers.filter((each) => each.wantsInside?.(inArchive, base));
  await oneByOne(wanting, (cataloger) =>
    attempt(
      () => cataloger.read(inArchive),
      (proof) => addProof(walk, containers, names, proof),
      (error) => addProof(walk, containers, names, { gaps: [`${cataloger.name}: ${messageOf(error)}`] }),
    ),
  );
  for (const form of archiveFormsOf(name, file.content)) {
    try {
      await openOne(walk, form, file.content, containers, name);
    } catch (error) {
      if (error instanceof WorkExceeded) throw error;
      addGap(walk, names, messageOf(error));
    }
  }
  await inspect(walk, names, file);
}

async function inspect(walk: Walk, names: readonly string[], file: ScannedFile): Promise<void> {
  await oneByOne(walk.inspectors, (inspector) =>
    attempt(
      () => inspector.inspect(file, walk.work.budget),
      (found) => keep(walk, found),
      (error) => {
        if (isFault(error) && error.code === 'SCAN_TOO_COSTLY') throw new WorkExceeded(error.message);
        addGap(walk, names, `${inspector.name}: ${messageOf(error)}`);
      },
    ),
  );
}

/** Keeps findings. One in two places of an archive is reported for both; one in a nested archive only for the innermost. */
function keep(walk: Walk, found: readonly Finding[]): void {
  walk.keeping.addFindings(found);
  for (const finding of found) walk.found.add(keyOf(finding));
}

function keyOf({ class: kind, id, title }: Finding): string {
  return JSON.stringify([kind, id, title]);
}

function visitLong(walk: Walk, containers: Containers, name: string, facts: FileFacts): LongVisit {
  const watch = watchLongFile(facts, walk.inspectors, walk.keeping);
  let opening: OneStream | undefined;
  let isFirst = true;
  return {
    piece: (bytes) => {
      const form = isFirst ? streamedFormOf(name, bytes) : undefined;
      isFirst = false;
      if (form !== undefined) opening = streamOne(walk, form, containers, name);
      opening?.piece(bytes);
      watch.piece(bytes);
    },
    ready: () => opening?.ready(),
    end: async (head) => {
      const failure = await opening?.end();
      if (failure?.error instanceof WorkExceeded) throw failure.error;
      if (failure !== undefined) addGap(walk, [...namesOf(containers), name], messageOf(failure.error));
      if (opening === undefined && archiveStart(head) !== undefined)
        walk.keeping.addGap(facts.path, tooLongToOpen(facts.sizeBytes));
      watch.end({ has: (finding) => walk.found.has(keyOf(finding)) });
    },
  };
}

/** Marks packages that are kept but not installed, since nothing runs them. */
function addProof(
  walk: Walk,
  containers: Containers,
  names: readonly string[],
  proof: Proof | undefined,
): void {
  if (proof === undefined) return;
  const inside = names.length === 0 ? undefined : names.join('!/');
  const packages = (proof.packages ?? []).map((found) => {
    const isLoaded = isLoadedFrom(containers, found.ecosystem);
    return { ...found, within: inside, ...(!isLoaded && { kept: true as const }) };
  });
  const gaps = (proof.gaps ?? []).map((gap) => (inside === undefined ? gap : `${inside}: ${gap}`));
  walk.keeping.addProof(walk.outer.path, { packages, gaps }, walk.digests);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function addGap(walk: Walk, names: readonly string[], why: string): void {
  walk.gaps++;
  if (walk.gaps > maxGaps + 1) return;
  if (walk.gaps > maxGaps)
    walk.keeping.addGap(walk.outer.path, 'not scanned: more parts of it than are listed');
  else walk.keeping.addGap(pathOf(walk, names), `not scanned: ${why}; ${advice}`);
}

/** Names below the outermost archive. */
function namesOf([, ...others]: Containers): readonly string[] {
  return others.map(({ path }) => path);
}

function pathOf(walk: Walk, names: readonly string[]): string {
  return [walk.outer.path, ...names].join('!/');
}

/** Cleans a name for reports and rules. No file is ever created under it. */
function cleanName(name: string): string {
  const clean = name
    .replaceAll(/\p{Cc}/gu, '?')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  return clean.length > longestName ? `…${clean.slice(-longestName)}` : clean;
}

/** The name for the content of a compressed file. */
function bareName(containers: Containers): string {
  const path = containers.at(-1)?.path ?? '';
  return (
    path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:t?gz|t?zst|tbz2?|bz2|txz|xz|tlz|lzma|z)$/i, '') ||
    'content'
  );
}
