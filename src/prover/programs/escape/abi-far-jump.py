# Begins with parts/machine-code.py.
# jmp far [rip]: to the code segment 0x23; there: mov eax, 20; int 0x80; mov eax, 1; mov ebx, 42; int 0x80 (exit)
def code(start):
    jump = bytes.fromhex("ff2d00000000") + struct.pack("IH", start + 64, 0x23)
    return jump.ljust(64, b"\x90") + bytes.fromhex("b814000000" "cd80" "bb2a000000" "b801000000" "cd80")
judge(code, "calls work in 32-bit mode")
