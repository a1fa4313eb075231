/** A file as those see it who look for packages. What a cataloger throws becomes a gap, but a mistake of its own is none. */
import { catalogers } from '../../src/scanner/inventory/catalogers.ts';
import { scannedFile } from '../../src/scanner/scanned-file.fixture.ts';

/** @throws a cataloger's mistake */
export async function catalog(path: string, content: Buffer): Promise<void> {
  const file = { ...scannedFile(path, content), content };
  const base = path.slice(path.lastIndexOf('/') + 1);
  for (const cataloger of catalogers.filter((each) => each.wants(file, base))) {
    try {
      await cataloger.read(file);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)
        throw error;
    }
  }
}
