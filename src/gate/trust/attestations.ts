/**
 * Attestations: in-toto statements about an image, signed in an envelope. Ward makes two kinds: how an image was built (SLSA
 * provenance v1), and what a scan found (cosign's vulnerability predicate). It opens any kind.
 * Source: in-toto/attestation, spec/v1; slsa.dev/provenance/v1; cosign, specs/COSIGN_VULN_ATTESTATION_SPEC.md.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../../blobs/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import { parseJsonDocument } from '../json-document.ts';
import { bundleMediaType, sealBundle } from './bundle.ts';
import { envelopeMediaType, type OpenedEnvelope, openEnvelope, sealEnvelope } from './envelope.ts';
import type { SigningKey, TrustedKey } from './keys.ts';
import {
  type Artifact,
  companionManifest,
  companionTag,
  type Descriptor,
  type Referrer,
  referrerManifest,
} from './oci-documents.ts';
import { textsOf } from './simple-signing.ts';

export const predicateTypes = {
  /** The type of an image signature of cosign 3. */
  signature: 'https://sigstore.dev/cosign/sign/v1',
  provenance: 'https://slsa.dev/provenance/v1',
  vulnerabilities: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  openVex: 'https://openvex.dev/ns',
  cycloneDx: 'https://cyclonedx.org/bom',
} as const;

/** cosign's short names of types, with the patterns that they stand for. */
export const attestationTypes: Readonly<Record<string, readonly string[]>> = {
  spdx: ['https://spdx.dev/Document', 'https://spdx.dev/Document/*'],
  cyclonedx: [predicateTypes.cycloneDx, `${predicateTypes.cycloneDx}/*`],
  vuln: [predicateTypes.vulnerabilities],
  openvex: [predicateTypes.openVex, `${predicateTypes.openVex}/*`],
  slsaprovenance: ['https://slsa.dev/provenance/*'],
};

