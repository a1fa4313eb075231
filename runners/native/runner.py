"""The program beside a native action: stands between the channel and a program of the action's own, which is the
file `exec` of the code folder, an ELF file or a script. It shares a user with that program, so the host trusts
nothing that comes from here; what it defends itself against is accident, not attack.

    ready > init > init-ok | init-error, then run > result, again and again

The first argument is `loop` where a program must speak ActionLoop, else `any`; the second is the code folder, or
/fn. The host may send the next runs early; they are good only if they need not wait: when it is longer than PATIENCE
seconds since a run was sent, or since the answer before it if it was sent early, its answer says `late`, and whatever
was sent before the host can have seen that answer is void, because the host has other plans for it. That an early run
is begun is said before it is.

The program writes to the log streams itself, so a sentinel on both precedes every answer. What the runner imports is
little, because the image may have nothing else, and because each start pays for it.
"""

import os
import sys
from time import monotonic, time

sys.path.insert(0, os.path.dirname(__file__))

from channel import CHANNEL_FD, end_logs, log, quote, raw_members, receive, scan, send
from contracts import NO_RESULT, contract_of, result_in
from program import Refusal, environment

PATIENCE = 0.020

only_loop = sys.argv[1] == "loop"
code_folder = sys.argv[2] if len(sys.argv) > 2 else "/fn"


def set_environment(env):
    """Strings as they are; the rest as OpenWhisk does: false values empty, objects as JSON."""
    for name, text in env.items():
        value, _ = scan(text, 0)
        if not isinstance(value, str):
            value = text if value or isinstance(value, (dict, list)) else ""
        environment[name] = value


def init(request):
    """Answers, and returns the contract, or None."""
    try:
        set_environment(raw_members(request["env"]))
        contract = contract_of(code_folder, scan(request["main"], 0)[0], only_loop)
    except Refusal as refusal:
        log(2, f"Error during initialization: {refusal}\n".encode())
        end_logs("init")
        send(f'{{"type":"init-error","error":{quote(str(refusal))}}}')
        return None
    end_logs("init")
    send('{"type":"init-ok"}')
    return contract


def begin(name, request, answered_at):
    """Returns when the host's clock for this run began, at the latest."""
    now = monotonic()
    if "early" not in request:
        return now - max(0, time() - float(request["sent"]) / 1000)
    send(f'{{"type":"begun","id":{quote(name)}}}')
    return now if answered_at is None else answered_at


def run(contract, request, answered_at):
    """Returns when it was answered, and whether early runs are void."""
    name, _ = scan(request["id"], 0)
    begun_at = begin(name, request, answered_at)
    set_environment(raw_members(request["env"]))
    try:
        line = contract.run(request["value"])
        result = result_in(line)
        if result is None:
            log(1, line.strip() + b"\n" if line.strip() else b"")
            raise Refusal(NO_RESULT)
        answer = f'"ok":true,"value":{result}'
        answered_at = monotonic()
        is_late = answered_at - begun_at > PATIENCE
    except Refusal as refusal:
        answer = f'"ok":false,"error":{quote(str(refusal))}'
        is_late = True  # The host discards a sandbox after such an answer.
    late = ',"late":true' if is_late else ""
    end_logs(name)
    send(f'{{"type":"result"{late},"id":{quote(name)},{answer}}}')
    return answered_at, is_late


def is_concurrent():
    """Then nothing is sent early: the host lets runs wait here, and counts on their being done."""
    return environment.get("__OW_ALLOW_CONCURRENT") == "true"


def serve():
    """Takes requests until the host closes the channel."""
    os.set_inheritable(CHANNEL_FD, False)
    channel = open(CHANNEL_FD, "rb", closefd=False)
    contract = answered_at = None
    answers = valid_from = 0
    send('{"type":"ready"}')
    while (text := receive(channel)) is not None:
        request = raw_members(text)
        if request["type"] == '"init"':
            contract = init(request)
        elif int(request.get("after", valid_from)) >= valid_from:
            answered_at, is_late = run(contract, request, answered_at)
            answers += 1
            if is_late and not is_concurrent():
                valid_from = answers
    os._exit(0)


serve()
