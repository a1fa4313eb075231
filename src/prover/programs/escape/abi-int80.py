# Begins with parts/machine-code.py.
# mov eax, 20 (getpid of i386); int 0x80; movsxd rax, eax; ret
judge(lambda start: bytes.fromhex("b814000000" "cd80" "4863c0" "c3"), "getpid of the 32-bit ABI has answered")
