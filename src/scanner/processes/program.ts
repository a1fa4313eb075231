/** The scan process. It receives and sends messages on file descriptor 3. */
import { Socket } from 'node:net';
import { serve } from './worker.ts';

const buffer = Buffer.allocUnsafeSlow(256 * 1024);

await serve((hear) => {
  const callback = (count: number): boolean => {
    hear(buffer.subarray(0, count));
    return true;
  };
  return new Socket({ fd: 3, readable: true, writable: true, onread: { buffer, callback } });
});
