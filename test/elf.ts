/**
 * A static program that speaks ActionLoop, in machine code: the machines that run the tests have no compiler. For
 * each line that it reads it writes `log` to stdout, and the line itself to fd 3. x86-64 only.
 * Source: System V ABI, chapter 4 and 5 (the file); Linux's syscall numbers.
 */

const loadAddress = 0x400000;
const headerBytes = 64 + 56;
const logLine = Buffer.from('log\n');

const code = Buffer.from(
  [
    '48 81 ec 00 00 01 00', //         sub rsp, 65536
    '31 c0 31 ff', //            next: xor eax, eax (read); xor edi, edi (stdin)
    '48 89 e6 ba 00 00 01 00 0f 05', // mov rsi, rsp; mov edx, 65536; syscall
    '48 85 c0 7e 2f', //               test rax, rax; jle end
    '49 89 c0', //                     mov r8, rax
    'b8 01 00 00 00 bf 01 00 00 00', // mov eax, 1 (write); mov edi, 1 (stdout)
    '48 8d 35 24 00 00 00', //         lea rsi, [rip + log]
    'ba 04 00 00 00 0f 05', //         mov edx, 4; syscall
    'b8 01 00 00 00 bf 03 00 00 00', // mov eax, 1; mov edi, 3
    '48 89 e6 4c 89 c2 0f 05', //      mov rsi, rsp; mov rdx, r8; syscall
    'eb be', //                        jmp next
    'b8 3c 00 00 00 31 ff 0f 05', //   end: mov eax, 60 (exit); xor edi, edi; syscall
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

/** Why this machine can't run the program, or undefined. */
export const missingForElf = process.arch === 'x64' ? undefined : 'its machine code is for x86-64';

/** The file: a header, one segment that covers the whole file, the code. */
export function actionLoopElf(): Buffer {
  const content = Buffer.concat([code, logLine]);
  const size = headerBytes + content.length;
  const header = Buffer.alloc(headerBytes);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(62, 18); // x86-64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(loadAddress + headerBytes), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // to be loaded
  header.writeUInt32LE(5, 68); // readable and executable
  header.writeBigUInt64LE(BigInt(loadAddress), 80);
  header.writeBigUInt64LE(BigInt(loadAddress), 88);
  header.writeBigUInt64LE(BigInt(size), 96);
  header.writeBigUInt64LE(BigInt(size), 104);
  header.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([header, content]);
}
