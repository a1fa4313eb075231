import _thread
# Opens it again and again, so that a watcher sees it at any time.
def use():
    while True:
        read(os.__file__)
        time.sleep(0.005)
_thread.start_new_thread(use, ())
holds(file=os.__file__)
