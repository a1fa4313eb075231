/**
 * How an image came about, as an in-toto statement with SLSA provenance: data, signed by whoever wants to.
 * Source: in-toto/attestation, spec/v1/statement.md; slsa.dev/provenance/v1.
 */
import { predicateTypes, provenancePredicate, type Statement } from '../../gate/index.ts';
import type { FunctionImage } from '../../images/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { buildInfo } from '../build-info.ts';

/** The statement as it is kept without a signature. */
export type ProvenanceStatement = JsonObject;

interface BuildRecord {
  readonly name: string;
  readonly image: FunctionImage;
  /** What was asked for. */
  readonly parameters: JsonObject;
  readonly invocationId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

const statementType = 'https://in-toto.io/Statement/v1';
/** Says how to read the parameters. */
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

/** The same, to be signed. */
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
      // The folder has no address; its layers are all that came of it.
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
