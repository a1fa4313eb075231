mine = [str(os.getpid()), "self", "thread-self"]
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        if facts["neighbour"]["marker"].encode() in read("/proc/" + process + "/cmdline") and process not in mine:
            escaped("process " + process + " is the neighbour’s")
    except OSError:
        pass
blocked("absent", "/proc shows no process of the neighbour")
