import select
IN_OPEN = 0x20
file = facts["neighbour"]["file"]
try:
    watch = syscall("inotify_init1", os.O_NONBLOCK)
    syscall("inotify_add_watch", watch, file, IN_OPEN)
except OSError as error:
    blocked(error)
if select.select([watch], [], [], 0.5)[0]:
    escaped("it saw the neighbour open " + file)
blocked("absent", "it saw nothing of the neighbour")
