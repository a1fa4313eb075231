/**
 * The scanner's reports and contracts. A report states what is in an image or a folder, and what is wrong with it. It is
 * plain data, so that it can be stored, compared, judged again and shown without the scanner.
 */
import type { Digest, LocalFile } from '../blobs/index.ts';
import type { MatchBudget } from './patterns/pattern-scan.ts';

/** The package ecosystem. It determines the order of versions and the advisories that apply. */
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
  /** No source publishes advisories for these. */
  | 'conda'
  /** A program that is recognized without a package: Node.js. */
  | 'binary';

export interface Location {
  /** Path in the image or folder, without a leading slash. */
  readonly path: string;
  /** Diff id of the layer that added it; undefined outside images. */
  readonly layer?: Digest | undefined;
}

export interface Component {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
  /** Package URL (purl-spec). */
  readonly purl: string;
  /** The name that advisories of distributions use: source package (deb, rpm), origin (apk). */
  readonly source?: { readonly name: string; readonly version: string } | undefined;
  readonly architecture?: string | undefined;
  readonly licences?: readonly string[] | undefined;
  /** Its stated maker: dpkg's or apk's maintainer, rpm's vendor, the author of other packages. */
  readonly supplier?: string | undefined;
  /** Digests of the package, as the package manager or the file states them: `sha256:` and hex. */
  readonly hashes?: readonly string[] | undefined;
  /** Package URLs of its dependencies in the same inventory; undefined when its dependencies are unknown. */
  readonly dependsOn?: readonly string[] | undefined;
  /** It has more dependencies than `dependsOn` lists. */
  readonly needsMore?: true | undefined;
  /** The name is a guess. Advisories are also looked up under these names. */
  readonly otherNames?: readonly string[] | undefined;
  /** Not installed: it is only in archives from which nothing loads it. */
  readonly kept?: true | undefined;
  /** All places where it was found; at least one. */
  readonly places: readonly Location[];
}

export interface Distribution {
  /** `ID` of os-release: `debian`, `alpine`. */
  readonly id: string;
  /** `VERSION_ID`: `13`, `3.20.1`. */
  readonly versionId: string;
  readonly name: string;
  /** `CPE_NAME` of os-release. */
  readonly cpe?: string | undefined;
  /** ISO date on which its security support ends, if it is known. */
  readonly endOfLife?: string | undefined;
  /** No advisory covers its packages, so the absence of findings means nothing. */
  readonly withoutAdvisories?: true | undefined;
  /** No source publishes advisories for it or its release, so its packages can't be judged. */
  readonly notJudged?: true | undefined;
}

export interface Layer {
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** The history line that created it. */
  readonly createdBy?: string | undefined;
}

/** A part that could not be read, and so may hide something. */
export interface Gap {
  readonly path: string;
  readonly reason: string;
}

/** The contents of an image, artifact, folder, SBOM or code. */
export interface Inventory {
  readonly distribution?: Distribution | undefined;
  readonly components: readonly Component[];
  /** The lowest first; empty outside images. */
  readonly layers: readonly Layer[];
  readonly gaps: readonly Gap[];
}

