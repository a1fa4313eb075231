/** The faults of the images room. */
import { faultTable } from '../lib/index.ts';

export const imageFaults = {
  /** An archive has an entry that would leave its folder, follow a link, make a device or the like. */
  ARCHIVE_UNSAFE: 'invalid',
  ARCHIVE_TOO_LARGE: 'too-large',
  /** It is truncated, damaged or in an unknown format. */
  ARCHIVE_INVALID: 'invalid',
  IMAGE_NOT_FOUND: 'missing',
  IMAGE_INVALID: 'invalid',
  /** A root file system in which a sandbox must not be started. */
  IMAGE_UNSAFE: 'denied',
  /** The lock on a store's index was not free in time. */
  IMAGE_STORE_BUSY: 'busy',
  /** The store's own folder is unusable. */
  IMAGE_STORE_INVALID: 'host',
  /** A layer could not be unpacked, for a reason other than its content. */
  IMAGE_UNPACK_FAILED: 'host',
  IMAGE_BUILD_FAILED: 'host',
  /** A folder for an image contains something that an image can't contain, or lacks something required. */
  BUILD_FOLDER_INVALID: 'invalid',
  BUILD_FOLDER_TOO_LARGE: 'too-large',
  /** The base of an image is not in the image store. */
  BASE_NOT_TRUSTED: 'denied',
  /** The name belongs to one of Ward's own images. */
  IMAGE_NAME_RESERVED: 'denied',
  /** The image can't be deleted: actions name it, or sandboxes run on it. */
  IMAGE_IN_USE: 'conflict',
  DOCKERFILE_INVALID: 'invalid',
  /** A step of a Dockerfile failed. */
  DOCKERFILE_FAILED: 'unprocessable',
  BUILDAH_MISSING: 'unsupported',
  /** A file in `policies/images` is invalid. */
  RECIPE_INVALID: 'bug',
} as const;

export const imageFault = faultTable(imageFaults);
