import _thread
# Again and again, so that whoever watches in the meantime sees it.
def use():
    while True:
        read(os.__file__)
        time.sleep(0.005)
_thread.start_new_thread(use, ())
holds(file=os.__file__)
