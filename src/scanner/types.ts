/**
 * What the scanner says: what is in an image or a folder, and what is wrong with it. Plain data, so that reports can be
 * stored, compared, judged again and shown without the scanner.
 */
import type { Digest, LocalFile } from '../blobs/index.ts';
import type { MatchBudget } from './patterns/pattern-scan.ts';

/** Where a component comes from; decides how its versions compare and which advisories speak of it. */
export type Ecosystem =
  | 'deb'
  | 'apk'
  | 'rpm'
  | 'npm'
  | 'pypi'
  | 'golang'
  | 'maven'
  | 'cargo'
  | 'gem'
  | 'composer'
  /** Nobody publishes advisories of them. */
  | 'conda'
  /** A program that is known by itself: Node.js. */
  | 'binary';

export interface Location {
  /** In the image or folder, without a leading slash. */
  readonly path: string;
  /** Of the layer that brought it; undefined outside images. */
  readonly layer?: Digest | undefined;
}

export interface Component {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
  /** Package URL (purl-spec). */
  readonly purl: string;
  /** What advisories of distributions speak of: source package (deb, rpm), origin (apk). */
  readonly source?: { readonly name: string; readonly version: string } | undefined;
  readonly architecture?: string | undefined;
  readonly licences?: readonly string[] | undefined;
  /** Who made it, as it says: dpkg's maintainer, apk's, rpm's vendor, the author of others. */
  readonly supplier?: string | undefined;
  /** Digests of the package, as its package manager or the file itself tells: `sha256:` and hex. */
  readonly hashes?: readonly string[] | undefined;
  /** Package URLs of what it needs, as far as they are in the same inventory; undefined: nothing tells what it needs. */
  readonly dependsOn?: readonly string[] | undefined;
  /** It needs something more than `dependsOn` has. */
  readonly needsMore?: true | undefined;
  /** Its name is a guess, and advisories are looked up under these as well. */
  readonly otherNames?: readonly string[] | undefined;
  /** Not installed: it lies in archives that nothing loads it from as they are. */
  readonly kept?: true | undefined;
  /** All places where it was found, at least one. */
  readonly places: readonly Location[];
}

export interface Distribution {
  /** `ID` of os-release: `debian`, `alpine`. */
  readonly id: string;
  /** `VERSION_ID`: `13`, `3.20.1`. */
  readonly versionId: string;
  readonly name: string;
  /** Under which others know it: os-release's `CPE_NAME`. */
  readonly cpe?: string | undefined;
  /** ISO date on which its security support ends, where it is known. */
  readonly endOfLife?: string | undefined;
  /** No advisory speaks of its packages: that none of them is found to be vulnerable says nothing. */
  readonly withoutAdvisories?: true | undefined;
  /** It or its release is none that advisories are published of, so its packages can't be judged. */
  readonly notJudged?: true | undefined;
}

export interface Layer {
  /** Of its uncompressed tar. */
  readonly diffId: Digest;
  /** History line that made it. */
  readonly createdBy?: string | undefined;
}

/** What could not be read, and so may hide something. */
export interface Gap {
  readonly path: string;
  readonly reason: string;
}

/** What is in it. */
export interface Inventory {
  readonly distribution?: Distribution | undefined;
  readonly components: readonly Component[];
  /** Lowest first; none outside images. */
  readonly layers: readonly Layer[];
  readonly gaps: readonly Gap[];
}

