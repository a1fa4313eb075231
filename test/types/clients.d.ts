/** Types for clients that ship none, as far as the tests need them. */

declare module 'openwhisk-composer' {
  export interface Composition {
    compile(): object;
  }
  const composer: {
    sequence(...parts: readonly (string | Composition)[]): Composition;
    if(test: Composition, then: Composition, otherwise: Composition): Composition;
    action(name: string): Composition;
    parallel(...branches: readonly (string | Composition)[]): Composition;
    map(...parts: readonly (string | Composition)[]): Composition;
    literal(value: unknown): Composition;
  };
  export default composer;
}

declare module 'openwhisk-composer/client.js' {
  import type { Client } from 'openwhisk';
  export default function client(
    options: { apihost: string; api_key: string },
    basic: boolean,
  ): Client & { compositions: { deploy(composition: object, overwrite: boolean): Promise<unknown> } };
}

declare module '@adobe/aio-lib-runtime' {
  import type { Client } from 'openwhisk';

  // biome-ignore lint/suspicious/noExplicitAny: a library without types, whose answers tests look into
  type Untyped = any;
  const aio: {
    init(options: {
      apihost: string;
      api_key: string;
      namespace: string;
    }): Promise<Omit<Client, 'triggers'> & { triggers: Untyped; logForwarding: { get(): Promise<unknown> } }>;
    utils: Untyped;
  };
  export default aio;
}
