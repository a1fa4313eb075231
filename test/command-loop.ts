/** `ward` for many commands of another user, without the cost of a process for each. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type CommandResult, startCommand } from '../src/lib/index.ts';

export interface CommandOrder {
  readonly id: number;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input?: string;
}

interface Answer {
  readonly id: number;
  readonly result: CommandResult;
}

export interface CommandLoop extends AsyncDisposable {
  run(order: Omit<CommandOrder, 'id'>): Promise<CommandResult>;
}

const program = fileURLToPath(new URL('command-loop-program.ts', import.meta.url));

/**
 * @param through words before the program's, which may change its user
 * @param env of the process; what its threads and processes know, too
 */
export function startCommandLoop(through: readonly string[], env: NodeJS.ProcessEnv): CommandLoop {
  const child = startCommand([...through, process.execPath, program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env,
  });
  const ended = once(child, 'exit');
  const waiting = new Map<number, (result: CommandResult) => void>();
  child.on('message', ({ id, result }: Answer) => {
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let last = 0;
  return {
    async run(order) {
      const id = ++last;
      const answered = new Promise<CommandResult>((resolve) => waiting.set(id, resolve));
      child.send({ id, ...order });
      const died = ended.then(() =>
        Promise.reject(new Error(`the loop of commands ended before ${order.args}`)),
      );
      return await Promise.race([answered, died]);
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