export const severities = ['unknown', 'none', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

interface FindingBase {
  /** Advisory id, or the id of a rule. */
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly places: readonly Location[];
}

export interface Vulnerability extends FindingBase {
  readonly class: 'vulnerability';
  /** All other ids of the same vulnerability. */
  readonly aliases: readonly string[];
  readonly component: Pick<Component, 'ecosystem' | 'name' | 'version' | 'purl'>;
  /** Where the severity comes from: `debian`, `ghsa`, `nvd`, … */
  readonly severitySource: string;
  readonly cvss?: { readonly score: number; readonly vector: string } | undefined;
  /** Versions that fix it, the nearest first; empty: none is known. */
  readonly fixedIn: readonly string[];
  /** What the distribution says of it where it is not fixed: `affected`, `will_not_fix`, `fix_deferred`, `end_of_life`. */
  readonly status: string;
  /** Probability of exploitation in 30 days, 0 to 1. */
  readonly epss?: number | undefined;
  /** Known to be exploited (CISA KEV). */
  readonly knownExploited: boolean;
  /** Its version can't be compared with those of the advisory: nobody knows whether it is affected. */
  readonly uncertain?: true | undefined;
  /** ISO time. */
  readonly published?: string | undefined;
  /** ISO time since when there is a fix, where the advisory tells; else it counts from `published`. */
  readonly fixKnownSince?: string | undefined;
  readonly url?: string | undefined;
}

/** Malware by rule, or a package that is known to be malicious (`MAL-…`). */
export interface Malware extends FindingBase {
  readonly class: 'malware';
  /** All other ids of the advisory, where there is one. */
  readonly aliases?: readonly string[] | undefined;
  readonly component?: Pick<Component, 'ecosystem' | 'name' | 'version' | 'purl'> | undefined;
  /** Of the file, script or command that it was found in; undefined for what is too long to be read whole. */
  readonly contentDigest?: Digest | undefined;
}

export interface Secret extends FindingBase {
  readonly class: 'secret';
  /** Never the secret itself. */
  readonly redacted: string;
  readonly line?: number | undefined;
}

export interface Misconfiguration extends FindingBase {
  readonly class: 'misconfiguration';
  /** What to do. */
  readonly advice: string;
}

export type Finding = Vulnerability | Malware | Secret | Misconfiguration;

/** A finding that somebody declared harmless here. */
export interface Suppressed {
  readonly finding: Finding;
  /** `vex` with its justification, or the words of an ignore rule. */
  readonly reason: string;
}

/** With which rules a report was made. */
export interface RulesState {
  /** Of all of them, and of this version of Ward: the same finds the same in the same. */
  readonly revision: string;
  /** Of those by which it was read; it stays when the report is judged anew. */
  readonly read: string;
  /** Version of the Ward that judged last. */
  readonly ward: string;
}

/** Which advisories a report was made with. */
export interface AdvisoryState {
  /** Of what they say: it is the same whenever, and in whatever order, the same was imported. */
  readonly revision: string;
  /** ISO time of the newest record's change. */
  readonly updatedAt?: string | undefined;
  /** ISO time at which the source that waits longest was last imported, or found to be unchanged. */
  readonly checkedAt?: string | undefined;
  readonly count: number;
}

export interface Report {
  readonly form: 1;
  readonly target: {
    /** As it was asked for. */
    readonly name: string;
    readonly kind: 'image' | 'artifact' | 'folder' | 'sbom' | 'code';
    /** Of the manifest or the archive. */
    readonly digest?: Digest | undefined;
  };
  /** ISO time. */
  readonly scannedAt: string;
  readonly inventory: Inventory;
  readonly findings: readonly Finding[];
  readonly suppressed: readonly Suppressed[];
  /** Undefined: there were none, so vulnerabilities were not looked for. */
  readonly advisories?: AdvisoryState | undefined;
  /** Undefined: a Ward made it that did not tell. */
  readonly rules?: RulesState | undefined;
}

/** One regular file of a layer, a folder or an archive, as those who look at files are given it. */
export interface ScannedFile {
  /** Without a leading slash. */
  readonly path: string;
  /** Permission bits with set-uid, set-gid, sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Extended attributes by name, as far as the archive tells. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** The first bytes, up to `headBytes`. */
  readonly head: Buffer;
  /** All of it; undefined when it is longer than what is read whole. */
  readonly content: Buffer | undefined;
}

export { headBytes } from '../images/index.ts';
/** Longer files are looked at by their head alone. */
export const longestWhole = 64 * 1024 * 1024;

/** Looks at files for what is wrong with them. One that throws is reported as a gap, never as clean. */
export interface FileInspector {
  readonly name: string;
  /** Changes when it would find something else; kept with what it found. */
  readonly revision: string;
  /** @param budget of what many small files of one author may cost together */
  inspect(file: ScannedFile, budget?: MatchBudget): readonly Finding[] | Promise<readonly Finding[]>;
  /** It looks at what lies in archives, too: bytes matter there, but no modes and owners. */
  readonly looksInside?: true;
  /**
   * For a file that is longer than what is read whole: it is shown piece by piece from its first byte on, instead of
   * being inspected. Without this, it is inspected by its head alone.
   */
  watch?(file: FileFacts): FileWatch;
  /** Folders have no content, but modes and owners. */
  inspectFolder?(folder: ScannedFolder): readonly Finding[];
}

interface FileWatch {
  /** The bytes need to stay as they are only until it returns. Throws what `inspect` would. */
  piece(bytes: Buffer): void;
  /** After the last. */
  end(): readonly Finding[];
}

/** What is known of a file before it is read. */
export type FileFacts = Omit<ScannedFile, 'head' | 'content'>;

export type ScannedFolder = Pick<ScannedFile, 'path' | 'mode' | 'uid' | 'gid'>;

/** The parts of an image's configuration that can be wrong. */
export interface ScannedConfig {
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly user: string;
  readonly exposedPorts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly healthcheck: boolean;
  /** What engines run beside the entry point: to see how it is, and when another image is built upon it. */
  readonly others?: readonly { readonly place: string; readonly command: readonly string[] }[];
  readonly history: readonly { readonly createdBy: string; readonly emptyLayer: boolean }[];
}

export interface ConfigInspector {
  readonly name: string;
  /** Changes when it would find something else. */
  readonly revision: string;
  inspect(config: ScannedConfig): readonly Finding[];
}

/** All who look for what is wrong. */
export interface InspectorSet {
  readonly files: readonly FileInspector[];
  readonly config: readonly ConfigInspector[];
}

/** What advisories say of components. */
export interface AdvisoryMatcher {
  /** Undefined: there are none. */
  state(): AdvisoryState | undefined;
  /** Whether any advisory speaks of packages of the distribution. */
  covers(distribution: Distribution): boolean;
  /**
   * Whether advisories could speak of it: false for a distribution that none are published of, one that does not say
   * its release, and a release that none of those of its distribution names.
   */
  knows(distribution: Distribution): boolean;
  /** ISO date after which nobody mends the release; undefined when it is not known. */
  endOfLife(distribution: Distribution): string | undefined;
  /** Vulnerabilities, and packages that are known to be malicious; aliases are merged to one finding. */
  match(
    components: readonly Component[],
    distribution: Distribution | undefined,
  ): readonly (Vulnerability | Malware)[];
}

/** An image, wherever it is. What it hands out need not be right: the scanner checks digests and diff ids itself. */
export interface ImageSource {
  readonly name: string;
  /** Of the manifest of one platform. */
  readonly digest: Digest;
  readonly config: ScannedConfig;
  readonly layers: readonly ImageLayer[];
}

export interface ImageLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly mediaType: string;
  /** The compressed bytes. Called again when they have to be read twice. */
  open(): Promise<import('node:stream').Readable>;
  /** A file that holds these bytes and nothing else, where there is one: a process that scans then opens it by itself. */
  localFile?: (() => Promise<LocalFile>) | undefined;
  /** Who hands it out has taken the digest of its bytes: the scanner takes that of what they unpack to alone. */
  readonly isVerified?: true | undefined;
}

