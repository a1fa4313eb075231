/** The closed table of what images can go wrong with. */
import { faultTable } from '../lib/index.ts';

export const imageFaults = {
  /** An archive holds an entry that would leave its folder, follow a link, make a device or the like. */
  ARCHIVE_UNSAFE: 'invalid',
  ARCHIVE_TOO_LARGE: 'too-large',
  /** Truncated, damaged or of an unknown form. */
  ARCHIVE_INVALID: 'invalid',
  IMAGE_NOT_FOUND: 'missing',
  IMAGE_INVALID: 'invalid',
  /** A root file system in which a sandbox must not be started. */
  IMAGE_UNSAFE: 'denied',
  /** The lock on a store's index was not free in time. */
  IMAGE_STORE_BUSY: 'busy',
  /** The store's own folder can't serve. */
  IMAGE_STORE_INVALID: 'host',
  /** A layer could not be unpacked, and not because of what is in it. */
  IMAGE_UNPACK_FAILED: 'host',
  IMAGE_BUILD_FAILED: 'host',
  /** A folder that is to become an image holds what can't be in one, or not what it must. */
  BUILD_FOLDER_INVALID: 'invalid',
  BUILD_FOLDER_TOO_LARGE: 'too-large',
  /** An image is to be built on something that is not in the image store. */
  BASE_NOT_TRUSTED: 'denied',
  /** A name that stands for one of Ward's own images. */
  IMAGE_NAME_RESERVED: 'denied',
  /** An image that is to be deleted is named by actions, or sandboxes run on it. */
  IMAGE_IN_USE: 'conflict',
  DOCKERFILE_INVALID: 'invalid',
  /** A step of a Dockerfile failed. */
  DOCKERFILE_FAILED: 'unprocessable',
  BUILDAH_MISSING: 'unsupported',
  /** `policies/images` does not say what it should. */
  RECIPE_INVALID: 'bug',
} as const;

export const imageFault = faultTable(imageFaults);
