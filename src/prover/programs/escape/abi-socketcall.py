# Begins with parts/machine-code.py.
# mov eax, 102 (socketcall); mov ebx, 1 (SOCKET); mov ecx, arguments; int 0x80; movsxd rax, eax; ret. rbx is kept in r12.
def code(start):
    # No socket has this type. The kernel reports that after the filter and before it loads a module.
    AF_VSOCK, NO_SUCH_TYPE = 40, 15
    begin = bytes.fromhex("4154" "4989dc" "b866000000" "bb01000000" "b9") + struct.pack("I", start + 256)
    end = bytes.fromhex("cd80" "4c89e3" "415c" "4863c0" "c3")
    return (begin + end).ljust(256, b"\0") + struct.pack("III", AF_VSOCK, NO_SUCH_TYPE, 0)
judge(code, "sockets of the family VSOCK are let through", let_through=errno.EINVAL)
