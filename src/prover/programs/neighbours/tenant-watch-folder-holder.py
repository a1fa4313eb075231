import _thread
def use():
    while True:
        read(os.__file__)
        time.sleep(0.005)
_thread.start_new_thread(use, ())
holds(folder=os.path.dirname(os.__file__))