export interface StatedSubject {
  readonly name: string;
  readonly digest: Digest;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface Statement {
  /** The images that the statement is about. */
  readonly subjects: readonly StatedSubject[];
  readonly predicateType: string;
  readonly predicate: JsonValue;
}

/** A statement with the key that signed it. */
export interface Attestation extends Statement {
  readonly keyId: string;
}

export const statementMediaType = 'application/vnd.in-toto+json';
const statementLimits = { maxBytes: 48 * 1024 * 1024, maxDepth: 200 } as const;
/** cosign reads this version of a statement with any predicate; the fields are those of v1. */
const statementType = 'https://in-toto.io/Statement/v0.1';

const statementSchema = z.looseObject({
  _type: z.enum([statementType, 'https://in-toto.io/Statement/v1']),
  predicateType: z.string().max(1000),
  subject: z
    .array(
      z.looseObject({
        name: z.string().optional(),
        digest: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .max(1000),
  predicate: z.json(),
});

export function sealStatement(statement: Statement, key: SigningKey): Buffer {
  return sealEnvelope(statementMediaType, bytesOf(statement), key);
}

/** Seals the statement in a bundle of sigstore. */
export function bundleStatement(statement: Statement, key: SigningKey): Buffer {
  return sealBundle(statementMediaType, bytesOf(statement), key);
}

function bytesOf(statement: Statement): Buffer {
  const document = {
    _type: statementType,
    predicateType: statement.predicateType,
    subject: statement.subjects.map(({ name, digest, annotations = {} }) => ({
      name,
      digest: { sha256: digest.slice('sha256:'.length) },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    })),
    predicate: statement.predicate,
  };
  return Buffer.from(JSON.stringify(document));
}

/**
 * Returns the statement in an envelope; undefined if none of the keys signed it.
 * @throws Fault SIGNATURE_MALFORMED
 */
export function openStatement(envelope: Uint8Array, keys: readonly TrustedKey[]): Attestation | undefined {
  const opened = openEnvelope(envelope, keys);
  return opened === undefined ? undefined : { ...parseStatement(opened), keyId: opened.keyId };
}

/** @throws Fault SIGNATURE_MALFORMED */
export function parseStatement({
  payloadType,
  payload,
}: Pick<OpenedEnvelope, 'payloadType' | 'payload'>): Statement {
  const refuse = (what: string) => gateFault('SIGNATURE_MALFORMED', `an attestation: ${what}`);
  if (payloadType !== statementMediaType) throw refuse('it is not an in-toto statement');
  const { subject, ...rest } = parseJsonDocument(statementSchema, payload, statementLimits, refuse);
  const subjects = subject.flatMap(({ name = '', digest, annotations }): StatedSubject[] => {
    const text = `sha256:${digest['sha256'] ?? ''}`;
    if (!isDigest(text)) return [];
    const further = annotations == null ? {} : { annotations: textsOf(annotations) };
    return [{ name, digest: text, ...further }];
  });
  return { subjects, predicateType: rest.predicateType, predicate: rest.predicate };
}

/** A statement in its envelope, with the type of its predicate. */
export interface SealedStatement {
  readonly envelope: Uint8Array;
  readonly predicateType: string;
}

/**
 * Makes the manifest where cosign looks for attestations.
 * @param further annotations of each
 * @param earlier layers that the tag has already; their attestations stay
 */
export function attestationManifest(
  digest: Digest,
  statements: readonly SealedStatement[],
  further: Readonly<Record<string, string>> = {},
  earlier: readonly Descriptor[] = [],
): Artifact {
  const layers = statements.map(({ envelope, predicateType }) => ({
    mediaType: envelopeMediaType,
    content: envelope,
    annotations: { 'dev.cosignproject.cosign/signature': '', predicateType, ...further },
  }));
  return companionManifest(companionTag(digest, 'att'), layers, earlier);
}

/** Signs an image as cosign 3 does, with a bundle as a referrer. */
export function signatureBundle(
  subject: Referrer['subject'],
  signed: Pick<StatedSubject, 'name' | 'annotations'>,
  key: SigningKey,
  createdAt: string,
): Artifact {
  const { signature: predicateType } = predicateTypes;
  const subjects = [{ ...signed, digest: subject.digest }];
  return referrerManifest({
    subject,
    artifactType: bundleMediaType,
    content: bundleStatement({ subjects, predicateType, predicate: {} }, key),
    createdAt,
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': predicateType,
    },
  });
}

export interface Build {
  /** URI that says how to read `parameters`. */
  readonly buildType: string;
  readonly parameters: JsonObject;
  readonly dependencies: readonly { readonly uri: string; readonly digest?: Digest | undefined }[];
  /** URI of who built it. */
  readonly builder: string;
  readonly invocationId: string;
  /** ISO times. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** SLSA provenance v1. */
export function provenancePredicate(build: Build): JsonObject {
  return {
    buildDefinition: {
      buildType: build.buildType,
      externalParameters: build.parameters,
      internalParameters: {},
      resolvedDependencies: build.dependencies.map(({ uri, digest }) => ({
        uri,
        ...(digest === undefined ? {} : { digest: { sha256: digest.slice('sha256:'.length) } }),
      })),
    },
    runDetails: {
      builder: { id: build.builder },
      metadata: {
        invocationId: build.invocationId,
        startedOn: build.startedAt,
        finishedOn: build.finishedAt,
      },
    },
  };
}

export interface ScanRecord {
  readonly scannerUri: string;
  readonly scannerVersion: string;
  readonly advisoryRevision: string;
  readonly result: JsonValue;
  /** ISO times. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** cosign's vulnerability predicate. */
export function vulnerabilityPredicate(scan: ScanRecord): JsonObject {
  return {
    invocation: { parameters: null, uri: '', event_id: '', 'builder.id': '' },
    scanner: {
      uri: scan.scannerUri,
      version: scan.scannerVersion,
      db: { uri: '', version: scan.advisoryRevision },
      result: scan.result,
    },
    metadata: { scanStartedOn: scan.startedAt, scanFinishedOn: scan.finishedAt },
  };
}
