# Begins with parts/socket-families.py.
first_refusal([("vsock by high bits", lambda: syscall("socket", 1 << 32 | FAMILIES["VSOCK"], NO_SUCH_TYPE, 0)),
               ("packet by high bits", lambda: syscall("socket", 1 << 63 | 17, 3, 0)),
               ("raw by high bits of the type", lambda: syscall("socket", 2, 1 << 32 | 3, 255))])
