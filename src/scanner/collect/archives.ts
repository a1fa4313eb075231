/**
 * Opens archives, and archives in them, for those who look at files: what is inside is shown to rules as if it lay there,
 * and its packages are told with where they are. What is not opened is a gap.
 */
import { hash } from 'node:crypto';
import { headBytes } from '../../images/index.ts';
import { formatSize, isFault, messageOf } from '../../lib/index.ts';
import { type ArchiveForm, archiveForm, archiveStart, openedForms } from '../archives/forms.ts';
import { type Contained, type LongVisit, type Visitor, walkArchive } from '../archives/walk.ts';
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
import { watchLongFile } from './long-file.ts';

/** What was found inside: the same need not be told of the archive itself. */
export interface Inside {
  has(finding: Finding): boolean;
}

/** What a file is opened as: what is called a jar has to be a zip. */
export function archiveFormOf(path: string, content: Buffer): ArchiveForm | undefined {
  return archiveForm(content) ?? (isJarName(path) ? 'zip' : undefined);
}

export interface ArchiveOpening {
  /** @param inspectors none: for its packages alone */
  open(
    file: ScannedFile & { readonly content: Buffer },
    form: ArchiveForm,
    inspectors: readonly FileInspector[],
  ): Promise<Inside>;
}

/** What opens one archive with all that lies in it. */
interface Walk {
  readonly outer: ScannedFile;
  /** Of the outer one. */
  readonly digests: () => Digests | undefined;
  readonly work: Work;
  readonly catalogers: readonly Cataloger[];
  readonly inspectors: readonly FileInspector[];
  readonly keeping: Keeping;
  readonly found: Set<string>;
  gaps: number;
}

/** The archives that something lies in, the outermost first. */
type Containers = readonly [Container, ...Container[]];

/** Of one archive; whoever mends those will find the others. */
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
  return {
    open: async (file, form, inspectors) => {
      const found = new Set<string>();
      const walk: Walk = {
        outer: file,
        digests: once(() => digestsOf(file.path, file.content)),
        work: openWork(file.sizeBytes, all, limits),
        catalogers: inside,
        inspectors: inspectors.filter(({ looksInside }) => looksInside === true),
        keeping,
        found,
        gaps: 0,
      };
      try {
        await openOne(walk, form, file.content, [], file.path);
      } catch (error) {
        addGap(walk, [], messageOf(error));
      }
      return { has: (finding) => found.has(keyOf(finding)) };
    },
  };
}

/** For an archive that is longer than what is read whole. */
export function tooLongToOpen(sizeBytes: number, limits = archiveLimits): string {
  const most = formatSize(limits.longestWhole);
  return `not scanned: archives of ${most} are opened at most, and it has ${formatSize(sizeBytes)}; ${advice}`;
}

async function openOne(
  walk: Walk,
  form: ArchiveForm,
  bytes: Buffer,
  outside: readonly Container[],
  path: string,
): Promise<void> {
  const opened = openedForms.find((each) => each === form);
  if (opened === undefined) throw new Error(`it is of the form ${form}, which is not opened here`);
  const { maxDepth } = walk.work.limits;
  if (outside.length >= maxDepth) throw new Error(`it lies in ${maxDepth} others, and no deeper is looked`);
  using _held = walk.work.hold(outside.length === 0 ? 0 : bytes.length);
  const container = { form: opened, path };
  const [outermost = container, ...others] = [...outside, container];
  const containers: Containers = [outermost, ...others];
  const jar = opened === 'zip' && isJarName(path) ? openJar(path) : undefined;
  try {
    await walkArchive(opened, bytes, walk.work, visitorOf(walk, containers, jar));
  } finally {
    if (jar !== undefined) addProof(walk, containers, namesOf(containers), withHashes(jar.proof(), bytes));
  }
}

/** A jar with one artifact in it is that artifact. */
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
    long: (contained) => visitLong(walk, factsOf(contained)),
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
  const form = archiveFormOf(name, file.content);
  if (form !== undefined) {
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

/** What is found in two places of one archive is told of both, and in an archive within only of the innermost. */
function keep(walk: Walk, found: readonly Finding[]): void {
  walk.keeping.addFindings(found);
  for (const finding of found) walk.found.add(keyOf(finding));
}

function keyOf({ class: kind, id, title }: Finding): string {
  return JSON.stringify([kind, id, title]);
}

function visitLong(walk: Walk, facts: FileFacts): LongVisit {
  const { piece, end } = watchLongFile(facts, walk.inspectors, walk.keeping);
  return {
    piece,
    end: (head) => {
      end();
      if (archiveStart(head) !== undefined) walk.keeping.addGap(facts.path, tooLongToOpen(facts.sizeBytes));
      return undefined;
    },
  };
}

/** What is kept and not installed may be broken: nobody runs it. */
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
  if (walk.gaps > maxGaps) walk.keeping.addGap(walk.outer.path, 'not scanned: more in it than is listed');
  else walk.keeping.addGap(pathOf(walk, names), `not scanned: ${why}; ${advice}`);
}

/** Inside of the outermost. */
function namesOf([, ...others]: Containers): readonly string[] {
  return others.map(({ path }) => path);
}

function pathOf(walk: Walk, names: readonly string[]): string {
  return [walk.outer.path, ...names].join('!/');
}

/** A name is told, and asked of rules; nothing is ever laid there. */
function cleanName(name: string): string {
  const clean = name
    .replaceAll(/\p{Cc}/gu, '?')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
  return clean.length > longestName ? `…${clean.slice(-longestName)}` : clean;
}

/** Of what a file holds that is only compressed. */
function bareName(containers: Containers): string {
  const path = containers.at(-1)?.path ?? '';
  return (
    path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:t?gz|t?zst|tbz2?|bz2|txz|xz|z)$/i, '') || 'content'
  );
}
