/**
 * Attaches an SBOM and the findings of the scan, as a statement in cosign's form, to an accepted image in the
 * registry, for other tools. They are manifests whose subject is the image, and replace those of an earlier scan. The
 * gate does not judge them, since they never run; a failure to store them is no reason to refuse the image.
 * Source: OCI image-spec v1.1, "Guidelines for Artifact Usage"; cosign, specs/COSIGN_VULN_ATTESTATION_SPEC.md.
 */
import { Readable } from 'node:stream';
import { type Digest, digestOf } from '../../blobs/index.ts';
import {
  parseRepositoryName,
  type RegistryStore,
  type RepositoryName,
  readManifestDocument,
} from '../../content/index.ts';
import {
  type Artifact,
  type Gate,
  predicateTypes,
  referrerManifest,
  statementMediaType,
} from '../../gate/index.ts';
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import { cycloneDxOf, type Report, sortedReport } from '../../scanner/index.ts';
import { scanPredicate } from '../scan/statements.ts';

export type AttachmentStore = Pick<
  RegistryStore,
  'blobSize' | 'startUpload' | 'putManifest' | 'listReferrers' | 'deleteManifest'
>;

export interface AttachmentsOptions {
  readonly gate: Pick<Gate, 'report'>;
  readonly store: AttachmentStore;
  readonly log: Log;
}

export interface AttachmentSubject {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
}

export interface Attachments {
  /** Never throws: it logs errors. */
  attach(repository: string, subject: AttachmentSubject): Promise<void>;
}

const sbomMediaType = 'application/vnd.cyclonedx+json';
/** Identifies the content of a document, without the time at which it was made. */
const revisionAnnotation = 'ward.report.revision';
/** Limit of attachments that are read per subject; real subjects have fewer. */
const mostReferrers = 1000;

export function createAttachments({ gate, store, log }: AttachmentsOptions): Attachments {
  const attachTo = async (repository: RepositoryName, subject: AttachmentSubject): Promise<void> => {
    const report = await gate.report(subject.digest);
    if (report === undefined) return;
    const revision = revisionOf(report);
    const page = { after: '', limit: mostReferrers };
    const { items } = await store.listReferrers(repository, subject.digest, undefined, page);
    const earlier = items.filter(({ annotations }) => Object.hasOwn(annotations, revisionAnnotation));
    if (earlier.some(({ annotations }) => annotations[revisionAnnotation] === revision)) return;
    for (const artifact of documentsOf(report, subject, revision)) await put(store, repository, artifact);
    for (const { digest } of earlier) await remove(store, repository, digest);
  };
  return {
    async attach(repository, subject) {
      try {
        await attachTo(parseRepositoryName(repository), subject);
      } catch (error) {
        const { digest } = subject;
        log.warn(
          { repository, digest, reason: messageOf(error) },
          'the results of a scan could not be attached',
        );
      }
    },
  };
}

/** One at a time: each can take megabytes. */
function* documentsOf(report: Report, subject: AttachmentSubject, revision: string): Generator<Artifact> {
  const common = { subject, createdAt: report.scannedAt };
  const annotations = { [revisionAnnotation]: revision };
  yield referrerManifest({
    ...common,
    artifactType: sbomMediaType,
    content: JSON.stringify(cycloneDxOf(report)),
    annotations,
  });
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: report.target.name, digest: { sha256: subject.digest.slice('sha256:'.length) } }],
    predicateType: predicateTypes.vulnerabilities,
    predicate: scanPredicate(report),
  };
  yield referrerManifest({
    ...common,
    artifactType: statementMediaType,
    content: JSON.stringify(statement),
    annotations: { ...annotations, 'in-toto.io/predicate-type': predicateTypes.vulnerabilities },
  });
}

/** Equal for scans with the same findings and the same advisories. */
function revisionOf(report: Report): string {
  const { inventory, findings, suppressed, advisories } = sortedReport(report);
  return digestOf(JSON.stringify([inventory, findings, suppressed, advisories?.revision ?? '']));
}

async function put(
  store: AttachmentStore,
  repository: RepositoryName,
  { blobs, manifest }: Artifact,
): Promise<void> {
  for (const { digest, content } of blobs) {
    if (await hasBlob(store, repository, digest)) continue;
    const upload = await store.startUpload(repository);
    try {
      await upload.append(Readable.from([Buffer.from(content)]));
      await upload.finish(digest);
    } catch (error) {
      await upload.cancel();
      throw error;
    }
  }
  const document = readManifestDocument(manifest.content, manifest.mediaType);
  await store.putManifest({ repository, document, tags: [], admit: async () => {} });
}

async function hasBlob(store: AttachmentStore, repository: RepositoryName, digest: Digest): Promise<boolean> {
  try {
    await store.blobSize(repository, digest);
    return true;
  } catch (error) {
    if (isFault(error, 'BLOB_UNKNOWN')) return false;
    throw error;
  }
}

/** Another push can be faster. */
async function remove(store: AttachmentStore, repository: RepositoryName, digest: Digest): Promise<void> {
  try {
    await store.deleteManifest(repository, digest);
  } catch (error) {
    if (!isFault(error, 'MANIFEST_UNKNOWN')) throw error;
  }
}