/** What was pushed and is not an image: blobs, each of which is looked at by itself. */
export interface ArtifactSource {
  readonly name: string;
  /** Of its manifest. */
  readonly digest: Digest;
  readonly blobs: readonly ArtifactBlob[];
}

export interface ArtifactBlob extends Pick<ImageLayer, 'digest' | 'open' | 'localFile' | 'isVerified'> {
  /** Bytes. */
  readonly size: number;
  /** The file's name, where its pusher gave one. */
  readonly title?: string | undefined;
}

export interface ScanOptions {
  /** Ends the scan early: it then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface Scanner {
  /** A layer that can't be read is a gap. @throws Fault LAYER_MISMATCH, and what opening a layer fails with */
  scanImage(image: ImageSource, options?: ScanOptions): Promise<Report>;
  /**
   * A blob that may be a layer is read as one; a zip, for the files in it; all others, as a file.
   * @throws what opening a blob fails with; what can't be read is a gap
   */
  scanArtifact(artifact: ArtifactSource, options?: ScanOptions): Promise<Report>;
  /** Starts what reads, so that the first scan need not wait for it. @throws Fault SCAN_FAILED */
  prepare(): Promise<void>;
  /**
   * Reads a layer's compressed bytes ahead of the image's manifest, so that `scanImage` need not: it then compares the
   * diff id alone.
   * @throws Fault LAYER_MISMATCH, ARCHIVE_INVALID (also when it is not a layer at all), ARCHIVE_TOO_LARGE, SCAN_TIMED_OUT
   */
  scanLayer(layer: Omit<ImageLayer, 'diffId' | 'mediaType'>, options?: ScanOptions): Promise<void>;
  /** @throws what reading `dir` fails with; what can't be read inside of it is a gap */
  scanFolder(dir: string, name: string, options?: ScanOptions): Promise<Report>;
  /**
   * Function code: text of one file, or a zip.
   * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID, SCAN_TIMED_OUT
   */
  scanCode(
    code: Uint8Array,
    what: { readonly name: string; readonly kind: string },
    options?: ScanOptions,
  ): Promise<Report>;
  /** CycloneDX or SPDX JSON. @throws Fault SBOM_INVALID */
  scanSbom(sbom: Uint8Array, name: string): Promise<Report>;
  /** The same inventory judged with the current advisories; nothing is read again. */
  rejudge(report: Report): Promise<Report>;
}
