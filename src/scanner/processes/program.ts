/** The scan process. Its messages come and go on file descriptor 3. */
import { Socket } from 'node:net';
import { serve } from './worker.ts';

await serve(new Socket({ fd: 3, readable: true, writable: true }));
