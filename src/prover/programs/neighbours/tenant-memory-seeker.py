answers = []
for process in [name for name in os.listdir("/proc") if name.isdigit()]:
    def look():
        descriptor = os.open("/proc/" + process + "/mem", os.O_RDONLY)
        if os.pread(descriptor, 32, facts["neighbour"]["address"]) != facts["neighbour"]["secret"].encode():
            raise OSError(errno.EIO, "other memory")
    answers.append(attempt(look))
if "ok" in answers:
    escaped("the neighbour’s memory was read")
blocked("absent" if set(answers) <= {"EIO"} else answers[0], ", ".join(answers))
