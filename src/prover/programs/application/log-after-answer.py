# Begins with parts/logs.py.
import threading
import time
def write(_own):
    def late():
        while True:
            os.write(1, b"stray" + bytes([10]))
            time.sleep(0.001)
    threading.Thread(target=late, daemon=True).start()