export const severities = ['unknown', 'none', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

interface FindingBase {
  /** Id of an advisory or of a rule. */
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
  /** The source of the severity: `debian`, `ghsa`, `nvd`, … */
  readonly severitySource: string;
  readonly cvss?: { readonly score: number; readonly vector: string } | undefined;
  /** Versions that fix it, the nearest first; empty when no fix is known. */
  readonly fixedIn: readonly string[];
  /** The distribution's status while there is no fix: `affected`, `will_not_fix`, `fix_deferred`, `end_of_life`. */
  readonly status: string;
  /** Probability of exploitation in 30 days, 0 to 1. */
  readonly epss?: number | undefined;
  /** Known to be exploited (CISA KEV). */
  readonly knownExploited: boolean;
  /** The version can't be compared with those of the advisory, so it is unknown whether it is affected. */
  readonly uncertain?: true | undefined;
  /** ISO time. */
  readonly published?: string | undefined;
  /** ISO time at which a fix became known, if that differs from `published`. */
  readonly fixKnownSince?: string | undefined;
  readonly url?: string | undefined;
}

/** Malware found by a rule, or a package that is known to be malicious (`MAL-…`). */
export interface Malware extends FindingBase {
  readonly class: 'malware';
  /** All other ids of the advisory, if there is one. */
  readonly aliases?: readonly string[] | undefined;
  readonly component?: Pick<Component, 'ecosystem' | 'name' | 'version' | 'purl'> | undefined;
  /** Digest of the file, script or command that it was found in; undefined for files too long to be read whole. */
  readonly contentDigest?: Digest | undefined;
}

export interface Secret extends FindingBase {
  readonly class: 'secret';
  /** The redacted secret; never the secret itself. */
  readonly redacted: string;
  readonly line?: number | undefined;
}

export interface Misconfiguration extends FindingBase {
  readonly class: 'misconfiguration';
  /** What to do about it. */
  readonly advice: string;
}

export type Finding = Vulnerability | Malware | Secret | Misconfiguration;

/** A finding that was declared harmless here. */
export interface Suppressed {
  readonly finding: Finding;
  /** `vex` with its justification, or the reason of an ignore rule. */
  readonly reason: string;
}

/** The rules that a report was made with. */
export interface RulesState {
  /** Identifies all rules and the version of Ward. With equal revisions, equal content gives equal findings. */
  readonly revision: string;
  /** Identifies the rules that the content was read with. It does not change when the report is judged again. */
  readonly read: string;
  /** The version of Ward that judged last. */
  readonly ward: string;
}

/** The advisories that a report was made with. */
export interface AdvisoryState {
  /** Identifies their content, independent of when and in which order it was imported. */
  readonly revision: string;
  /** ISO time of the last change of the newest record. */
  readonly updatedAt?: string | undefined;
  /** ISO time of the last check of the source that was not checked for the longest time. */
  readonly checkedAt?: string | undefined;
  readonly count: number;
}

export interface Report {
  readonly form: 1;
  readonly target: {
    /** The name that the caller gave. */
    readonly name: string;
    readonly kind: 'image' | 'artifact' | 'folder' | 'sbom' | 'code';
    /** Digest of the manifest or the archive. */
    readonly digest?: Digest | undefined;
  };
  /** ISO time. */
  readonly scannedAt: string;
  readonly inventory: Inventory;
  readonly findings: readonly Finding[];
  readonly suppressed: readonly Suppressed[];
  /** Undefined when there were none, so that vulnerabilities were not searched for. */
  readonly advisories?: AdvisoryState | undefined;
  /** Undefined in reports by versions of Ward that did not record it. */
  readonly rules?: RulesState | undefined;
}

/** One regular file of a layer, a folder or an archive, as inspectors see it. */
export interface ScannedFile {
  /** Without a leading slash. */
  readonly path: string;
  /** Permission bits, with set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Extended attributes by name, as far as the archive has them. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** The first bytes, at most `headBytes`. */
  readonly head: Buffer;
  /** The whole content; undefined when it is longer than `longestWhole`. */
  readonly content: Buffer | undefined;
}

export { headBytes } from '../images/index.ts';
/** Longer files are not held in memory. */
export const longestWhole = 64 * 1024 * 1024;

/** Finds what is wrong with files. If it throws, the file is a gap, never clean. */
export interface FileInspector {
  readonly name: string;
  /** Changes when the inspector would find something else. The cache of layers depends on it. */
  readonly revision: string;
  /** @param budget shared by many small files of one author */
  inspect(file: ScannedFile, budget?: MatchBudget): readonly Finding[] | Promise<readonly Finding[]>;
  /** It also inspects files in archives, where content matters but modes and owners do not. */
  readonly looksInside?: true;
  /**
   * Takes a file that is too long to be read whole piece by piece from its first byte. Without this method, `inspect` gets
   * only its head.
   */
  watch?(file: FileFacts): FileWatch;
  /** Inspects the mode and the owner of a folder. */
  inspectFolder?(folder: ScannedFolder): readonly Finding[];
}

interface FileWatch {
  /** The bytes may change after the call. Throws what `inspect` would. */
  piece(bytes: Buffer): void;
  /** Called after the last piece. */
  end(): readonly Finding[];
}

/** The facts about a file that are known before it is read. */
export type FileFacts = Omit<ScannedFile, 'head' | 'content'>;

export type ScannedFolder = Pick<ScannedFile, 'path' | 'mode' | 'uid' | 'gid'>;

/** The parts of an image's configuration that inspectors check. */
export interface ScannedConfig {
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly user: string;
  readonly exposedPorts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly healthcheck: boolean;
  /** Other commands that engines run: for health checks, and when another image is built on this one. */
  readonly others?: readonly { readonly place: string; readonly command: readonly string[] }[];
  readonly history: readonly { readonly createdBy: string; readonly emptyLayer: boolean }[];
}

export interface ConfigInspector {
  readonly name: string;
  /** Changes when the inspector would find something else. */
  readonly revision: string;
  inspect(config: ScannedConfig): readonly Finding[];
}

/** All inspectors. */
export interface InspectorSet {
  readonly files: readonly FileInspector[];
  readonly config: readonly ConfigInspector[];
}

/** Matches components with advisories. */
export interface AdvisoryMatcher {
  /** Undefined when there are no advisories. */
  state(): AdvisoryState | undefined;
  /** Whether any advisory covers packages of the distribution. */
  covers(distribution: Distribution): boolean;
  /**
   * Whether advisories can exist for it. False if no source publishes any for the distribution, if its release is missing,
   * or if no advisory of the distribution names its release.
   */
  knows(distribution: Distribution): boolean;
  /** ISO date on which security support of the release ends; undefined when it is unknown. */
  endOfLife(distribution: Distribution): string | undefined;
  /** Finds vulnerabilities and known malicious packages. Aliases are merged to one finding. */
  match(
    components: readonly Component[],
    distribution: Distribution | undefined,
  ): readonly (Vulnerability | Malware)[];
}

/** An image at any place. The scanner does not trust it: it checks digests and diff ids itself. */
export interface ImageSource {
  readonly name: string;
  /** Digest of the manifest of one platform. */
  readonly digest: Digest;
  readonly config: ScannedConfig;
  readonly layers: readonly ImageLayer[];
}

export interface ImageLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly mediaType: string;
  /** Opens the compressed bytes. Called again if they must be read twice. */
  open(): Promise<import('node:stream').Readable>;
  /** A file with exactly these bytes, if there is one. A scan process then opens it by itself. */
  localFile?: (() => Promise<LocalFile>) | undefined;
  /** The source has verified the digest of the bytes, so the scanner computes only the diff id. */
  readonly isVerified?: true | undefined;
}

