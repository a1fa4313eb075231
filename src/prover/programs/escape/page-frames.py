memory = buffer(b"ward" * 2048)
try:
    descriptor = os.open("/proc/self/pagemap", os.O_RDONLY)
except FileNotFoundError:
    blocked("absent", "no /proc/self/pagemap")
except OSError as error:
    blocked(error)
entry = os.pread(descriptor, 8, ctypes.addressof(memory) // 4096 * 8)
frame = struct.unpack("Q", entry)[0] & (1 << 55) - 1 if len(entry) == 8 else 0
if frame:
    escaped("the frame of a page is visible: " + hex(frame))
blocked("absent", "the kernel shows every frame as 0")
