/** Uploads that this process alone keeps: files of its own, with a running hash. They end with it. */
import { namespaceOfRepository } from './names.ts';
import { UploadSession } from './upload-session.ts';
import { type UploadOptions, type Uploads, uploadsExhausted, uploadUnknown } from './uploads.ts';

export function createOwnUploads(options: UploadOptions): Uploads {
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
    async start(repository) {
      void expire();
      const namespace = namespaceOfRepository(repository);
      if (ofNamespace(namespace).length >= limits.uploadsPerNamespace) {
        throw uploadsExhausted(namespace, limits.uploadsPerNamespace);
      }
      const forget = (id: string) => sessions.delete(id);
      const session = new UploadSession(repository, { ...options, pending, forget });
      sessions.set(session.id, session);
      return session;
    },
    async find(repository, id) {
      const session = sessions.get(id);
      if (session?.repository === repository) return session;
      throw uploadUnknown();
    },
    expire,
    async close() {
      await cancelAll([...sessions.values()]);
    },
  };
}
