/** What other rooms know of content-addressed bytes. */

declare const digestBrand: unique symbol;
declare const secondNameBrand: unique symbol;

/** `sha256:` and 64 lower-case hex digits, checked. */
export type Digest = string & { readonly [digestBrand]: true };
/** `sha512:` and 128 lower-case hex digits, checked: what clients may call bytes whose digest Ward knows. */
export type SecondName = string & { readonly [secondNameBrand]: true };

/** Content-addressed bytes: layers, configs, function code. */
export interface BlobStore {
  /** Stores bytes atomically and returns their digest; storing the same bytes twice is one blob. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** @throws Fault BLOB_NOT_FOUND */
  get(digest: Digest): Promise<Buffer>;
  has(digest: Digest): Promise<boolean>;
  /** Bytes of it; undefined when it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  delete(digest: Digest): Promise<void>;
  /** Every blob there is, in no order; one that comes or goes meanwhile may be missing. */
  list(): AsyncIterable<Digest>;
}
