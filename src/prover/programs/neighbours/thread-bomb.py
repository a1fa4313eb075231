import _thread
_thread.stack_size(65536)
started = 0
try:
    while started <= facts["pidsLimit"]:
        _thread.start_new_thread(time.sleep, (60,))
        started += 1
except RuntimeError:
    blocked("EAGAIN", "after %d threads" % started)
escaped("%d threads" % started)
