"""Long work waits for its turn, and nobody waits for one who asks for much."""

import asyncio
import gc
import threading
import time

from adapterhub.server.turns import Turns


class Work:
    """Work that lasts until it may end, and how much of it goes on."""

    def __init__(self):
        self.now, self.most, self.end, self.lock = 0, 0, threading.Event(), threading.Lock()

    def do(self, wait=True):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        if wait:
            assert self.end.wait(30)
        with self.lock:
            self.now -= 1
        return threading.get_ident()


async def until(happened):
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def test_one_caller_has_few_turns_and_another_need_not_wait_for_him():
    async def main():
        turns, ada, bob = Turns(4, 2), Work(), Work()
        hers = [asyncio.create_task(turns.run("ada", ada.do)) for _ in range(50)]
        await until(lambda: ada.now == 2)
        await turns.run("bob", bob.do, False)
        assert (ada.now, bob.most) == (2, 1)
        ada.end.set()
        await asyncio.gather(*hers)
        assert ada.most == 2

    asyncio.run(main())


def test_all_callers_together_have_so_many_turns():
    async def main():
        turns, work = Turns(4, 2), Work()
        asked = [asyncio.create_task(turns.run(str(who), work.do)) for who in range(20)]
        await until(lambda: work.now == 4)
        await asyncio.to_thread(time.sleep, 0.02)  # other threads are free
        work.end.set()
        await asyncio.gather(*asked)
        assert work.most == 4

    asyncio.run(main())


def test_who_is_done_is_forgotten_and_what_failed_is_told():
    async def main():
        turns = Turns(1, 1)
        for who in range(5):
            try:
                await turns.run(str(who), int, "x")
            except ValueError:
                continue
            raise AssertionError
        await until(lambda: gc.collect() >= 0 and not turns._own)
        assert await turns.run("ada", int, "5") == 5

    asyncio.run(main())
