/** Saves an answer of the API as a file. An ordinary link would not say that the console asks. */
import { send } from '../api/client.ts';

/** @throws ApiError */
export async function download(path: string, name: string, accept = '*/*'): Promise<void> {
  const response = await send('GET', path, { accept });
  saveFile(await response.blob(), name);
}

export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
