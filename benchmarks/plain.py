"""A plain client: posts the same body repeatedly, without database or queue.

usage: python -m benchmarks.plain URL NUMBER THREADS < body

Prints "ready", waits for a second line, and posts.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import urllib3


def main(url: str, number: int, threads: int) -> None:
    body = sys.stdin.readline().encode()
    pool = urllib3.PoolManager(maxsize=threads)
    print("ready", flush=True)
    sys.stdin.readline()

    def post(_: int) -> int:
        headers = {"content-type": "application/json"}
        return pool.request("POST", url, body=body, headers=headers, retries=False).status

    with ThreadPoolExecutor(threads) as posting:
        refused = [status for status in posting.map(post, range(number)) if status != 200]
    sys.exit(bool(refused))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
