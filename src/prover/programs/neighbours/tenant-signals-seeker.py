answers = {attempt(lambda: os.kill(process, signal.SIGKILL)) for process in range(2, 4000)}
def all_of_them():
    os.kill(-1, signal.SIGKILL)
# Whoever may be signalled but oneself: the neighbour is looked at afterwards.
answer = attempt(all_of_them)
if "ok" in answers:
    escaped("a process that is not one’s own was ended")
blocked("ESRCH" if answer == "ok" else answer, ", ".join(sorted(answers)))
