def attack():
    (uuid, secret), (other, _) = own.split(":"), facts["victimKey"].split(":")
    keys = [f"{uuid}:{'x' * len(secret)}", f"{other}:{secret}", f"{uuid}:", f":{secret}", uuid, secret[:-1], f"{uuid}:{secret}:x", f"{uuid}: {secret}", f"{uuid}:{secret}\0"]
    target = "/api/v1/namespaces/_/actions"
    answers = {k: talk(head("GET", target, k)) for k in keys}
    for line in ["Bearer " + secret, "Basic", "Basic !!!!", "Basic " + "A" * 4000, "Digest username=victim"]:
        answers[line[:20]] = talk(head("GET", target, None, f"Authorization: {line}\r\n"))
    return judge(answers, [400, 401])
