others = [process for process in os.listdir("/proc") if process.isdigit() and int(process) != os.getpid()]
found(["/proc/" + process + "/environ" for process in others] or ["/proc/0/environ"], read, "can be read")
