/**
 * Describes how an image was built, as an unsigned in-toto statement with SLSA provenance.
 * Source: in-toto/attestation, spec/v1/statement.md; slsa.dev/provenance/v1.
 */
import { predicateTypes, provenancePredicate, type Statement } from '../../gate/index.ts';
import type { FunctionImage } from '../../images/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { buildInfo } from '../build-info.ts';

/** The statement in its unsigned form. */
export type ProvenanceStatement = JsonObject;

interface BuildRecord {
  readonly name: string;
  readonly image: FunctionImage;
  /** Parameters of the request. */
  readonly parameters: JsonObject;
  readonly invocationId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

const statementType = 'https://in-toto.io/Statement/v1';
/** Type of the build; it defines the parameters. */
const buildType = 'urn:ward:image-build:1';

export function provenanceOf(record: BuildRecord): ProvenanceStatement {
  const { name, image } = record;
  return {
    _type: statementType,
    subject: [{ name, digest: { sha256: hexOf(image.digest) } }],
    predicateType: predicateTypes.provenance,
    predicate: predicateOf(record),
  };
}

/** The statement in the form for signing. */
export function unsigned(
  provenance: ProvenanceStatement,
  { name, image }: Pick<BuildRecord, 'name' | 'image'>,
): Statement {
  return {
    subjects: [{ name, digest: image.digest }],
    predicateType: predicateTypes.provenance,
    predicate: provenance['predicate'] ?? null,
  };
}

function predicateOf({ image, parameters, invocationId, startedAt, finishedAt }: BuildRecord): JsonObject {
  return provenancePredicate({
    buildType,
    parameters,
    dependencies: [
      { uri: `urn:ward:image:${image.base.name}`, digest: image.base.digest },
      // The folder has no address, so only its layers are named.
      ...image.layers
        .filter(({ role }) => role !== 'base')
        .map(({ role, digest }) => ({ uri: `urn:ward:layer:${role}`, digest })),
    ],
    builder: `urn:ward:builder:${buildInfo.buildno}`,
    invocationId,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
  });
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}
