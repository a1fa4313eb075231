mine = os.readlink("/proc/self/exe")
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        program = os.readlink("/proc/" + process + "/exe")
    except OSError:
        continue
    if program != mine:
        escaped("process " + process + " runs " + program)
blocked("absent", "every process runs " + mine)
