"""Wrapper: what a scheme in front of :// stands for (= php_stream_wrapper_ops).

A wrapper opens streams and answers for names: unlink, rename, stat ...  What it cannot do it leaves as it
is here, and the chapters say so in PHP's words.  What goes wrong is an OSError or a WrapperError, which the
chapters turn into PHP's warnings.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from php_streams._core.context import Context
    from php_streams._core.directory import DirectoryRaw
    from php_streams._core.stream import Stream


class WrapperError(Exception):
    """Why a wrapper did not open a stream, in PHP's words; "" when it has said so already.

    number: what errno is then, for scandir's sake.
    """

    def __init__(self, reason: str = "", number: int = errno.ENOTDIR) -> None:
        super().__init__(reason)
        self.number = number


class Wrapper:
    """One kind of URL; subclasses do what the kind can do."""

    label = ""  # wrapper_type of stream_get_meta_data
    remote = False  # it goes over the network: allow_url_fopen rules it
    can_unlink = can_rename = can_make_directories = can_touch = can_list = False

    def open(self, path: str, mode: str, options: int, context: Context | None) -> Stream:
        """A stream on `path`; options are STREAM_* bits."""
        raise WrapperError("wrapper does not support stream open")

    def open_directory(self, path: str, context: Context | None) -> DirectoryRaw:
        """The names in a folder."""
        raise WrapperError("not implemented")

    def stat(self, path: str, follow: bool, flags: int, context: Context | None) -> os.stat_result:
        """What is known of a name; OSError when there is nothing of that name.

        flags: STREAM_URL_STAT_*, for wrappers of the user's own.
        """
        raise OSError

    # What a wrapper brings if it says above that it can.  These change names; False: it failed and said so;
    # an OSError: PHP is to say why.
    unlink: Callable[[str, Context | None], bool | None]  # of a file
    rename: Callable[[str, str, Context | None], bool | None]  # the old name, the new one
    mkdir: Callable[[str, int, bool, Context | None], bool | None]  # the permissions; also the folders above?
    rmdir: Callable[[str, Context | None], bool | None]  # of an empty folder
    # The times of access and modification (None: now); a file that is not there is made.
    touch: Callable[[str, tuple[int, int] | None], bool | None]
    chmod: Callable[[str, int], bool | None]
    # An owner, or a group, by number or name; whether it is a group; of what a link leads to?
    give: Callable[[str, int | str, bool, bool], bool | None]

    def access(self, path: str, access: int) -> bool | None:
        """Whether this process may do that (os.R_OK ...), or, for F_OK, whether it is there at all.

        None: what stat tells is to be looked at.  That root may read and write whatever the permissions are
        holds for plain files alone.
        """
        return None
