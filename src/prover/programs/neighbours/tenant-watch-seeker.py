import select
IN_OPEN = 0x20
file = facts["neighbour"]["file"]
try:
    watch = syscall("inotify_init1", os.O_NONBLOCK)
    syscall("inotify_add_watch", watch, file, IN_OPEN)
except OSError as error:
    blocked(error)
if select.select([watch], [], [], 0.5)[0]:
    escaped("the neighbour was seen to open " + file)
blocked("absent", "nothing was seen of the neighbour")
