"""A download with a progress bar. Line N of this file is line N of download.php."""

# Usage: python download.py http://127.0.0.1/page target

import sys

from php_streams import *

WIDTH = 40


class ProgressBar:
    """What the context's notification calls while a URL is opened and read."""

    __slots__ = ("size",)

    def __init__(self):
        # The number of bytes there will be, as far as the server has said.
        self.size = 0

    def note(self, code, severity, message, number, done, most):
        # Tells what has come to pass.
        if code == STREAM_NOTIFY_CONNECT:
            fwrite(STDOUT, "connected\n")

        if code == STREAM_NOTIFY_REDIRECTED:
            fwrite(STDOUT, f"redirected to {message}\n")

        if code == STREAM_NOTIFY_MIME_TYPE_IS:
            fwrite(STDOUT, f"type: {message}\n")

        if code == STREAM_NOTIFY_PROGRESS and done > 0:
            self.draw(done)

        self.size = most if code == STREAM_NOTIFY_FILE_SIZE_IS else self.size

    def draw(self, done):
        # One line that is drawn again and again; without a size there are bytes and no bar.
        filled = min(WIDTH, WIDTH * done // self.size) if self.size else 0
        fwrite(STDOUT, "\r[" + "#" * filled + "." * (WIDTH - filled) + f"] {done} bytes")


def download(url, target):
    # Copies the page into the target; False after PHP's warning.
    bar = ProgressBar()
    context = stream_context_create({}, {"notification": bar.note})
    fp = fopen(url, "r", False, context)
    if not fp:
        return False

    size = file_put_contents(target, fp)
    fclose(fp)
    fwrite(STDOUT, "\n")
    return size


if __name__ == "__main__":
    sys.exit(1 if download(sys.argv[1], sys.argv[2]) is False else 0)
