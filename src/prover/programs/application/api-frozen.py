def attack():
    def ask():
        global asked
        while True:
            try:
                talk(head("GET", "/api/v1/namespaces", own), 1)
                asked += 1
            except OSError:
                time.sleep(0.01)
    threading.Thread(target=ask, daemon=True).start()
    time.sleep(0.2)
    return {"asked": asked}
