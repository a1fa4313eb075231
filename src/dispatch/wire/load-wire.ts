/** The form of messages between nodes, for the attack suite. Loaded here, so that a Ward without a bus does not load it. */
export type Wire = Awaited<ReturnType<typeof loadWire>>;

export async function loadWire() {
  const [{ encodeMessage, MessageReader, defaultMessageLimits }, { subjectsOf, senderOf }] =
    await Promise.all([import('./messages.ts'), import('./subjects.ts')]);
  return { encodeMessage, subjectsOf, senderOf, newReader: () => new MessageReader(defaultMessageLimits) };
}
