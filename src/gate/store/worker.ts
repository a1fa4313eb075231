/** The thread of the gate's file. Its first message tells whether the file opened; then it answers each list of requests. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from './database.ts';
import { type Answer, answerAll, describe, type Request } from './requests.ts';

const port = parentPort;
if (port === null) throw new Error('this module runs as a worker thread only');
const say = (answers: readonly Answer[]) => port.postMessage(answers);

try {
  const db = openDatabase(workerData.path);
  say([{ value: undefined }]);
  port.on('message', (requests: readonly Request[] | 'close') => {
    if (requests !== 'close') return say(answerAll(db, requests));
    db.close();
    port.close();
  });
} catch (error) {
  say([{ error: describe(error) }]);
}