/** A pushed artifact that is not an image. Each blob is scanned by itself. */
export interface ArtifactSource {
  readonly name: string;
  /** Digest of its manifest. */
  readonly digest: Digest;
  readonly blobs: readonly ArtifactBlob[];
}

export interface ArtifactBlob extends Pick<ImageLayer, 'digest' | 'open' | 'localFile' | 'isVerified'> {
  /** Length in bytes. */
  readonly size: number;
  /** The name of the file, if the client gave one. */
  readonly title?: string | undefined;
}

export interface ScanOptions {
  /** Aborts the scan, which then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface Scanner {
  /** A layer that can't be read is a gap. @throws Fault LAYER_MISMATCH, and what opening a layer throws */
  scanImage(image: ImageSource, options?: ScanOptions): Promise<Report>;
  /**
   * Reads a blob as a layer if it may be one, a zip for the files in it, and any other blob as a file. A part that can't be
   * read is a gap.
   * @throws what opening a blob throws
   */
  scanArtifact(artifact: ArtifactSource, options?: ScanOptions): Promise<Report>;
  /** Starts the readers, so that the first scan need not wait for them. @throws Fault SCAN_FAILED */
  prepare(): Promise<void>;
  /**
   * Reads a layer's compressed bytes before the image's manifest arrives. `scanImage` then only compares the diff id.
   * @throws Fault LAYER_MISMATCH, ARCHIVE_INVALID (also when it is not a layer at all), ARCHIVE_TOO_LARGE, SCAN_TIMED_OUT
   */
  scanLayer(layer: Omit<ImageLayer, 'diffId' | 'mediaType'>, options?: ScanOptions): Promise<void>;
  /** A part of the folder that can't be read is a gap. @throws what reading `dir` throws */
  scanFolder(dir: string, name: string, options?: ScanOptions): Promise<Report>;
  /**
   * Scans function code: the text of one file, or a zip.
   * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID, SCAN_TIMED_OUT
   */
  scanCode(
    code: Uint8Array,
    what: { readonly name: string; readonly kind: string },
    options?: ScanOptions,
  ): Promise<Report>;
  /** Judges an SBOM, CycloneDX or SPDX in JSON. @throws Fault SBOM_INVALID */
  scanSbom(sbom: Uint8Array, name: string): Promise<Report>;
  /** Judges the inventory again by the current advisories. Reads no content. */
  rejudge(report: Report): Promise<Report>;
}
