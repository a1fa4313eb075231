/** Sigstore's libraries. They are loaded for the first bundle or trusted root, since most servers read neither. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const sigstoreBundle = (): typeof import('@sigstore/bundle') => require('@sigstore/bundle');

export const sigstoreVerify = (): typeof import('@sigstore/verify') => require('@sigstore/verify');

export const sigstoreDocuments = (): typeof import('@sigstore/protobuf-specs') =>
  require('@sigstore/protobuf-specs');
