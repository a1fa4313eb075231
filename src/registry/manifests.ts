/** Serves manifests. A manifest turns pushed blobs into an image, so the gate judges here. */
import type { FastifyReply } from 'fastify';
import { type Digest, isDigest, isDigestOf, isSecondName, type SecondName } from '../blobs/index.ts';
import {
  maxManifestBytes,
  namespaceOfRepository,
  parseTag,
  type RegistryStore,
  registryStoreFault,
  type Tag,
} from '../content/index.ts';
import { announcedLength, byMethod, type Exchange, isCached } from './exchange.ts';
import { registryFault } from './faults.ts';
import { type ManifestBudget, readManifestBody } from './manifest-body.ts';
import type { Target } from './target.ts';
import type { PushGate, RegistryLimits } from './types.ts';

interface ManifestsContext {
  readonly store: RegistryStore;
  readonly gate: Pick<PushGate, 'manifestArrived' | 'manifestAccepted' | 'manifestDeleted'> | undefined;
  readonly budget: ManifestBudget;
  readonly limits: Pick<RegistryLimits, 'gateWaitMs'>;
}

type ManifestTarget = Extract<Target, { readonly of: 'manifest' }>;
type Reference = NonNullable<ManifestTarget['reference']>;

/** Maximum of tags in one request. */
const maxTags = 100;

export function serveManifest(
  context: ManifestsContext,
  exchange: Exchange,
  target: ManifestTarget,
): Promise<FastifyReply> {
  const { store } = context;
  return byMethod(exchange, {
    GET: () => download(store, exchange, target),
    HEAD: () => download(store, exchange, target),
    PUT: () => put(context, exchange, target),
    DELETE: async () => {
      const deleted = await store.deleteManifest(target.repository, await mustBe(store, target));
      await context.gate?.manifestDeleted(target.repository, deleted);
      return exchange.reply.code(202).send();
    },
  });
}

async function download(
  store: RegistryStore,
  { request, reply }: Exchange,
  target: ManifestTarget,
): Promise<FastifyReply> {
  const { digest, mediaType, size } = await store.findManifest(
    target.repository,
    await mustBe(store, target),
  );
  const name = isSecondName(target.text) ? target.text : digest;
  const etag = `"${name}"`;
  reply.headers({ 'docker-content-digest': name, etag });
  if (isCached(request, etag)) return reply.code(304).send();
  reply.headers({ 'content-type': mediaType, 'content-length': size });
  return reply.send(request.method === 'HEAD' ? undefined : await store.readManifest(digest));
}

async function put(
  context: ManifestsContext,
  { request, reply, query, visitor }: Exchange,
  { repository, reference: known, text }: ManifestTarget,
): Promise<FastifyReply> {
  const reference = known ?? parseTag(text);
  const announced = announcedLength(request);
  const release = context.budget.take(Math.min(announced ?? maxManifestBytes, maxManifestBytes));
  try {
    const bytes = await readManifestBody(request.raw, announced);
    const document = await context.store.readDocument(bytes, request.headers['content-type'] ?? '');
    const { digest, mediaType, subject, subjectName, artifactType } = document;
    const tags = tagsOf(reference, query.getAll('tag'));
    if (isAnyDigest(reference) && !isDigestOf(reference, bytes)) {
      throw registryFault('MANIFEST_DIGEST_WRONG', `the manifest has the digest ${digest}, not ${reference}`);
    }
    const secondName = isSecondName(reference) ? reference : undefined;
    const name = secondName ?? digest;
    request.raw.setTimeout(context.limits.gateWaitMs);
    const namespace = namespaceOfRepository(repository);
    const { keyId = '', person } = visitor;
    const push = {
      namespace,
      keyId,
      person,
      repository,
      reference,
      tags,
      digest,
      mediaType,
      bytes,
      document,
      subject,
      artifactType,
    };
    let warnings: readonly string[] | undefined;
    await context.store.putManifest({
      repository,
      document,
      secondName,
      tags,
      admit: async () => {
        warnings = await context.gate?.manifestArrived(push);
      },
    });
    await context.gate?.manifestAccepted(push);
    return reply
      .code(201)
      .headers({
        location: `/v2/${repository}/manifests/${name}`,
        'docker-content-digest': name,
        ...(warnings === undefined || warnings.length === 0 ? {} : { warning: warnings.map(warningOf) }),
        ...(subjectName === undefined ? {} : { 'oci-subject': subjectName }),
        ...(isAnyDigest(reference) && tags.length > 0 ? { 'oci-tag': [...tags] } : {}),
      })
      .send();
  } finally {
    release();
  }
}

/** Formats a warning for clients (OCI distribution specification 1.1, "Warnings"): a quoted string without escapes. */
function warningOf(text: string): string {
  const quotable = text.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, '?');
  return `299 - "${quotable.slice(0, longestWarning)}"`;
}

const longestWarning = 1000;

/** Returns the tag in the path; for a digest in the path, the tags of the query. @throws Fault TAG_INVALID */
function tagsOf(reference: Reference, further: readonly string[]): readonly Tag[] {
  if (!isAnyDigest(reference)) return [reference];
  return [...new Set(further.slice(0, maxTags).map(parseTag))];
}

function isAnyDigest(reference: Reference): reference is Digest | SecondName {
  return isDigest(reference) || isSecondName(reference);
}

/** @throws Fault REFERENCE_UNKNOWN, MANIFEST_UNKNOWN */
async function mustBe(
  store: RegistryStore,
  { repository, reference, text }: ManifestTarget,
): Promise<Tag | Digest> {
  if (reference !== undefined) {
    const known = isSecondName(reference) ? await store.resolveDigest(reference) : reference;
    if (known !== undefined) return known;
    throw registryStoreFault('MANIFEST_UNKNOWN', `${repository} has no manifest ${reference}`);
  }
  const shown = JSON.stringify(text.slice(0, 150));
  throw registryFault('REFERENCE_UNKNOWN', `unknown manifest ${shown}: it is neither a tag nor a digest`);
}
