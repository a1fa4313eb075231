/**
 * Java classes for tests, assembled from instructions, because the machines that run the tests have no compiler. Each
 * method is an action's: public, static, takes and returns a JsonObject, and has no jumps.
 * Source: The Java Virtual Machine Specification, chapters 4 (the file) and 6 (the instructions).
 */

/** A method or field: class, name, descriptor. */
type Member = readonly [owner: string, name: string, descriptor: string];

export type Instruction =
  | readonly ['aconst_null' | 'areturn' | 'athrow' | 'dup' | 'iconst_1' | 'pop' | 'pop2']
  | readonly ['aload' | 'astore', number]
  | readonly ['ldc', string]
  | readonly ['new', string]
  | readonly ['getstatic' | 'invokevirtual' | 'invokespecial' | 'invokestatic', ...Member];

const json = 'com/google/gson/JsonObject';
const actionDescriptor = `(L${json};)L${json};`;
/** Java 6: the last version whose methods need no stack map to be verified. */
const classVersion = 50;
const publicStatic = 0x0009;
const publicSuper = 0x0021;
const maxStack = 8;
const maxLocals = 4;

const opcodes = {
  aconst_null: 0x01,
  iconst_1: 0x04,
  ldc: 0x13,
  aload: 0x2a,
  astore: 0x4b,
  pop: 0x57,
  pop2: 0x58,
  dup: 0x59,
  areturn: 0xb0,
  getstatic: 0xb2,
  invokevirtual: 0xb6,
  invokespecial: 0xb7,
  invokestatic: 0xb8,
  new: 0xbb,
  athrow: 0xbf,
};

/** The bytes of a class file; `name` has slashes between packages. */
export function javaClass(name: string, methods: Readonly<Record<string, readonly Instruction[]>>): Buffer {
  const pool = constantPool();
  const head = [u2(publicSuper), u2(pool.type(name)), u2(pool.type('java/lang/Object')), u2(0), u2(0)];
  const bodies = Object.entries(methods).map(([method, instructions]) => {
    const code = Buffer.concat(instructions.map((instruction) => encode(instruction, pool)));
    const attribute = [u2(maxStack), u2(maxLocals), u4(code.length), code, u2(0), u2(0)];
    const length = u4(attribute.reduce((sum, part) => sum + part.length, 0));
    const names = [u2(publicStatic), u2(pool.text(method)), u2(pool.text(actionDescriptor)), u2(1)];
    return Buffer.concat([...names, u2(pool.text('Code')), length, ...attribute]);
  });
  const magic = [u4(0xcafebabe), u2(0), u2(classVersion)];
  return Buffer.concat([...magic, pool.bytes(), ...head, u2(bodies.length), ...bodies, u2(0)]);
}

/** Pushes a new object. */
export function make(type: string): Instruction[] {
  return [['new', type], ['dup'], ['invokespecial', type, '<init>', '()V']];
}

/** Prints a text to `System.out` or `System.err`. */
export function print(stream: 'out' | 'err', text: string): Instruction[] {
  return [
    ['getstatic', 'java/lang/System', stream, 'Ljava/io/PrintStream;'],
    ['ldc', text],
    ['invokevirtual', 'java/io/PrintStream', 'println', '(Ljava/lang/String;)V'],
  ];
}

/** Sets a field of the JsonObject in a local variable to the text that `value` pushes. */
export function set(local: number, field: string, value: readonly Instruction[]): Instruction[] {
  return [
    ['aload', local],
    ['ldc', field],
    ...value,
    ['invokevirtual', json, 'addProperty', '(Ljava/lang/String;Ljava/lang/String;)V'],
  ];
}

/** Pushes the text of a parameter of the action. */
export function parameter(name: string): Instruction[] {
  return [
    ['aload', 0],
    ['ldc', name],
    ['invokevirtual', json, 'getAsJsonPrimitive', '(Ljava/lang/String;)Lcom/google/gson/JsonPrimitive;'],
    ['invokevirtual', 'com/google/gson/JsonPrimitive', 'getAsString', '()Ljava/lang/String;'],
  ];
}

type Pool = ReturnType<typeof constantPool>;

function encode([name, ...operands]: Instruction, pool: Pool): Buffer {
  const opcode = opcodes[name];
  const [first, second, third] = operands;
  if (typeof first === 'number') return Buffer.from([opcode + first]);
  if (first === undefined) return Buffer.from([opcode]);
  const at = () => {
    if (name === 'ldc') return pool.string(first);
    if (second === undefined || third === undefined) return pool.type(first);
    return pool.member(name === 'getstatic' ? 9 : 10, [first, second, third]);
  };
  return Buffer.concat([Buffer.from([opcode]), u2(at())]);
}

/** The constant pool: entries are numbered from 1, and each appears once. */
function constantPool() {
  const entries: Buffer[] = [];
  const known = new Map<string, number>();
  const add = (tag: number, ...parts: Buffer[]): number => {
    const entry = Buffer.concat([Buffer.from([tag]), ...parts]);
    const key = entry.toString('latin1');
    const at = known.get(key) ?? entries.push(entry);
    known.set(key, at);
    return at;
  };
  const text = (value: string) => add(1, u2(Buffer.byteLength(value)), Buffer.from(value));
  const type = (name: string) => add(7, u2(text(name)));
  const string = (value: string) => add(8, u2(text(value)));
  const member = (tag: number, [owner, name, descriptor]: Member) =>
    add(tag, u2(type(owner)), u2(add(12, u2(text(name)), u2(text(descriptor)))));
  const bytes = () => Buffer.concat([u2(entries.length + 1), ...entries]);
  return { text, type, string, member, bytes };
}

function u2(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u4(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
