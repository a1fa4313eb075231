def reach():
    AF_ALG, SOCK_SEQPACKET = 38, 5
    cipher = socket.socket(AF_ALG, SOCK_SEQPACKET)
    # The bound socket never gets a key, and no file is spliced into it.
    cipher.bind(("aead", "authencesn(hmac(sha256),cbc(aes))"))
let_through(reach, ["ENOENT"], "the kernel’s ciphers are reached")
