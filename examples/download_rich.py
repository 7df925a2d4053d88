"""The download of download.py with a bar of rich: the callback moves it.

Usage: python download_rich.py http://127.0.0.1/page target
"""

import sys

from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

from php_streams import *


def download(url: str, target: str) -> int | bool:
    """Copies the page into the target; False after PHP's warning."""
    with Progress("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn()) as progress:
        task = progress.add_task("connecting", total=None)

        def note(code: int, severity: int, message: str | None, number: int, done: int, most: int) -> None:
            if code in (STREAM_NOTIFY_CONNECT, STREAM_NOTIFY_REDIRECTED):
                progress.update(task, description=message or "connected")
            elif code == STREAM_NOTIFY_FILE_SIZE_IS:
                progress.update(task, total=most)
            elif code == STREAM_NOTIFY_PROGRESS:
                progress.update(task, completed=done)

        fp = fopen(url, "r", False, stream_context_create({}, {"notification": note}))
        if not fp:
            return False
        with fp:
            return file_put_contents(target, fp)


if __name__ == "__main__":
    sys.exit(1 if download(sys.argv[1], sys.argv[2]) is False else 0)
