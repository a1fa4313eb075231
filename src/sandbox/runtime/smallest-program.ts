/** The smallest Linux program: an ELF file that exits with 0. It needs no libraries, so any root can run it. */

const machineCode = {
  // mov eax, 60 (exit); xor edi, edi; syscall
  x64: { machine: 62, code: 'b83c00000031ff0f05' },
  // mov x0, 0; mov x8, 93 (exit); svc 0
  arm64: { machine: 183, code: '000080d2a80b80d2010000d4' },
} as const;

/** The bytes of the file: ELF header, one program header, code (elf(5)). */
export function smallestProgram(arch: 'x64' | 'arm64'): Buffer {
  const { machine, code } = machineCode[arch];
  const base = 0x40_0000n;
  const headers = 64 + 56;
  const body = Buffer.from(code, 'hex');
  const elf = Buffer.alloc(headers);
  // Identification: 64 bits, little endian, version 1.
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(elf);
  elf.writeUInt16LE(2, 16); // e_type: executable
  elf.writeUInt16LE(machine, 18);
  elf.writeUInt32LE(1, 20); // e_version
  elf.writeBigUInt64LE(base + BigInt(headers), 24); // e_entry
  elf.writeBigUInt64LE(64n, 32); // e_phoff
  elf.writeUInt16LE(64, 52); // e_ehsize
  elf.writeUInt16LE(56, 54); // e_phentsize
  elf.writeUInt16LE(1, 56); // e_phnum
  elf.writeUInt32LE(1, 64); // p_type: load
  elf.writeUInt32LE(5, 68); // p_flags: read, execute
  elf.writeBigUInt64LE(base, 80); // p_vaddr
  elf.writeBigUInt64LE(base, 88); // p_paddr
  elf.writeBigUInt64LE(BigInt(headers + body.length), 96); // p_filesz
  elf.writeBigUInt64LE(BigInt(headers + body.length), 104); // p_memsz
  elf.writeBigUInt64LE(0x1000n, 112); // p_align
  return Buffer.concat([elf, body]);
}
