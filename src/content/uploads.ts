/** Uploads in progress; those without data for too long are dropped. */
import { registryStoreFault } from './faults.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import type { Upload } from './types.ts';
import { type SessionOptions, UploadSession } from './upload-session.ts';

export interface Uploads {
  start(repository: RepositoryName): Upload;
  find(repository: RepositoryName, id: string): Upload;
  /** Drops uploads without data for too long. */
  expire(): Promise<void>;
  /** Ends all uploads. */
  close(): Promise<void>;
}

export function createUploads(options: Omit<SessionOptions, 'pending' | 'forget'>): Uploads {
  const { limits } = options;
  const sessions = new Map<string, UploadSession>();
  const ofNamespace = (namespace: string) =>
    [...sessions.values()].filter((session) => session.namespace === namespace);
  /** Includes uploads in progress: otherwise many at once would exceed the limit together. */
  const pending = (namespace: string) =>
    ofNamespace(namespace).reduce((sum, session) => sum + session.size + session.announced, 0);
  const cancelAll = (some: readonly UploadSession[]) => Promise.all(some.map((session) => session.cancel()));
  const expire = async () => {
    const before = performance.now() - limits.uploadIdleMs;
    await cancelAll([...sessions.values()].filter((session) => session.idleSince < before));
  };
  return {
    start(repository) {
      void expire();
      const namespace = namespaceOfRepository(repository);
      if (ofNamespace(namespace).length >= limits.uploadsPerNamespace) {
        throw registryStoreFault(
          'UPLOADS_EXHAUSTED',
          `${namespace} has ${limits.uploadsPerNamespace} uploads in progress, which is the limit`,
        );
      }
      const forget = (id: string) => sessions.delete(id);
      const session = new UploadSession(repository, { ...options, pending, forget });
      sessions.set(session.id, session);
      return session;
    },
    find(repository, id) {
      const session = sessions.get(id);
      if (session?.repository === repository) return session;
      throw registryStoreFault(
        'UPLOAD_UNKNOWN',
        'this upload does not exist: it has ended, or got no data for too long',
      );
    },
    expire,
    async close() {
      await cancelAll([...sessions.values()]);
    },
  };
}
