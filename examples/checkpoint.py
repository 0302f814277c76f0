"""Saves what it has when the scheduler warns that the time is nearly over: --signal USR1@120, two minutes before.

    hpcgen slurm --site mahuika --time 2h --signal USR1@120 --workers 4 examples/checkpoint.py
"""

import signal
import time

from distributed import Client, as_completed

stop = []


def simulate(i):
    time.sleep(1)
    return i


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: stop.append(True))  # reaches every rank, and only the program's acts on it
    done = 0
    with Client() as client:
        for _future in (running := as_completed(client.map(simulate, range(10_000)))):
            done += 1
            if stop:
                with open("checkpoint.txt", "w") as file:
                    print(done, file=file)
                print("saved after", done, "steps", flush=True)
                running.clear()
                break
