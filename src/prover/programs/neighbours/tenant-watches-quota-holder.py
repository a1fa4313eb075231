made = 0
try:
    while made < 900:
        syscall("inotify_init1", 0)
        made += 1
except OSError as error:
    if made == 0:
        blocked(error)
holds(made=made)
