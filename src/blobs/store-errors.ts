/** What goes wrong with an S3-compatible store, as Faults of the room. */
import { type Fault, isFault, messageOf, nodeCodeOf } from '../lib/index.ts';
import { blobFault } from './faults.ts';

/** When a caller should try again. */
const retryAfterMs = 5000;

/** Codes of S3 that mean a mistake in the settings. Source: S3 API reference, "List of error codes". */
const refusals = new Set([
  ...['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'NoSuchBucket', 'InvalidBucketName'],
  ...['PermanentRedirect', 'AuthorizationHeaderMalformed', 'AuthorizationQueryParametersError'],
  ...['ExpiredToken', 'InvalidToken', 'AllAccessDisabled', 'AccountProblem', 'RequestTimeTooSkewed'],
  ...['CredentialsProviderError', 'ExpiredTokenException', 'UnrecognizedClientException'],
]);

/** Errors of connections, by the names of Node and of the S3 client. */
const cuts = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'],
  ...['TimeoutError', 'AbortError', 'NetworkingError', 'RequestTimeout', 'ABORT_ERR'],
]);

/** @param work what was tried, as in "could not read a blob" */
export function storeFault(error: unknown, work: string, place: string): Fault {
  if (isFault(error)) return error;
  const name = error instanceof Error ? error.name : '';
  const told = `${name === '' || name === 'Error' ? '' : `${name}: `}${messageOf(error) || 'no answer'}`;
  const said = `could not ${work} in ${place}: ${told}`;
  const status = statusOf(error);
  if (refusals.has(name) || status === 401 || status === 403) {
    return blobFault('BLOB_STORE_REFUSED', said, {
      hint: 'Check `blobs:`, the credentials and the rights, and run ward doctor --blobs URL.',
      cause: error,
    });
  }
  if (isTransient(error, status)) return unreachable(said, error);
  return blobFault('BLOB_STORE_WRONG', said, {
    hint: 'Run ward doctor --blobs URL; it shows what the store does differently from S3.',
    cause: error,
  });
}

/** Whether S3 says that the object does not exist. The bucket can still be missing. */
export function isMissing(error: unknown): boolean {
  const name = error instanceof Error ? error.name : '';
  return name === 'NoSuchKey' || name === 'NotFound' || (statusOf(error) === 404 && name !== 'NoSuchBucket');
}

/** Whether the same request can succeed soon. */
export function isTransient(error: unknown, status = statusOf(error)): boolean {
  if (isFault(error)) return error.code === 'BLOB_STORE_UNREACHABLE';
  if (status !== undefined && (status >= 500 || status === 429 || status === 408)) return true;
  if (!(error instanceof Error)) return false;
  return cuts.has(error.name) || cuts.has(nodeCodeOf(error) ?? '') || error.message === 'aborted';
}

/** The store does not answer, or answers that it has too much to do. */
export function unreachable(what: string, cause?: unknown): Fault {
  return blobFault('BLOB_STORE_UNREACHABLE', what, {
    hint: 'Try again. If it lasts, check the store and the network between.',
    retryAfterMs,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The store did not keep to what S3 promises. */
export function wrongAnswer(what: string): Fault {
  return blobFault('BLOB_STORE_WRONG', what, {
    hint: 'Run ward doctor --blobs URL; it shows what the store does differently from S3.',
  });
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const { $metadata: metadata } = error;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}
