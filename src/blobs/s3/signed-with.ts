/** Requests that are signed with a hash of their body that is known already. The client would hash it again. */
import type { PutObjectCommand } from '@aws-sdk/client-s3';

const hashHeader = 'x-amz-content-sha256';

/** The store refuses other bytes, if it checks signatures as S3 does. @param sha256 of the body, in hex */
export function signedWith(command: PutObjectCommand, sha256: string): PutObjectCommand {
  command.middlewareStack.add(
    (next) => (args) => {
      if (hasHeaders(args.request)) args.request.headers[hashHeader] = sha256;
      return next(args);
    },
    { step: 'build', name: 'knownHash' },
  );
  return command;
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}
