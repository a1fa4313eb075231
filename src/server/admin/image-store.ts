/** The operator's view of Ward's image store, and of the actions that name its images. */
import { type DeletedImage, deleteStoredImage, listStoredImages, reservedNames } from '../../images/index.ts';
import { isJsonObject } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import { loadConfig } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import { actAsOwner, actingAsOwner } from './act-as.ts';
import { isPresent, operatorStores } from './operator-stores.ts';

export interface StoredImageView {
  readonly name: string;
  readonly digest: string;
  readonly sizeBytes: number;
  /** ISO time, from the image itself. */
  readonly createdAt: string;
  /** One of Ward's own images, on which functions run and other images build. */
  readonly isOwn: boolean;
  /** Actions that name it, `NAMESPACE/[PACKAGE/]NAME`; empty when the data folder has no database. */
  readonly actions: readonly string[];
}

export interface ImageStoreAdmin {
  list(): Promise<readonly StoredImageView[]>;
  /** @throws Fault IMAGE_INVALID, IMAGE_NAME_RESERVED, IMAGE_NOT_FOUND, IMAGE_IN_USE, IMAGE_STORE_BUSY */
  delete(name: string, isForced: boolean): Promise<DeletedImage>;
}

const pageLength = 200;

export async function imageStoreAdmin(options: {
  readonly dataDir?: string;
  readonly configFile?: string;
}): Promise<ImageStoreAdmin> {
  const config = await loadConfig(options);
  const { dataDir, imagesDir } = config;
  const users = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
    const stores = operatorStores(config);
    using _acting = actAsOwner(dataDir);
    if (stores.engine === 'sqlite' && !(await isPresent(dataPaths(dataDir).database))) return new Map();
    await using store = await stores.openState();
    return await usersOf(store);
  };
  return {
    async list() {
      const [images, own, byImage] = [await listStoredImages(imagesDir), reservedNames(), await users()];
      return images.map((image) => ({
        ...image,
        isOwn: own.has(image.name),
        actions: byImage.get(image.name) ?? [],
      }));
    },
    async delete(name, isForced) {
      const actions = isForced ? [] : ((await users()).get(withTag(name)) ?? []);
      return await actingAsOwner(imagesDir, () => deleteStoredImage(imagesDir, name, actions));
    },
  };
}

/** Full name of an image → the actions that name it. */
async function usersOf({ namespaces, entities }: Store): Promise<ReadonlyMap<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  for (const { name: namespace } of await namespaces.list()) {
    for (let skip = 0; ; skip += pageLength) {
      const rows = await entities.list({ namespace, collection: 'actions', skip, limit: pageLength });
      for (const { path, document } of rows) {
        const exec = document['exec'];
        const image =
          isJsonObject(exec) && typeof exec['image'] === 'string' ? withTag(exec['image']) : undefined;
        if (image !== undefined) users.set(image, [...(users.get(image) ?? []), `${namespace}/${path}`]);
      }
      if (rows.length < pageLength) break;
    }
  }
  return users;
}

function withTag(name: string): string {
  return name.includes(':') ? name : `${name}:latest`;
}
